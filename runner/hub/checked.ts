/**
 * Files of the cache are held to their hashes once: what is known of a file that has not changed since is remembered
 * (io/known-hashes.ts).
 */
import { readlink } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { UnavailableError } from '../errors.ts';
import type { ContentHash } from '../io/content-hash.ts';
import type { HashingOptions } from '../io/known-hashes.ts';
import { formatReference } from './reference.ts';
import { nameSome, type PinnedReference, pinnedSubject } from './repository.ts';
import type { Hub } from './transport.ts';

export interface CachedFile {
  /** Its name in the repository. */
  path: string;
  /** Where it lies. */
  file: string;
  /** Null where nothing says it: then its link does, if it is one. */
  hash: ContentHash | null;
}

/** The hash that a link of the cache names: its blob is called by it. Null for plain files. */
export async function namedHash(file: string): Promise<ContentHash | null> {
  const target = await readlink(file).catch(() => null);
  if (target === null || basename(dirname(target)) !== 'blobs') return null;
  const hex = basename(target);
  if (/^[0-9a-f]{64}$/.test(hex)) return { algorithm: 'sha256', hex };
  return /^[0-9a-f]{40}$/.test(hex) ? { algorithm: 'git-sha1', hex } : null;
}

/**
 * Of files that are there, those whose contents are not what they are called.
 *
 * @throws UnavailableError when one cannot be read
 */
export async function damagedFiles<File extends CachedFile>(
  hub: Hub,
  files: readonly File[],
  options: HashingOptions = {},
): Promise<File[]> {
  const expected = await Promise.all(files.map(async ({ file, hash }) => hash ?? (await namedHash(file))));
  const checked = files.flatMap((each, index) => {
    const hash = expected[index];
    return hash ? [{ each, hash }] : [];
  });
  const found = await hub.hashes.of(
    checked.map(({ each: { file }, hash: { algorithm } }) => ({ path: file, algorithm })),
    options,
  );
  return checked.filter(({ hash }, index) => hash.hex !== found[index]).map(({ each }) => each);
}

export function damagedOffline(
  reference: PinnedReference,
  files: readonly Pick<CachedFile, 'path'>[],
): UnavailableError {
  return new UnavailableError({
    thing: formatReference(pinnedSubject(reference, null)),
    found: `damaged in the cache: ${nameSome(files.map(({ path }) => path))}; and HF_HUB_OFFLINE is set`,
    expected: 'the contents that their names are hashes of',
    next: 'Unset HF_HUB_OFFLINE once, with a connection, to fetch them again.',
  });
}
