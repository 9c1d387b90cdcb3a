/** What the suites over sets of several classes share: the plan of each set, and the text they read. */
import type { DenseFeatures } from '../probes/features.ts';
import { type ConceptPlan, planConcepts } from './concepts.ts';
import type { AskedSet, PooledTexts, PooledUntrained, Reading, RunInputs, SuiteContext } from './suite.ts';

export interface PlannedSet {
  plan: ConceptPlan;
  pooled: AskedSet['pooled'];
}

/** A suite without a set has nothing to score, and says so. */
export async function plannedSets(context: SuiteContext): Promise<PlannedSet[] | null> {
  const sets = await context.sets();
  if (sets.length === 0) {
    context.exclude('probing.sets', 'the run names no set of several classes');
    return null;
  }
  const { resamples, seed } = context.draws;
  const options = { seed: context.probeSeed, resamples, resampleSeed: seed };
  return sets.map(({ set, pooled }) => ({ plan: planConcepts(set, options), pooled }));
}

export function readsSets(_settings: unknown, { sets }: RunInputs): Reading[] {
  return [{ name: 'sets', rows: sets.texts, rowTokens: sets.tokens, keeps: 'pooled' }];
}

/** Probes of the residual alone, the same for all SAEs of a hook: made once, and kept between runs. */
export function perHook<T>(
  context: SuiteContext,
  key: unknown,
  pooledAt: (hook: number) => PooledTexts,
  make: (residual: DenseFeatures) => T,
): (hook: number) => Promise<T> {
  const known = new Map<number, Promise<T>>();
  return (hook) => {
    const residual = pooledAt(hook).residual!;
    const found = known.get(hook) ?? context.remember([key, residual], () => make(residual));
    known.set(hook, found);
    return found;
  };
}

/**
 * What a suite says of the untrained SAE of an SAE's shape, by the SAE's hook and number: made once for those that share
 * one, and kept between runs. Null where none could be made.
 *
 * @param key with the residual all that it follows from besides the untrained SAE
 */
export function perUntrained<T>(
  context: SuiteContext,
  key: unknown,
  pooledAt: (hook: number) => PooledTexts,
  make: (sae: PooledUntrained, hook: number) => T | Promise<T>,
): (hook: number, index: number) => Promise<T | null> {
  const known = new Map<string, Promise<T>>();
  return async (hook, index) => {
    const { untrained, residual } = pooledAt(hook);
    const sae = untrained?.get(index);
    if (sae === undefined) return null;
    const found =
      known.get(sae.follows) ?? context.remember([key, residual, sae.follows], () => make(sae, hook));
    known.set(sae.follows, found);
    return found;
  };
}
