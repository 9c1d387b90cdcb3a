/** What the branch of a shard says of a shard that ended: for hosts that begin with nothing. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MalformedError } from '../../errors.ts';
import { downloadInto } from '../../hub/download-into.ts';
import { type HubReference, repositoryLabel } from '../../hub/reference.ts';
import { listRepository, type PinnedReference } from '../../hub/repository.ts';
import type { Hub } from '../../hub/transport.ts';
import { pinnedIfThere } from '../release/hub-resume.ts';
import { type RunState, readRunState } from '../run/run-folder.ts';
import { RESULTS } from '../shared/shard.ts';

/** Settings, hashes and the ids of SAEs. */
const STATE_LIMIT = 16 * 2 ** 20;

export interface FinishedShard {
  at: PinnedReference;
  /** What it was, as it says: whose results they are is the caller's to compare. */
  state: RunState;
}

/**
 * @param branch of the shard
 * @returns undefined where there is no such branch, or no shard has ended there
 * @throws MalformedError when the state is damaged; UserError, UnavailableError as asking the hub does
 */
export async function findFinished(
  hub: Hub,
  branch: HubReference,
  signal?: AbortSignal,
): Promise<FinishedShard | undefined> {
  const at = await pinnedIfThere(hub, { ...branch, path: null }, signal);
  if (at === undefined) return undefined;
  const file = (await listRepository(hub, at, signal)).find(({ path }) => path === `${RESULTS}/run.json`);
  if (file === undefined) return undefined;
  if (file.size > STATE_LIMIT) {
    throw new MalformedError({
      thing: `${repositoryLabel(at)}@${at.revision}: ${file.path}`,
      found: `${file.size} bytes`,
      expected: `the state of a shard, at most ${STATE_LIMIT}`,
      next: 'Look at that branch, or start over with --fresh.',
    });
  }
  const folder = await mkdtemp(join(tmpdir(), 'interpboard-finished-'));
  try {
    await downloadInto(hub, at, [file], folder, () => 'run.json', { signal });
    const state = await readRunState(folder);
    return state?.stage === 'done' ? { at, state } : undefined;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
