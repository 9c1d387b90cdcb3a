import type { UploadSettings } from '../../config/sections.ts';

/** A part of a run that a process does alone: some of its SAEs, in a run folder of its own. */
export interface Shard {
  /** From 1. */
  index: number;
  of: number;
}

/** A shard with the ids of its SAEs. */
export interface ShardOfRun extends Shard {
  saes: readonly string[];
}

/** As a folder's or branch's name. */
export function shardName({ index, of }: Shard): string {
  return `${index}-of-${of}`;
}

/** Of a run's SAEs those that a process trains or measures: its shard's, or all. */
export function saesOfShard<T extends { id: string }>(saes: readonly T[], shard: ShardOfRun | null): T[] {
  return shard === null ? [...saes] : saes.filter(({ id }) => shard.saes.includes(id));
}

/** Folder of a shard's branch that holds its results. */
export const RESULTS = 'shard';

/** Branch of a shard in its run's repository. */
export function shardRevision(run: string, shard: Shard): string {
  return `${run}-shard-${shardName(shard)}`;
}

/** Where a process uploads to: each shard has a branch of its own in the run's repository, merged ones are its release. */
export function shardRepository(
  { name, upload }: { name: string; upload: UploadSettings },
  shard: Shard | null,
): UploadSettings {
  if (shard === null || upload.repository === null) return upload;
  const repository = `${upload.repository.replace(/@.*$/, '')}@${shardRevision(name, shard)}`;
  return { ...upload, repository };
}
