/** What a run in shards will take, before anything of it is done. */
import type { SaeSettings, SuitesSettings, TrainingSettings } from '../../config/sections.ts';
import { trainedHooks } from '../../config/trained-hooks.ts';
import { hookLabel } from '../../hook.ts';
import type { Checkpoint } from '../../lm/checkpoint.ts';
import { familyOf } from '../../lm/families/index.ts';
import { widthsAt } from '../../lm/segments.ts';
import type { Suite } from '../../suites/suite.ts';
import { checkpointLimits } from '../../train/checkpoint-files.ts';
import { hooksOfPlans, plannedSaes, trainedSaes, withWidths } from '../shared/planned-saes.ts';
import { contentLimits } from '../training-data/training-tokens.ts';
import { type Share, sharedSaes, sharesOf } from './shares.ts';

export interface PlannedShard {
  saes: readonly string[];
  /** Floating-point operations: of the language model's passes, of all that goes through it, and all. */
  passes: number;
  model: number;
  operations: number;
  /** Bytes on disk: of the SAEs it leaves, and of its checkpoints at most, an old and a new one at a time. */
  disk: { saes: number; checkpoints: number };
}

export interface ShardsPlan {
  shards: readonly PlannedShard[];
  /** The least number of shards whose passes of the language model are more than half of all work; null for none. */
  dominatedFrom: number | null;
}

interface PlannedRun {
  config: SaeSettings &
    SuitesSettings & {
      sae: { batchTokens: number };
      training: Pick<TrainingSettings, 'tokens' | 'policy' | 'shuffle'>;
      corpus: { rowTokens: number };
    };
  suites: readonly Suite[];
  checkpoint: Checkpoint;
}

/**
 * SAEs of others are not counted: how large they are is known when they are located.
 *
 * @throws UserError where there are more shards than SAEs
 */
export function planShards(run: PlannedRun, of: number): ShardsPlan {
  const { config } = run;
  const family = familyOf(run.checkpoint);
  const widths = new Map(trainedHooks(config).map((hook) => [hookLabel(hook), widthsAt(family, hook).value]));
  const saes = sharedSaes(plannedSaes(config, []));
  const all = new Map(withWidths(trainedSaes(config), widths).map((plan) => [plan.id, plan]));
  const shards = sharesOf(run, saes, of).map(({ saes: here, passes, model, operations }): PlannedShard => {
    const plans = here.map(({ id }) => all.get(id)!);
    const hooks = hooksOfPlans(plans).map(hookLabel);
    const bytes = (limits: ReadonlyMap<string, number>): number =>
      [...limits.values()].reduce((a, b) => a + b, 0);
    const checkpoint = bytes(checkpointLimits(plans)) + bytes(contentLimits(config, { widths, hooks }));
    return {
      saes: here.map(({ id }) => id),
      passes,
      model,
      operations,
      // Encoder, decoder and their biases as float32.
      disk: {
        saes: plans.reduce((sum, { d_in: d, recipe: { dSae: n } }) => sum + 4 * (2 * d * n + n + d), 0),
        checkpoints: 2 * checkpoint,
      },
    };
  });
  const half = (count: number): boolean => {
    const { passes, operations } = totalOf(sharesOf(run, saes, count));
    return 2 * passes > operations;
  };
  return { shards, dominatedFrom: half(saes.length) ? leastThat(saes.length, half) : null };
}

export function totalOf(shares: readonly Omit<Share, 'saes'>[]): Omit<Share, 'saes'> {
  const sum = (of: keyof Omit<Share, 'saes'>): number =>
    shares.reduce((total, share) => total + share[of], 0);
  return { passes: sum('passes'), model: sum('model'), operations: sum('operations') };
}

/** The least number up to `most` that something holds of, which holds of all beyond it and of `most`. */
function leastThat(most: number, holds: (count: number) => boolean): number {
  let low = 1;
  let high = most;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
