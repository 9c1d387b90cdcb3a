/** Which SAEs of a run each of its shards trains and measures. */

import type { SuitesSettings, TrainingSettings } from '../../config/sections.ts';
import { UserError } from '../../errors.ts';
import type { Checkpoint } from '../../lm/checkpoint.ts';
import { familyOf } from '../../lm/families/index.ts';
import { partsOf } from '../../lm/parts.ts';
import { counted } from '../../report/counted.ts';
import type { Suite } from '../../suites/suite.ts';
import { type RunWork, type WorkingSae, workOf, workOfSamples } from '../run/work.ts';
import type { PlannedSae } from '../shared/planned-saes.ts';
import { splitByCost } from './split.ts';

/** An SAE as far as its work goes. */
export interface SharedSae extends WorkingSae {
  id: string;
}

export interface Share {
  saes: readonly SharedSae[];
  /** Floating-point operations: of the language model's passes, of all that goes through it, and all. */
  passes: number;
  model: number;
  operations: number;
}

/** @throws UserError where there are more shards than SAEs */
export function sharesOf(
  run: {
    config: SuitesSettings & {
      training: Pick<TrainingSettings, 'tokens' | 'policy'>;
      corpus: { rowTokens: number };
    };
    suites: readonly Suite[];
    /** Null of a synthetic model. */
    checkpoint: Checkpoint | null;
  },
  saes: readonly SharedSae[],
  of: number,
): Share[] {
  if (of > saes.length) {
    throw new UserError({
      thing: '--shard',
      found: `${counted(of, 'shard')} of a run of ${counted(saes.length, 'SAE')}`,
      expected: 'no more shards than SAEs',
      next: 'Start fewer processes.',
    });
  }
  const work = run.checkpoint === null ? workOfSamples(run.config) : workOn(run, run.checkpoint);
  // A token that is left out for its norm at one hook is left out at all, so that all are looked at.
  const seen = run.config.training.policy.highNorm === 'keep' ? null : hooksOf(saes.filter(isTrained));
  return sharesOfWork(work, saes, of, seen);
}

function workOn({ config, suites }: Parameters<typeof sharesOf>[0], checkpoint: Checkpoint): RunWork {
  const family = familyOf(checkpoint);
  return workOf(config, suites, partsOf(checkpoint, family), family);
}

/**
 * @param saes by hook, ascending; at least `of`
 * @param seen hooks that training looks at besides those of its SAEs
 */
export function sharesOfWork(
  work: RunWork,
  saes: readonly SharedSae[],
  of: number,
  seen: readonly number[] | null = null,
): Share[] {
  const cost = costsOf(work, saes, seen);
  const ends = splitByCost(saes.length, of, (from, to) => cost(from, to).operations);
  return ends.map((to, i) => {
    const from = i === 0 ? 0 : ends[i - 1]!;
    return { saes: saes.slice(from, to), ...cost(from, to) };
  });
}

/** What the SAEs from (inclusive) to (exclusive) cost in a process of their own, quick to ask many times. */
function costsOf(
  { training, evaluation, readings }: RunWork,
  saes: readonly SharedSae[],
  seen: readonly number[] | null,
): (from: number, to: number) => Omit<Share, 'saes'> {
  const texts = [evaluation, ...readings];
  const hooks = hooksOf(saes);
  const hookOf = saes.map(({ layer }) => hooks.indexOf(layer));
  /** Work of all SAEs before one, and the last of them that is trained. */
  const own = [0];
  /** Of that, what goes through the language model. */
  const branches = [0];
  const lastTrained = [-1];
  for (const [i, sae] of saes.entries()) {
    const sum = (of: 'sae' | 'branch'): number =>
      [training, ...texts].reduce((total, text) => total + text.tokens * text[of](sae), 0);
    branches.push(branches[i]! + sum('branch'));
    own.push(own[i]! + sum('sae') + sum('branch'));
    lastTrained.push(sae.trained ? i : lastTrained[i]!);
  }
  const known = new Map<string, number>();
  const evaluating = (first: number, last: number): number => {
    const key = `${first}-${last}`;
    const at = hooks.slice(first, last + 1);
    const found = known.get(key) ?? texts.reduce((sum, text) => sum + text.tokens * text.pass(at), 0);
    known.set(key, found);
    return found;
  };
  return (from, to) => {
    const trained = lastTrained[to]!;
    const trains = trained >= from ? training.tokens * training.pass(seen ?? [saes[trained]!.layer]) : 0;
    const passes = trains + evaluating(hookOf[from]!, hookOf[to - 1]!);
    return {
      passes,
      model: passes + branches[to]! - branches[from]!,
      operations: passes + own[to]! - own[from]!,
    };
  };
}

function isTrained({ trained }: SharedSae): boolean {
  return trained;
}

function hooksOf(saes: readonly SharedSae[]): number[] {
  return [...new Set(saes.map(({ layer }) => layer))];
}

/** Planned SAEs by what their work follows from. */
export function sharedSaes(saes: readonly PlannedSae[]): SharedSae[] {
  return saes.map(({ origin, ...sae }) =>
    origin.kind === 'trained'
      ? { ...sae, d_sae: origin.recipe.dSae, trained: true }
      : { ...sae, d_sae: origin.sae.d_sae, trained: false },
  );
}
