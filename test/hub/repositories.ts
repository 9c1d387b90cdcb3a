import { createHash } from 'node:crypto';

export interface StoredFile {
  bytes: Buffer;
  /** Large-file storage: listed by SHA-256 and served from the content network. */
  lfs: boolean;
  /** Git's name of the content (of the pointer, on the real hub, when lfs). */
  sha1: string;
  sha256: string;
}

export type Tree = ReadonlyMap<string, StoredFile>;

export interface StoredRepository {
  type: 'model' | 'dataset' | 'space';
  name: string;
  gated: boolean;
  private: boolean;
  commits: Map<string, Tree>;
  /** Branches and tags. */
  refs: Map<string, string>;
}

export interface Contents {
  text: string | Uint8Array;
  lfs?: boolean;
}

export function emptyRepository(type: StoredRepository['type'], name: string): StoredRepository {
  const repository = {
    type,
    name,
    gated: false,
    private: false,
    commits: new Map<string, Tree>(),
    refs: new Map<string, string>(),
  };
  commitTree(repository, 'main', new Map());
  return repository;
}

/** Moves a branch to a tree; the commit's name follows from its contents and its place in the history. */
export function commitTree(repository: StoredRepository, branch: string, tree: Tree): string {
  const names = [...tree].map(([path, file]) => `${path} ${file.sha256}`).join('\n');
  const commit = createHash('sha1').update(`${repository.commits.size} ${names}`).digest('hex');
  repository.commits.set(commit, tree);
  repository.refs.set(branch, commit);
  return commit;
}

export function storedFile({ text, lfs = false }: Contents): StoredFile {
  const bytes = Buffer.from(text);
  return {
    bytes,
    lfs,
    sha1: createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex'),
    sha256: createHash('sha256').update(bytes).digest('hex'),
  };
}

/** The commit of a branch, tag or commit name. */
export function commitOf(repository: StoredRepository, revision: string): string | undefined {
  return repository.refs.get(revision) ?? (repository.commits.has(revision) ? revision : undefined);
}

/** Entries as the hub lists them: files and the folders they imply, in order of path. */
export function treeEntries(tree: Tree): Record<string, unknown>[] {
  const folders = new Set<string>();
  for (const path of tree.keys()) {
    const parts = path.split('/');
    for (let depth = 1; depth < parts.length; depth++) folders.add(parts.slice(0, depth).join('/'));
  }
  const entries = [...folders].map((path) => ({ type: 'directory', path, size: 0, oid: '0'.repeat(40) }));
  return [...entries, ...[...tree].map(([path, file]) => fileEntry(path, file))].sort((a, b) =>
    String(a.path) < String(b.path) ? -1 : 1,
  );
}

export function fileEntry(path: string, { bytes, lfs, sha1, sha256 }: StoredFile): Record<string, unknown> {
  const large = lfs ? { lfs: { oid: sha256, size: bytes.length, pointerSize: 134 } } : {};
  return { type: 'file', path, size: bytes.length, oid: sha1, ...large };
}
