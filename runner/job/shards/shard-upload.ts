/** A finished shard in the run's repository, for hosts that share no storage: on a branch of its own, in a folder of its own. */
import { readdir } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { type Json, portable } from '../../config/portable.ts';
import type { UploadSettings } from '../../config/sections.ts';
import type { UploadFile } from '../../hub/upload.ts';
import { writeJsonAtomic } from '../../io/write-atomic.ts';
import type { Voice } from '../../reporter.ts';
import { RESUME } from '../release/hub-resume.ts';
import { openUploadThread } from '../release/upload-thread.ts';
import { type RunState, writeState } from '../run/run-folder.ts';
import { RESULTS, type Shard, shardName, shardRepository } from '../shared/shard.ts';
import type { ShardPlan } from './shard-plan.ts';

/** What a shard is, and the plan of all. */
export const STATES = ['run.json', 'plan.json'];

/** What a shard leaves, and what may be taken for it from a repository. */
export const SHARD_FILE =
  /^(?:(?:run|plan)\.json|(?:val_report|fired|decoder_similarity)\.json|records\/[a-z0-9][\w.-]*\.json|features\/[a-z0-9][\w.-]*\/\w+\.json|(?:sae|trajectory|interpscore)_\w[\w.-]*|snapshots\/step-\d+\/sae_\w[\w.-]*)$/;

/**
 * Sends what a shard leaves, in one commit that removes its resume state and whatever an earlier try left there.
 *
 * @param states run.json of the finished shard, and the plan of all shards, whatever paths of this machine they hold
 * @throws as an upload does; Stopped when the user asked to stop
 */
export async function uploadShard(
  config: { name: string; upload: UploadSettings },
  folder: string,
  shard: Shard,
  states: { run: RunState; plan: ShardPlan },
  voice: Voice,
): Promise<void> {
  const { repository, private: hidden } = shardRepository(config, shard);
  if (repository === null) return;
  const staged = join(folder, 'release');
  const files: UploadFile[] = [];
  // Whatever stands in them of this machine stays here.
  const published = <T extends object>(value: T): T =>
    portable(JSON.parse(JSON.stringify(value)) as Json) as T;
  await writeState(staged, published(states.run));
  await writeJsonAtomic(join(staged, 'plan.json'), published(states.plan));
  for (const name of STATES) files.push({ path: `${RESULTS}/${name}`, source: join(staged, name) });
  for (const each of (await readdir(folder, { recursive: true })).sort()) {
    const name = each.split(sep).join('/');
    if (SHARD_FILE.test(name) && !STATES.includes(name))
      files.push({ path: `${RESULTS}/${name}`, source: join(folder, each) });
  }
  const thread = openUploadThread({ repository, hidden }, voice);
  try {
    const commit = await thread.request({
      title: `${config.name}: shard ${shardName(shard)}`,
      files,
      remove: [`${RESUME}/`, `${RESULTS}/`],
    });
    voice.note(`shard sent to ${repository}, commit ${commit.slice(0, 8)}`);
  } finally {
    await thread.close();
  }
}
