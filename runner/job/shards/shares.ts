/** Which SAEs of a run each of its shards trains and measures. */
import type { SuitesSettings, TrainingSettings } from '../../config/sections.ts';
import { UserError } from '../../errors.ts';
import type { Checkpoint } from '../../lm/checkpoint.ts';
import { familyOf } from '../../lm/families/index.ts';
import { partsOf } from '../../lm/parts.ts';
import type { Suite } from '../../suites/suite.ts';
import { type RunWork, type TextWork, type WorkingSae, workOf } from '../run/work.ts';
import type { PlannedSae } from '../shared/planned-saes.ts';
import { splitByCost } from './split.ts';

/** An SAE as far as its work goes. */
export interface SharedSae extends WorkingSae {
  id: string;
}

export interface Share {
  saes: readonly SharedSae[];
  /** Floating-point operations: of the language model's passes, and all. */
  passes: number;
  operations: number;
}

/** @throws UserError where there are more shards than SAEs */
export function sharesOf(
  run: {
    config: SuitesSettings & { training: Pick<TrainingSettings, 'tokens' | 'policy'> };
    suites: readonly Suite[];
    checkpoint: Checkpoint;
  },
  saes: readonly SharedSae[],
  of: number,
): Share[] {
  if (of > saes.length) {
    throw new UserError({
      thing: '--shard',
      found: `${of} shards of a run of ${saes.length} ${saes.length === 1 ? 'SAE' : 'SAEs'}`,
      expected: 'no more shards than SAEs',
      next: 'Start fewer processes.',
    });
  }
  const family = familyOf(run.checkpoint);
  const work = workOf(run.config, run.suites, partsOf(run.checkpoint, family), family);
  // A token that is left out for its norm at one hook is left out at all, so that all are looked at.
  const seen = run.config.training.policy.highNorm === 'keep' ? null : hooksOf(saes.filter(isTrained));
  const share = (from: number, to: number): Share => shareOf(work, saes.slice(from, to), seen);
  const ends = splitByCost(saes.length, of, (from, to) => share(from, to).operations);
  return ends.map((to, i) => share(i === 0 ? 0 : ends[i - 1]!, to));
}

/**
 * What SAEs cost in a process of their own.
 *
 * @param seen hooks that training looks at besides those of its SAEs
 */
export function shareOf(
  work: RunWork,
  saes: readonly SharedSae[],
  seen: readonly number[] | null = null,
): Share {
  const trained = saes.filter(isTrained);
  const hooks = hooksOf(saes);
  let passes = 0;
  let operations = 0;
  const add = (text: TextWork, at: readonly number[], some: readonly SharedSae[]): void => {
    passes += text.tokens * text.pass(at);
    operations += text.tokens * (text.pass(at) + some.reduce((sum, sae) => sum + text.sae(sae), 0));
  };
  if (trained.length > 0) add(work.training, seen ?? hooksOf(trained), trained);
  for (const text of [work.evaluation, ...work.readings]) add(text, hooks, saes);
  return { saes, passes, operations };
}

function isTrained({ trained }: SharedSae): boolean {
  return trained;
}

function hooksOf(saes: readonly SharedSae[]): number[] {
  return [...new Set(saes.map(({ layer }) => layer))];
}

/** Planned SAEs by what their work follows from. */
export function sharedSaes(saes: readonly PlannedSae[]): SharedSae[] {
  return saes.map(({ id, layer, origin }) =>
    origin.kind === 'trained'
      ? { id, layer, d_sae: origin.recipe.dSae, trained: true }
      : { id, layer, d_sae: origin.sae.d_sae, trained: false },
  );
}
