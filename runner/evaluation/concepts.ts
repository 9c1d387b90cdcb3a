/** The suites that follow SAEBench, on sets of several classes: k-sparse probing, TPP and SCR. */
import { MalformedError, quote, UserError } from '../errors.ts';
import type { DenseFeatures, Features } from '../probes/features.ts';
import { splitRows } from '../probes/split.ts';
import type { Exclusion, Part } from '../report/schema.ts';
import type { Directions } from '../suites/ablation.ts';
import { type ConceptSet, planConcepts } from '../suites/concepts.ts';
import { fullProbe, kSparseProbes, kSparseSuite } from '../suites/k-sparse.ts';
import type { SuiteName } from '../suites/needs.ts';
import { planScr, type ScrPlan, scrOfPair, scrProbes, scrSuite } from '../suites/scr.ts';
import { conceptProbes, tppOfSet, tppSaeBenchSuite } from '../suites/tpp-saebench.ts';
import type { ProbeSet } from '../text/probe-sets.ts';
import type { ProbeText } from './probe-pass.ts';

export interface ConceptTexts {
  set: ConceptSet;
  /** One a row of the set. */
  texts: ProbeText[];
}

/**
 * A set's texts as the suites number them, training rows first.
 *
 * @param encoded token ids of each text, truncated
 * @param special ids that do not count
 * @throws MalformedError for a text without a token that counts, and for a test part that cannot be split off
 */
export function conceptTexts(
  loaded: ProbeSet,
  encoded: readonly (readonly number[])[],
  special: ReadonlySet<number>,
): ConceptTexts {
  const { name, data, classes, attribute, train, test } = loaded;
  const rows = [...train, ...test];
  const texts = encoded.map((ids, row): ProbeText => {
    const kept = Uint8Array.from(ids, (id) => (special.has(id) ? 0 : 1));
    if (kept.some((each) => each === 1)) return { ids, kept };
    throw new MalformedError({
      thing: `probe set ${name}, text ${row}`,
      found: `${ids.length} tokens, none that counts`,
      expected: 'a token that is not a special one',
      next: 'Remove empty texts from the data set, or check the tokenizer.',
    });
  });
  const split =
    test.length > 0
      ? {
          train: Int32Array.from(train, (_, row) => row),
          test: Int32Array.from(test, (_, row) => train.length + row),
        }
      : splitRows(train.length, { limit: train.length });
  return {
    texts,
    set: {
      name,
      data,
      classes,
      labels: rows.map(({ label }) => label),
      texts: rows.map(({ text }) => text),
      ...split,
      ...(attribute && {
        attribute: { ...attribute, labels: rows.map((row) => row.attribute ?? -1) },
      }),
    },
  };
}

export interface ClassPair {
  set: string;
  positive: string;
  negative: string;
}

export interface ConceptOptions {
  suites: readonly SuiteName[];
  ks: readonly number[];
  ns: readonly number[];
  /** Pairs of classes for scr, by name; a set without any has its classes taken two by two. */
  scrPairs: readonly ClassPair[];
  seed: number;
  resamples: number;
  resampleSeed: number;
}

/** The parts of the suites by their names. */
export type ConceptsEvaluated = Partial<Record<'k-sparse' | 'tpp' | 'scr', Part>>;

/** What is the same at every hook. */
export interface ConceptPlans {
  sets: readonly { plan: ReturnType<typeof planConcepts>; pairs: readonly ScrPlan[] }[];
  exclusions: Exclusion[];
}

/**
 * @throws MalformedError for a set with a class missing or with a text in both parts; a set or a pair that SCR cannot
 *   use is an exclusion
 * @throws UserError for a pair of a class that is not there
 */
