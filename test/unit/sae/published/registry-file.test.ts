import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { MalformedError, UnavailableError, UserError } from '../../../../runner/errors.ts';
import { fetchPinned } from '../../../../runner/hub/pinned-file.ts';
import { RETRY_POLICY } from '../../../../runner/hub/retry.ts';
import { Secret } from '../../../../runner/hub/settings.ts';
import { type Hub, openHub } from '../../../../runner/hub/transport.ts';
import { sha256 } from '../../../../runner/io/hash.ts';
import { openRegistry, registryPlace } from '../../../../runner/sae/published/registry-file.ts';

const excerpt = fileURLToPath(new URL('../../../fixtures/sae-registry/excerpt.yaml', import.meta.url));

let folder: string;
let server: Server;
let address: string;
let answers: ((path: string) => { status?: number; body?: string; location?: string })[];
let requests: { path: string; authorization: string | undefined }[];
let hub: Hub;
let text: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'registry-'));
  text = await readFile(excerpt, 'utf8');
  [answers, requests] = [[], []];
  server = createServer((request, response) => {
    requests.push({ path: request.url ?? '', authorization: request.headers.authorization });
    const { status = 200, body = text, location } = answers.shift()?.(request.url ?? '') ?? {};
    response.writeHead(status, location === undefined ? {} : { location }).end(body);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/saes.yaml`;
  const settings = {
    endpoint: 'https://hub.example',
    token: new Secret('hf_secret'),
    cacheFolder: folder,
    offline: false,
    symlinks: true,
  };
  const clock = { wait: async () => undefined, random: () => 1, now: () => 0 };
  hub = openHub({ settings, clock, retryPolicy: { ...RETRY_POLICY, attempts: 3 } });
});

afterEach(async () => {
  await new Promise((done) => server.close(done));
  await rm(folder, { recursive: true });
});

const place = () => ({ address, sha256: sha256(text) });

test('is fetched once, without the token, and kept; then nothing is asked, offline too', async () => {
  const { registry, sha256: found } = await openRegistry(hub, place(), folder);
  expect(registry).toHaveLength(11);
  expect(found).toBe(sha256(text));
  expect(requests).toEqual([{ path: '/saes.yaml', authorization: undefined }]);
  const offline = { ...hub, settings: { ...hub.settings, offline: true } };
  expect((await openRegistry(offline, place(), folder)).registry).toEqual(registry);
  expect(requests).toHaveLength(1);
});

test('a damaged copy is fetched anew', async () => {
  await openRegistry(hub, place(), folder);
  const [copy] = await readdir(folder);
  await writeFile(join(folder, copy!), 'damaged');
  await openRegistry(hub, place(), folder);
  expect(requests).toHaveLength(2);
});

test('another hash, too many bytes, and what is not there: one line, nothing kept', async () => {
  await expect(openRegistry(hub, { address, sha256: '0'.repeat(64) }, folder)).rejects.toThrow(
    /found SHA-256 [0-9a-f]{64} at http.*expected 0{64}/,
  );
  const long = { ...place(), thing: 'it', limit: 100, copy: join(folder, 'copy'), next: 'n' };
  await expect(fetchPinned(hub, long)).rejects.toThrow(MalformedError);
  answers = [() => ({ status: 404, body: '' })];
  await expect(openRegistry(hub, place(), folder)).rejects.toThrow(/HTTP 404.*INTERPBOARD_SAE_REGISTRY/);
  expect(await readdir(folder)).toEqual([]);
});

test('a server that stumbles is asked again, a lasting failure says what else there is', async () => {
  answers = [() => ({ status: 503 }), () => ({ status: 302, location: '/elsewhere.yaml' })];
  expect((await openRegistry(hub, place(), folder)).registry).toHaveLength(11);
  expect(requests.map(({ path }) => path)).toEqual(['/saes.yaml', '/saes.yaml', '/elsewhere.yaml']);
  answers = Array.from({ length: 3 }, () => () => ({ status: 503 }));
  const elsewhere = { ...place(), sha256: sha256('other') };
  const failure = await openRegistry(hub, elsewhere, folder).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(UnavailableError);
  expect(String(failure)).toMatch(/HTTP 503.*sae-lens .* on PyPI/);
});

test('offline without a copy', async () => {
  const offline = { ...hub, settings: { ...hub.settings, offline: true } };
  await expect(openRegistry(offline, place(), folder)).rejects.toThrow(/HF_HUB_OFFLINE/);
});

test('the environment names a file or an address with its hash; otherwise it is pinned to a release', async () => {
  const pinned = registryPlace({});
  expect(pinned.address).toMatch(/\/SAELens\/v\d+\.\d+\.\d+\/sae_lens\/pretrained_saes\.yaml$/);
  expect(pinned.sha256).toMatch(/^[0-9a-f]{64}$/);
  const given = (text: string) => registryPlace({ INTERPBOARD_SAE_REGISTRY: text });
  expect(given(`${address}#sha256=${sha256(text)}`)).toEqual(place());
  expect(() => given(address)).toThrow(UserError);
  expect(() => given(`${address}#sha256=12`)).toThrow(UserError);
  expect(given(excerpt)).toEqual({ address: excerpt, sha256: null });
  expect((await openRegistry(hub, given(excerpt), folder)).registry).toHaveLength(11);
  await expect(openRegistry(hub, given('/nowhere.yaml'), folder)).rejects.toThrow(UnavailableError);
  expect(requests).toEqual([]);
});
