/** Caches and folders on storage that several hosts see: processes that take themselves for those of different machines. */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { type StandIn, startStandIn } from '../../hub/stand-in.ts';

const seen = z.object({
  files: z.array(z.string()),
  cache: z.object({ hits: z.number(), wrong: z.number(), damaged: z.number() }),
  mixed: z.number(),
});

let folder: string;
let hub: StandIn;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'interpboard-shared-'));
  hub = await startStandIn();
  hub.put('owner/name', {
    'config.json': { text: '{}' },
    'model.safetensors': { text: Buffer.alloc(3_000_000, 7), lfs: true },
  });
});
afterAll(async () => {
  await hub.close();
  await rm(folder, { recursive: true, force: true });
});

it('hosts that write the same caches and folders at once see whole contents, and lose no turn', async () => {
  const program = fileURLToPath(new URL('./shared-storage-host.ts', import.meta.url));
  const hosts = ['one', 'one', 'two', 'three'];
  const rounds = 12;
  const outcomes = await Promise.all(
    hosts.map((host) =>
      promisify(execFile)(process.execPath, [program, host, folder, hub.url, String(rounds)]),
    ),
  );
  const all = outcomes.map(({ stdout }) => seen.parse(JSON.parse(stdout)));
  for (const { files, cache, mixed } of all) {
    expect(files.sort()).toEqual(['config.json 2', 'model.safetensors 3000000']);
    expect({ wrong: cache.wrong, damaged: cache.damaged, mixed }).toEqual({ wrong: 0, damaged: 0, mixed: 0 });
  }
  expect(all.reduce((sum, { cache }) => sum + cache.hits, 0)).toBeGreaterThan(0);
  expect(await readFile(join(folder, 'owned', 'count'), 'utf8')).toBe(String(rounds * hosts.length));
  // One host's build stands whole, and nothing half-made is left of any.
  const site = await Promise.all(
    (await readdir(join(folder, 'site'))).map((name) => readFile(join(folder, 'site', name), 'utf8')),
  );
  expect(site).toHaveLength(5);
  expect(new Set(site).size).toBe(1);
  const left = (await readdir(folder, { recursive: true })).filter((name) =>
    /\.(?:tmp|incomplete)$|(?:^|\/)lock|\.build$/.test(name),
  );
  expect(left).toEqual([]);
});
