import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Fault, type Mishap, sendBytes, takeFault } from './faults.ts';
import { findFile, listPaths, listTree, resolveFile, revisionInfo } from './read-routes.ts';
import {
  type Contents,
  commitOf,
  commitTree,
  emptyRepository,
  type StoredRepository,
  storedFile,
} from './repositories.ts';
import {
  commitFiles,
  completeObject,
  createBranch,
  createRepository,
  lfsBatch,
  preupload,
  receiveObject,
  startJob,
} from './write-routes.ts';

/*
 * A hub for tests: two servers on 127.0.0.1 that speak the requests @huggingface/hub 2.17.5 and Python's
 * huggingface_hub really make, the second being the content network that large files are redirected to.
 */

export interface Recorded {
  host: 'hub' | 'cdn';
  method: string;
  /** Path and query. */
  address: string;
  authorization: string | null;
  range: string | null;
}

export interface StandIn {
  url: string;
  cdnUrl: string;
  /** Everything that was asked, in order. */
  requests: Recorded[];
  /** Told of each request before it is answered. */
  onRequest: (request: Recorded) => void;
  faults: Fault[];
  /** Tokens that are accepted; any other is answered as expired. */
  tokens: Set<string>;
  /** Those of them whose owner has accepted the licences. */
  granted: Set<string>;
  repositories: StoredRepository[];
  /** Entries that a hostile listing adds, by repository name. */
  extraEntries: Map<string, Record<string, unknown>[]>;
  /** Large-file storage: contents by SHA-256. */
  objects: Map<string, Buffer>;
  /** Jobs that were started, in order. */
  jobs: { namespace: string; body: Record<string, unknown> }[];
  pageSize: number;
  /** Files from this size on are large. */
  lfsFrom: number;
  /** Large uploads beyond this many bytes go in parts. */
  partBytes: number;
  /** Adds files to a branch and returns the commit. */
  put(
    name: string,
    files: Record<string, Contents>,
    options?: { type?: StoredRepository['type']; branch?: string },
  ): string;
  find(type: StoredRepository['type'], name: string): StoredRepository | undefined;
  close(): Promise<void>;
}

/** One request under way, with the few answers that routes give. */
export interface Call {
  request: IncomingMessage;
  response: ServerResponse;
  url: URL;
  json(status: number, value: unknown, headers?: Record<string, string>): void;
  fail(status: number, code: string | null, message: string): void;
  readBody(): Promise<Buffer>;
  readJson(): Promise<unknown>;
}

export async function startStandIn(): Promise<StandIn> {
  const servers: Server[] = [];
  const open = async (host: 'hub' | 'cdn', answer: (call: Call, mishap: Mishap | null) => unknown) => {
    const server = createServer({ keepAlive: false }, (request, response) => {
      const url = new URL(request.url ?? '/', `http://${request.headers.host}`);
      const { authorization = null, range = null } = request.headers;
      const method = request.method ?? 'GET';
      const recorded = { host, method, address: url.pathname + url.search, authorization, range };
      hub.requests.push(recorded);
      hub.onRequest(recorded);
      const mishap = takeFault(hub.faults, method, `${host}${url.pathname}`);
      const call = newCall(request, response, url, mishap);
      if (mishap?.kind === 'status') {
        response.writeHead(mishap.status, mishap.headers ?? {}).end(mishap.body ?? '');
      } else if (mishap?.kind === 'redirect') {
        response.writeHead(302, { location: mishap.to }).end();
      } else {
        Promise.resolve(answer(call, mishap)).catch(() => response.destroy());
      }
    });
    servers.push(server);
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };
  const hub: StandIn = {
    url: '',
    cdnUrl: '',
    requests: [],
    onRequest: () => undefined,
    faults: [],
    tokens: new Set(),
    granted: new Set(),
    repositories: [],
    extraEntries: new Map(),
    objects: new Map(),
    jobs: [],
    pageSize: 1000,
    lfsFrom: 10_000,
    partBytes: Number.POSITIVE_INFINITY,
    find: (type, name) => hub.repositories.find((each) => each.type === type && each.name === name),
    put(name, files, { type = 'model', branch = 'main' } = {}) {
      const repository = hub.find(type, name) ?? emptyRepository(type, name);
      if (!hub.repositories.includes(repository)) hub.repositories.push(repository);
      const tree = new Map(repository.commits.get(commitOf(repository, branch) ?? '') ?? []);
      for (const [path, contents] of Object.entries(files)) {
        const file = storedFile(contents);
        tree.set(path, file);
        if (file.lfs) hub.objects.set(file.sha256, file.bytes);
      }
      return commitTree(repository, branch, tree);
    },
    close: async () => {
      for (const server of servers) {
        server.closeAllConnections();
        await new Promise((done) => server.close(done));
      }
    },
  };
  hub.cdnUrl = await open('cdn', (call, mishap) => answerCdn(hub, call, mishap));
  hub.url = await open('hub', (call, mishap) => answerHub(hub, call, mishap));
  return hub;
}

