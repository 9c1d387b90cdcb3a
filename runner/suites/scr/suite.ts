/** SAEBench's spurious correlation removal over pairs of classes of the run's sets. */
import { z } from 'zod';
import { MalformedError, quote, UserError } from '../../errors.ts';
import { scr as declaration } from '../../report/suites/scr.ts';
import { nValues } from '../ablation.ts';
import type { ConceptSet } from '../concepts.ts';
import { perHook, readsSets } from '../sets.ts';
import { type Complaint, defineSuite } from '../suite.ts';
import { planScr, type ScrPlan, scrOfPair, scrProbes, scrSuite } from './scr.ts';

const className = z.string().min(1).max(100);

const pair = z
  .strictObject({
    set: className.describe('a set of probing.sets'),
    positive: className.describe(
      'the class that coincides with the second value of the set’s second label where the probe is biased',
    ),
    negative: className.describe('the class that coincides with the first'),
  })
  .refine(({ positive, negative }) => positive !== negative, 'expected two classes');

export type ClassPair = z.infer<typeof pair>;

export const scr = defineSuite({
  declaration,
  byDefault: true,
  settings: {
    evaluation: { nValues },
    probing: {
      scrPairs: z
        .array(pair)
        .max(200)
        .default([])
        .describe(
          'pairs of classes that suite scr tells apart, as {"set", "positive", "negative"}; a set without any has its classes taken two by two',
        ),
    },
  },
  check({ scrPairs }, { sets }) {
    const path = ['probing', 'scrPairs'];
    const complaints: Complaint[] = [];
    const unknown = scrPairs.find(({ set }) => !sets.names.includes(set));
    if (unknown !== undefined) {
      complaints.push({ path, message: `expected sets of probing.sets, which ${quote(unknown.set)} is not` });
    }
    const seen = new Set(scrPairs.map((each) => JSON.stringify([each.set, each.positive, each.negative])));
    if (seen.size !== scrPairs.length) complaints.push({ path, message: 'expected each pair once' });
    return complaints;
  },
  reads: readsSets,
  async begin(context, { nValues: ns, scrPairs }) {
    const sets = await context.sets();
    if (sets.length === 0) context.exclude('probing.sets', 'the run names no set of several classes');
    const { probeSeed } = context;
    const { resamples, seed } = context.draws;
    const draws = { resamples, resampleSeed: seed };
    const pairs = sets.flatMap(({ set, pooled }) =>
      plansOf(set, scrPairs, draws, context.exclude).map((plan) => ({
        plan,
        pooled,
        probes: perHook(
          context,
          [set, plan.name],
          (hook) => pooled.at(hook),
          (residual) => scrProbes(plan, residual, probeSeed),
        ),
      })),
    );
    if (pairs.length === 0) return null;
    return {
      async score({ hook, index, directions }) {
        const results = [];
        for (const { plan, pooled, probes } of pairs) {
          const { latents, residual } = pooled.at(hook);
          const features = { latents: latents[index]!, residual: residual! };
          const own = await probes(hook);
          results.push({ plan, result: scrOfPair(plan, features, own, await directions(), ns) });
        }
        const uses = results.flatMap(({ result }) =>
          result.directions.flatMap(({ use }) => (use === null ? [] : [use])),
        );
        return { part: scrSuite(results), uses };
      },
    };
  },
});

/**
 * The pairs of a set; one that SCR cannot use is an exclusion.
 *
 * @throws UserError for a pair of a class that is not there
 */
export function plansOf(
  set: ConceptSet,
  declared: readonly ClassPair[],
  draws: { resamples: number; resampleSeed: number },
  exclude: (data: string, reason: string) => void,
): ScrPlan[] {
  if (set.attribute === undefined) {
    exclude(set.name, 'the set has no second label');
    return [];
  }
  return pairsOf(set, declared).flatMap(([negative, positive]) => {
    try {
      return [planScr(set, positive, negative, draws)];
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      exclude(`${set.name}: ${set.classes[positive]} / ${set.classes[negative]}`, error.message);
      return [];
    }
  });
}

/** Negative and positive class of each pair: those declared, or the classes two by two in their order, an odd one left over. */
function pairsOf({ name, classes }: ConceptSet, declared: readonly ClassPair[]): [number, number][] {
  const own = declared.filter(({ set }) => set === name);
  if (own.length === 0) {
    return Array.from({ length: Math.floor(classes.length / 2) }, (_, i) => [2 * i, 2 * i + 1]);
  }
  const place = (wanted: string): number => {
    const found = classes.indexOf(wanted);
    if (found >= 0) return found;
    throw new UserError({
      thing: `probing.scrPairs: set ${name}`,
      found: `class ${quote(wanted)}`,
      expected: `one of ${classes.map(quote).join(', ')}`,
      next: 'Name classes as the set does.',
    });
  };
  return own.map(({ positive, negative }) => [place(negative), place(positive)]);
}
