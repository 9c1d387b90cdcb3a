import type { RunConfig } from '../../config/run-config.ts';
import type { OtherModel } from '../shared/crosscoder.ts';
import type { ModelPlace } from '../shared/model-place.ts';
import type { PublishedSae } from '../shared/published-saes.ts';
import type { ShardOfRun } from '../shared/shard.ts';
import type { RunIdentity } from './identity.ts';
import type { RunState } from './run-folder.ts';

interface Work {
  config: RunConfig;
  model: ModelPlace;
  /** Bytes it may use. */
  memory: number;
}

export interface RunStart extends Work {
  task: 'run';
  identity: RunIdentity;
  /** Files of the suites that are the user's own. */
  suiteFiles: readonly string[];
  /** SAEs to evaluate that the run does not train. */
  published: readonly PublishedSae[];
  /** The second model of a crosscoder; null without one. */
  other: OtherModel | null;
  /** SAEs whose weights training starts from. */
  from: readonly PublishedSae[];
  /** The part of the run that is done; null for all of it. */
  shard: ShardOfRun | null;
  /** The command that makes the run again, for provenance. */
  command: string;
  folder: string;
  /**
   * Where what does not depend on an SAE is kept, and the bytes it may take; where activations are, whose bytes a setting says.
   * Null keeps nothing.
   */
  cache: { folder: string; activations: string; limit: number } | null;
  /** The run's state as found, undefined for a new run. */
  found: RunState | undefined;
  /** Whether the user asked to start over. */
  fresh: boolean;
}

/** A check of the run's recipes that leaves nothing behind. */
export interface OverfitStart extends Work {
  task: 'overfit-one-batch';
}

export type JobStart = RunStart | OverfitStart;
