/** Finished shards from the branches of a repository, for hosts that share no storage with those that made them. */

import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { MalformedError, quote } from '../../errors.ts';
import { downloadInto } from '../../hub/download-into.ts';
import { type HubReference, repositoryLabel } from '../../hub/reference.ts';
import { listRepository, type PinnedReference, type RepositoryFile } from '../../hub/repository.ts';
import type { Hub } from '../../hub/transport.ts';
import { rename } from '../../io/rename.ts';
import { pinnedIfThere } from '../release/hub-resume.ts';
import { RESULTS, shardName, shardRevision } from '../shared/shard.ts';
import { shardFolder, shardsFolder } from './shard-plan.ts';
import { SHARD_FILE, STATES } from './shard-upload.ts';

/** The files of a shard that are read as a whole, each at most. */
const JSON_LIMIT = 64 * 2 ** 20;

/**
 * Brings the shards that are done into the folders where they would lie, had they been made here; those that are here, done or
 * not, stay as they are.
 *
 * @throws MalformedError for files that no shard leaves; UserError, UnavailableError as asking the hub does
 */
export async function fetchShards(
  hub: Hub,
  repository: HubReference,
  { runs, name, of }: { runs: string; name: string; of: number },
  signal?: AbortSignal,
): Promise<void> {
  for (let index = 1; index <= of; index++) {
    const shard = { index, of };
    const folder = shardFolder(runs, name, shard);
    if (existsSync(folder)) continue;
    const reference = { ...repository, revision: shardRevision(name, shard), path: null };
    const at = await pinnedIfThere(hub, reference, signal);
    if (at === undefined) continue;
    const files = (await listRepository(hub, at, signal)).filter(({ path }) =>
      path.startsWith(`${RESULTS}/`),
    );
    // The states come with all that a shard leaves, in one commit.
    const isDone = STATES.every((name) => files.some(({ path }) => path === `${RESULTS}/${name}`));
    if (!isDone) continue;
    for (const file of files) checkFile(at, file);
    // Beside its place until it is whole: what is here in part is taken for a shard at work.
    const prefix = `fetched-${shardName(shard)}-`;
    const made = join(shardsFolder(runs, name), `${prefix}${at.commit}`);
    await mkdir(made, { recursive: true });
    await downloadInto(hub, at, files, made, (path) => path.slice(RESULTS.length + 1), { signal });
    const plan = join(shardsFolder(runs, name), 'plan.json');
    if (!existsSync(plan)) await copyFile(join(made, 'plan.json'), plan);
    await rename(made, folder);
    // What was cut off of commits that the branch has left.
    for (const other of await readdir(shardsFolder(runs, name)))
      if (other.startsWith(prefix)) await rm(join(shardsFolder(runs, name), other), { recursive: true });
  }
}

function checkFile(at: PinnedReference, { path, size }: RepositoryFile): void {
  const name = path.slice(RESULTS.length + 1);
  const known = SHARD_FILE.test(name) && !name.includes('..');
  if (known && (!name.endsWith('.json') || size <= JSON_LIMIT)) return;
  throw new MalformedError({
    thing: `${repositoryLabel(at)}@${at.revision}`,
    found: known ? `${quote(path)} of ${size} bytes` : `a file ${quote(path)}`,
    expected: 'what a shard leaves there',
    next: 'Look at that branch; --from names the repository of the run, as upload.repository does.',
  });
}