function newCall(request: IncomingMessage, response: ServerResponse, url: URL, mishap: Mishap | null): Call {
  const readBody = async () => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    return Buffer.concat(parts);
  };
  const json: Call['json'] = (status, value, headers = {}) => {
    if (mishap?.kind === 'lost') return void response.destroy();
    const body = JSON.stringify(value);
    response.writeHead(status, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      ...headers,
    });
    if (mishap?.kind === 'cut') response.write(body.slice(0, mishap.after), () => response.destroy());
    else response.end(body);
  };
  return {
    request,
    response,
    url,
    json,
    fail: (status, code, message) =>
      json(
        status,
        { error: message },
        { 'x-error-message': message, ...(code ? { 'x-error-code': code } : {}) },
      ),
    readBody,
    readJson: async () => JSON.parse((await readBody()).toString()),
  };
}

function answerCdn(hub: StandIn, call: Call, mishap: Mishap | null): unknown {
  const [, kind, oid = ''] = call.url.pathname.split('/');
  // As object stores do: a foreign Authorization header beside a signed address is an error.
  if (call.request.headers.authorization) return call.fail(400, null, 'Only one auth mechanism allowed');
  if (kind === 'uploads') return receiveObject(hub, call, oid, mishap);
  if (kind === 'complete') return completeObject(hub, call, oid);
  const bytes = hub.objects.get(oid);
  if (!bytes) return call.fail(404, null, 'no such object');
  return sendBytes(call.request, call.response, bytes, { etag: `"${oid.slice(0, 32)}"` }, mishap);
}

const API =
  /^\/api\/(model|dataset|space)s\/([^/]+\/[^/]+)\/(revision|tree|paths-info|preupload|commit|branch)\/([^/]+)(?:\/(.*))?$/;
const RESOLVE = /^\/(?:(dataset|space)s\/)?([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/;
const BATCH = /^\/(?:(dataset|space)s\/)?([^/]+\/[^/]+)\.git\/info\/lfs\/objects\/batch$/;

function answerHub(hub: StandIn, call: Call, mishap: Mishap | null): unknown {
  const { pathname } = call.url;
  const token = /^Bearer (.+)$/.exec(call.request.headers.authorization ?? '')?.[1] ?? null;
  if (token !== null && !hub.tokens.has(token))
    return call.fail(401, null, 'Invalid credentials in Authorization header');
  const writes =
    pathname === '/api/repos/create' ||
    BATCH.test(pathname) ||
    /\/(preupload|commit|branch)\/|^\/api\/jobs\//.test(pathname);
  if ((writes || pathname === '/api/whoami-v2') && token === null)
    return call.fail(401, null, 'Invalid username or password.');
  if (pathname === '/api/whoami-v2')
    return call.json(200, { type: 'user', name: 'tester', auth: { type: 'access_token' } });
  if (pathname === '/api/repos/create') return createRepository(hub, call);
  if (/^\/api\/jobs\/[^/]+$/.test(pathname)) return startJob(hub, call, pathname.slice('/api/jobs/'.length));

  const [, type = 'model', name = '', verb, revision = '', rest = ''] = API.exec(pathname) ?? [];
  const [, fileType = 'model', fileRepo = '', fileRevision = '', filePath = ''] =
    RESOLVE.exec(pathname) ?? [];
  const [, batchType = 'model', batchRepo = ''] = BATCH.exec(pathname) ?? [];
  const kind = (verb ? type : batchRepo ? batchType : fileType) as StoredRepository['type'];
  const repository = hub.find(kind, name || fileRepo || batchRepo);
  if (!repository || (repository.private && token === null))
    return call.fail(token === null ? 401 : 404, 'RepoNotFound', 'Repository not found');
  if (batchRepo) return lfsBatch(hub, call);
  if (verb === 'branch') return createBranch(call, repository, decodeURIComponent(revision));
  const commit = commitOf(repository, decodeURIComponent(verb ? revision : fileRevision));
  if (commit === undefined) return call.fail(404, 'RevisionNotFound', 'Invalid rev id');
  switch (verb) {
    case 'revision':
      return revisionInfo(call, repository, commit);
    case 'tree':
      return listTree(hub, call, repository, commit, decodeURIComponent(rest));
    case 'paths-info':
      return listPaths(call, repository, commit);
    case 'preupload':
      return preupload(hub, call);
    case 'commit':
      return commitFiles(hub, call, repository, decodeURIComponent(revision));
  }
  if (repository.gated && !(token && hub.granted.has(token)))
    return call.fail(
      token ? 403 : 401,
      'GatedRepo',
      `Access to ${repository.type} ${repository.name} is restricted.`,
    );
  const path = decodeURIComponent(filePath);
  const file = findFile(repository, commit, path);
  if (!file) return call.fail(404, 'EntryNotFound', 'Entry not found');
  return resolveFile(hub, call, { commit, path, file }, mishap);
}
