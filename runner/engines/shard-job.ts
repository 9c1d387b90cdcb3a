/** What every engine is told of a run in shards. */
export interface ShardJob {
  /** The run's. */
  name: string;
  shards: number;
  /** Words of `eval`, without the shard. */
  words: readonly string[];
  /** Words of `merge` after the run's name. */
  mergeWords: readonly string[];
  /** Of each shard; 0 for none. */
  gpus: number;
  /** Longest time of a shard, in seconds; null leaves it to the engine. */
  seconds: number | null;
}

/** Seconds before the end of its time at which a shard is told to save its state and end. */
export const WARNING_SECONDS = 300;
