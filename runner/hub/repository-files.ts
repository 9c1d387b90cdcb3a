import { join } from 'node:path';
import { type FileSource, openFile } from '../io/byte-source.ts';
import { fileSize, snapshotFolder } from './cache.ts';
import { formatReference, type HubReference } from './reference.ts';
import { remoteSource } from './remote-source.ts';
import { listRepository, pinnedSubject, pinReference, type RepositoryFile } from './repository.ts';
import type { Hub } from './transport.ts';

/** The files of a repository at one commit, read in place. */
export interface RepositoryFiles {
  name: string;
  commit: string;
  /** By their paths; `cached` where the whole file lies on this machine already. */
  files: readonly (RepositoryFile & { cached: boolean })[];
  /** From the cache, or over the network by ranges; null where there is no such file. */
  open(path: string): Promise<FileSource | null>;
}

/**
 * @throws UserError, UnavailableError or MalformedError as asking the hub does
 */
export async function openRepository(hub: Hub, reference: HubReference): Promise<RepositoryFiles> {
  const pinned = await pinReference(hub, reference);
  const folder = snapshotFolder(hub.settings, pinned, pinned.commit);
  const local = (path: string): string => join(folder, ...path.split('/'));
  const files = await Promise.all(
    (await listRepository(hub, pinned)).map(async (file) => ({
      ...file,
      cached: (await fileSize(local(file.path))) === file.size,
    })),
  );
  const byPath = new Map(files.map((file) => [file.path, file]));
  return {
    name: formatReference(pinnedSubject(pinned, null)),
    commit: pinned.commit,
    files,
    async open(path) {
      const file = byPath.get(path);
      if (file === undefined) return null;
      return file.cached ? openFile(local(path)) : remoteSource(hub, pinned, file);
    },
  };
}