export function planConceptSuites(sets: readonly ConceptSet[], options: ConceptOptions): ConceptPlans {
  const exclusions: Exclusion[] = [];
  for (const suite of ['k-sparse', 'tpp', 'scr'] as const) {
    if (sets.length > 0 || !options.suites.includes(suite)) continue;
    exclusions.push({ suite, data: 'probing.sets', reason: 'the run names no set of several classes' });
  }
  return {
    exclusions,
    sets: sets.map((set) => {
      const plan = planConcepts(set, options);
      const pairs: ScrPlan[] = [];
      if (options.suites.includes('scr')) {
        if (set.attribute === undefined) {
          exclusions.push({ suite: 'scr', data: set.name, reason: 'the set has no second label' });
        } else {
          for (const [negative, positive] of pairsOf(set, options.scrPairs)) {
            try {
              pairs.push(planScr(set, positive, negative, options));
            } catch (error) {
              if (!(error instanceof MalformedError)) throw error;
              const classes = `${set.classes[positive]} / ${set.classes[negative]}`;
              exclusions.push({ suite: 'scr', data: `${set.name}: ${classes}`, reason: error.message });
            }
          }
        }
      }
      return { plan, pairs };
    }),
  };
}

/**
 * Negative and positive class of each pair: those declared, or the classes two by two in their order, an odd one left over.
 *
 * @throws UserError for a class that the set has not
 */
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

/** Probes of the residual alone: the same for all SAEs. */
interface SharedProbes {
  baseline: ReturnType<typeof kSparseProbes> | null;
  ceiling: ReturnType<typeof fullProbe> | null;
  probes: ReturnType<typeof conceptProbes> | null;
  pairs: ReturnType<typeof scrProbes>[];
}

/** Gives what was made of a set's residual before, or makes it. */
type Remember = (set: number, residual: DenseFeatures, make: () => SharedProbes) => Promise<SharedProbes>;

/**
 * One result for each SAE of a hook.
 *
 * @param remember for the probes that no SAE decides
 *
 * @param features for each set its pooled residual, and each SAE's pooled latents
 * @param directions of each SAE's latents: read when it is that SAE's turn, and let go after
 */
export async function* evaluateConcepts(
  plans: ConceptPlans,
  features: readonly { residual: DenseFeatures; latents: readonly Features[] }[],
  directions: readonly (() => Promise<Directions>)[],
  options: ConceptOptions,
  remember: Remember = async (_set, _residual, make) => make(),
): AsyncGenerator<ConceptsEvaluated> {
  const { suites, ks, ns, seed } = options;
  const wants = (suite: SuiteName): boolean => suites.includes(suite) && plans.sets.length > 0;
  // Of the residual alone: the same for all SAEs.
  const shared: SharedProbes[] = [];
  for (const [i, { plan, pairs }] of plans.sets.entries()) {
    const { residual } = features[i]!;
    const probes = await remember(i, residual, () => ({
      baseline: wants('k-sparse') ? kSparseProbes(plan, residual, ks) : null,
      ceiling: wants('k-sparse') ? fullProbe(plan, residual) : null,
      probes: wants('tpp') ? conceptProbes(plan, residual, seed) : null,
      pairs: pairs.map((pair) => scrProbes(pair, residual, seed)),
    }));
    shared.push(probes);
  }
  for (const [sae, read] of directions.entries()) {
    const direction = await read();
    const found: ConceptsEvaluated = {};
    const of = plans.sets.map(({ plan }, i) => {
      const { residual, latents } = features[i]!;
      const { pairs: ofPairs, ...rest } = shared[i]!;
      const withProbes = plans.sets[i]!.pairs.map((pair, p) => ({ pair, probes: ofPairs[p]! }));
      return { plan, features: { residual, latents: latents[sae]! }, ...rest, pairs: withProbes };
    });
    if (wants('k-sparse')) {
      found['k-sparse'] = kSparseSuite(
        of.map(({ plan, features: { latents }, baseline, ceiling }) => ({
          plan,
          latents: kSparseProbes(plan, latents, ks),
          residual: baseline!,
          ceiling: ceiling!,
        })),
        ks,
      );
    }
    if (wants('tpp')) {
      found.tpp = tppSaeBenchSuite(
        of.map(({ plan, features: pooled, probes }) => ({
          plan,
          result: tppOfSet(plan, pooled, probes!, direction, ns),
        })),
      );
    }
    if (of.some(({ pairs }) => pairs.length > 0)) {
      found.scr = scrSuite(
        of.flatMap(({ features: pooled, pairs }) =>
          pairs.map(({ pair, probes }) => ({
            plan: pair,
            result: scrOfPair(pair, pooled, probes, direction, ns),
          })),
        ),
      );
    }
    yield found;
  }
}
