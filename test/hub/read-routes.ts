import { type Mishap, sendBytes } from './faults.ts';
import { type StoredFile, type StoredRepository, treeEntries } from './repositories.ts';
import type { Call, StandIn } from './stand-in.ts';

/** GET /api/models/owner/name/revision/main */
export function revisionInfo(call: Call, repository: StoredRepository, commit: string): void {
  call.json(200, {
    _id: '0'.repeat(24),
    id: repository.name,
    sha: commit,
    private: repository.private,
    gated: repository.gated,
    downloads: 0,
    likes: 0,
    lastModified: '2026-01-01T00:00:00.000Z',
  });
}

/** GET /api/models/owner/name/tree/<revision>/<folder>?recursive=true&cursor=n: pages linked by a header */
export function listTree(
  hub: StandIn,
  call: Call,
  repository: StoredRepository,
  commit: string,
  under: string,
): void {
  const recursive = call.url.searchParams.get('recursive')?.toLowerCase() === 'true';
  const entries = [
    ...treeEntries(repository.commits.get(commit)!),
    ...(hub.extraEntries.get(repository.name) ?? []),
  ].filter((entry) => {
    const path = String(entry.path);
    const inside = under === '' || path.startsWith(`${under}/`);
    return inside && (recursive || !path.slice(under === '' ? 0 : under.length + 1).includes('/'));
  });
  const from = Number(call.url.searchParams.get('cursor') ?? 0);
  const next = new URL(call.url);
  next.searchParams.set('cursor', String(from + hub.pageSize));
  const link: Record<string, string> =
    from + hub.pageSize < entries.length ? { link: `<${next.href}>; rel="next"` } : {};
  call.json(200, entries.slice(from, from + hub.pageSize), link);
}

/** POST /api/models/owner/name/paths-info/<revision> {paths}: what exists of them */
export async function listPaths(call: Call, repository: StoredRepository, commit: string): Promise<void> {
  const body = (await call.readJson()) as { paths: string | string[] };
  const paths = new Set([body.paths].flat());
  call.json(
    200,
    treeEntries(repository.commits.get(commit)!).filter((entry) => paths.has(String(entry.path))),
  );
}

/** HEAD and GET /owner/name/resolve/<revision>/<path>: small files here, large ones from the content network */
export async function resolveFile(
  hub: StandIn,
  call: Call,
  at: { commit: string; path: string; file: StoredFile },
  mishap: Mishap | null,
): Promise<void> {
  const { file, path } = at;
  const commit = mishap?.kind === 'otherCommit' ? 'f'.repeat(40) : at.commit;
  if (file.lfs) {
    call.response.writeHead(302, {
      'x-repo-commit': commit,
      'x-linked-etag': `"${file.sha256}"`,
      'x-linked-size': String(file.bytes.length),
      location: `${hub.cdnUrl}/objects/${file.sha256}?signature=signed-for-${path.length}`,
    });
    call.response.end();
    return;
  }
  await sendBytes(
    call.request,
    call.response,
    file.bytes,
    { 'x-repo-commit': commit, etag: `"${file.sha1}"` },
    mishap,
  );
}

export function findFile(repository: StoredRepository, commit: string, path: string): StoredFile | undefined {
  return repository.commits.get(commit)?.get(path);
}
