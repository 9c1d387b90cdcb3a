import { createHash } from 'node:crypto';
import type { Mishap } from './faults.ts';
import { commitOf, commitTree, emptyRepository, type StoredRepository, storedFile } from './repositories.ts';
import type { Call, StandIn } from './stand-in.ts';

/** POST /api/repos/create */
export async function createRepository(hub: StandIn, call: Call): Promise<void> {
  const body = (await call.readJson()) as {
    name: string;
    organization: string;
    type: StoredRepository['type'];
    visibility?: string;
  };
  const name = `${body.organization}/${body.name}`;
  if (hub.find(body.type, name)) return call.fail(409, null, 'You already created this repo');
  const repository = emptyRepository(body.type, name);
  repository.private = body.visibility === 'private';
  hub.repositories.push(repository);
  call.json(200, { url: `${hub.url}/${name}`, id: name });
}

/** POST /api/models/owner/name/branch/<branch>: a branch that begins where main is */
export function createBranch(call: Call, repository: StoredRepository, branch: string): void {
  if (commitOf(repository, branch) !== undefined) call.fail(409, null, 'Reference already exists');
  else {
    repository.refs.set(branch, commitOf(repository, 'main')!);
    call.json(200, {});
  }
}

/** POST /api/jobs/<namespace>: notes what is to run, and runs nothing */
export async function startJob(hub: StandIn, call: Call, namespace: string): Promise<void> {
  const body = (await call.readJson()) as Record<string, unknown>;
  for (const name of ['dockerImage', 'command', 'flavor'])
    if (body[name] === undefined) return call.fail(400, null, `"${name}" is required`);
  hub.jobs.push({ namespace, body });
  const { secrets: _, ...shown } = body;
  const status = { stage: 'RUNNING', message: null, failureCount: 0 };
  call.json(200, {
    type: 'job',
    id: `job-${hub.jobs.length}`,
    status,
    createdAt: '2026-01-01T00:00:00Z',
    ...shown,
  });
}

/** POST /api/models/owner/name/preupload/<branch>: which files are large */
export async function preupload(hub: StandIn, call: Call): Promise<void> {
  const { files } = (await call.readJson()) as { files: { path: string; size: number }[] };
  call.json(200, {
    files: files.map(({ path, size }) => ({ path, uploadMode: size >= hub.lfsFrom ? 'lfs' : 'regular' })),
  });
}

/** POST /owner/name.git/info/lfs/objects/batch: where large files go; nothing for those that are here */
export async function lfsBatch(hub: StandIn, call: Call): Promise<void> {
  const body = (await call.readJson()) as { objects: { oid: string; size: number }[] };
  const objects = body.objects.map(({ oid, size }) => {
    if (hub.objects.has(oid)) return { oid, size };
    const href = `${hub.cdnUrl}/uploads/${oid}`;
    if (size <= hub.partBytes) return { oid, size, actions: { upload: { href } } };
    const parts = Math.ceil(size / hub.partBytes);
    const header: Record<string, string> = { chunk_size: String(hub.partBytes) };
    for (let part = 1; part <= parts; part++)
      header[String(part).padStart(5, '0')] = `${href}?partNumber=${part}`;
    return { oid, size, actions: { upload: { href: `${hub.cdnUrl}/complete/${oid}`, header } } };
  });
  call.json(200, { transfer: 'basic', objects });
}

/** PUT to the content network: a whole object, or a part of one. */
export async function receiveObject(
  hub: StandIn,
  call: Call,
  oid: string,
  mishap: Mishap | null,
): Promise<void> {
  if (mishap?.kind === 'cut') return void call.response.destroy();
  // As object stores do.
  if (!call.request.headers['content-length']) return call.fail(411, null, 'Length Required');
  const bytes = await call.readBody();
  const part = call.url.searchParams.get('partNumber');
  const key = part === null ? oid : `${oid}#${part}`;
  if (part === null && createHash('sha256').update(bytes).digest('hex') !== oid)
    return call.fail(400, null, 'hash');
  hub.objects.set(key, bytes);
  if (mishap?.kind === 'lost') return void call.response.destroy();
  call.response.writeHead(200, { etag: `"part-${part ?? 'all'}"` }).end();
}

export async function completeObject(hub: StandIn, call: Call, oid: string): Promise<void> {
  const { parts } = (await call.readJson()) as { parts: { partNumber: number; etag: string }[] };
  const bytes = Buffer.concat(parts.map(({ partNumber }) => hub.objects.get(`${oid}#${partNumber}`)!));
  if (createHash('sha256').update(bytes).digest('hex') !== oid) return call.fail(400, null, 'hash');
  hub.objects.set(oid, bytes);
  call.json(200, {});
}

/** POST /api/models/owner/name/commit/<branch>, lines of JSON: all of it or nothing; with ?create_pr=1 beside the branch */
export async function commitFiles(
  hub: StandIn,
  call: Call,
  repository: StoredRepository,
  branch: string,
): Promise<void> {
  const lines = (await call.readBody())
    .toString()
    .split('\n')
    .map((line) => JSON.parse(line) as { key: string; value: Record<string, string> });
  const parent = commitOf(repository, branch);
  if (parent === undefined) return call.fail(404, 'RevisionNotFound', 'Invalid rev id');
  const tree = new Map(repository.commits.get(parent)!);
  for (const { key, value } of lines) {
    if (key === 'header' && value.parentCommit && value.parentCommit !== parent)
      return call.fail(412, null, 'A commit has happened since. Please refresh and try again.');
    if (key === 'file') tree.set(value.path!, storedFile({ text: Buffer.from(value.content!, 'base64') }));
    if (key === 'deletedFile') tree.delete(value.path!);
    if (key === 'lfsFile') {
      const bytes = hub.objects.get(value.oid!);
      if (!bytes) return call.fail(400, null, `no object ${value.oid}`);
      tree.set(value.path!, storedFile({ text: bytes, lfs: true }));
    }
  }
  const asked = call.url.searchParams.get('create_pr') === '1';
  const number = 1 + [...repository.refs.keys()].filter((ref) => ref.startsWith('refs/pr/')).length;
  const commit = commitTree(repository, asked ? `refs/pr/${number}` : branch, tree);
  const place = repository.type === 'model' ? repository.name : `${repository.type}s/${repository.name}`;
  call.json(200, {
    success: true,
    ...(asked ? { pullRequestUrl: `${hub.url}/${place}/discussions/${number}` } : {}),
    commitOid: commit,
    commitUrl: `${hub.url}/${repository.name}/commit/${commit}`,
    hookOutput: '',
  });
}
