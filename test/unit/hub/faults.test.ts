import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { InterpboardError } from '../../../runner/errors.ts';
import { repositoryFolder } from '../../../runner/hub/cache.ts';
import { download } from '../../../runner/hub/download.ts';
import type { Mishap } from '../../hub/faults.ts';
import { noise, on, secret, TOKEN, withBench } from '../../hub/open.ts';

/*
 * What can go wrong on the way x what becomes of it. For every row: either every file is whole and right, or the error
 * is the one named, no file that is not whole has a name in the cache, what has arrived is a true beginning, and the
 * same call without the fault completes by fetching the rest alone.
 */

const BIG = noise(300_000);
const CDN = 'cdn/objects';
const TREE = '/tree/';

interface Row {
  fault: string;
  on: string;
  times: number;
  does: Mishap;
  /** 'complete', or exit code and words of the error. */
  outcome: 'complete' | { exit: number; says: RegExp };
  /** Bytes over the wire into files, where that tells resuming from starting again. */
  fetched?: number;
  waits?: number[];
}

const ALWAYS = Number.POSITIVE_INFINITY;
const WHOLE = BIG.length + 5;

const ROWS: Row[] = [
  row('cut after 100 kB', CDN, 1, { kind: 'cut', after: 100_000 }, 'complete', {
    waits: [500],
    fetched: WHOLE,
  }),
  row('cut at the first byte', CDN, 1, { kind: 'cut', after: 0 }, 'complete', { fetched: WHOLE }),
  row(
    'cut after 10 kB, every time',
    CDN,
    ALWAYS,
    { kind: 'cut', after: 10_000 },
    {
      exit: 4,
      says: /the connection was cut .*6 attempts/,
    },
  ),
  row('ends early, in good order', CDN, 1, { kind: 'short', bytes: 100_000 }, 'complete', {
    waits: [500],
    fetched: WHOLE,
  }),
  row(
    'ends early, every time',
    CDN,
    ALWAYS,
    { kind: 'short', bytes: 10_000 },
    {
      exit: 4,
      says: /ended at byte 60000 of 300000 \(6 attempts/,
    },
  ),
  row('stalls after 50 kB', CDN, 1, { kind: 'stall', after: 50_000 }, 'complete', {
    waits: [500],
    fetched: WHOLE,
  }),
  row(
    'stalls, every time',
    CDN,
    ALWAYS,
    { kind: 'stall', after: 0 },
    { exit: 4, says: /nothing came for 200 ms/ },
  ),
  row('slow drip', CDN, 1, { kind: 'drip', bytes: 60_000, everyMs: 10 }, 'complete', { waits: [] }),
  row('429 with Retry-After 7', CDN, 1, status(429, { 'retry-after': '7' }), 'complete', { waits: [7000] }),
  row(
    '429 with a date',
    CDN,
    1,
    status(429, { 'retry-after': 'Thu, 01 Jan 2026 00:00:09 GMT' }),
    'complete',
    {
      waits: [9000],
    },
  ),
  row('429 with Retry-After 3600', CDN, 1, status(429, { 'retry-after': '3600' }), {
    exit: 4,
    says: /asks to wait 3600 s/,
  }),
  row('429 on the listing', TREE, 2, status(429, { ratelimit: '"api";r=0;t=3' }), 'complete', {
    waits: [3000, 3000],
  }),
  row('500 three times', CDN, 3, status(500), 'complete', { waits: [500, 1000, 2000] }),
  row('503, every time', CDN, ALWAYS, status(503), { exit: 4, says: /HTTP 503 .*6 attempts/ }),
  row('listing cut', TREE, 1, { kind: 'cut', after: 20 }, 'complete', { waits: [500] }),
  row('wrong length, once', CDN, 1, { kind: 'length', by: 10 }, 'complete', { fetched: WHOLE }),
  row(
    'wrong length, always',
    CDN,
    ALWAYS,
    { kind: 'length', by: -10 },
    {
      exit: 3,
      says: /a length of 299990 bytes, listed with 300000.*3 attempts/,
    },
  ),
  row('wrong bytes, once', CDN, 1, { kind: 'corrupt' }, 'complete', { fetched: 2 * BIG.length + 5 }),
  row(
    'wrong bytes, always',
    CDN,
    ALWAYS,
    { kind: 'corrupt' },
    { exit: 3, says: /sha256 .*listed as.*3 attempts/ },
  ),
  row('wrong bytes in a small file', 'small.txt', ALWAYS, { kind: 'corrupt' }, { exit: 3, says: /git-sha1/ }),
  row('range ignored', CDN, 1, { kind: 'ignoreRange' }, 'complete', { fetched: WHOLE }),
  row(
    'another commit',
    'small.txt',
    1,
    { kind: 'otherCommit' },
    { exit: 3, says: /answer from commit ffff/ },
  ),
  row(
    'a header of 9 kB',
    CDN,
    1,
    { kind: 'header', characters: 9000 },
    { exit: 3, says: /header x-long of 9000/ },
  ),
  row(
    'a header of 40 kB',
    CDN,
    1,
    { kind: 'header', characters: 40_000 },
    { exit: 3, says: /HEADERS_OVERFLOW/ },
  ),
  row('signed address expired', CDN, 1, status(403), 'complete', { waits: [500] }),
  row(
    'redirects in a circle',
    'small.txt',
    ALWAYS,
    { kind: 'redirect', to: '/o/n/resolve/main/small.txt' },
    {
      exit: 4,
      says: /more than 10 redirects/,
    },
  ),
  row(
    'redirect to a file address',
    'small.txt',
    1,
    { kind: 'redirect', to: 'file:///etc/passwd' },
    {
      exit: 4,
      says: /redirect .*file:/,
    },
  ),
  row(
    'token expired',
    'never',
    0,
    { kind: 'corrupt' },
    { exit: 2, says: /invalid or expired .*set HF_TOKEN/ },
  ),
  row(
    'gated',
    'never',
    0,
    { kind: 'corrupt' },
    { exit: 4, says: /gated .*Accept the licence at http.*\/o\/n/ },
  ),
];

function row(
  fault: string,
  where: string,
  times: number,
  does: Mishap,
  outcome: Row['outcome'],
  more: Partial<Row> = {},
): Row {
  return { fault, on: where, times, does, outcome, ...more };
}

function status(code: number, headers: Record<string, string> = {}): Mishap {
  return { kind: 'status', status: code, headers };
}

/** The table as it came out, printed after the last row. */
const table: string[] = [];
afterAll(() => console.info(`fault of a download x outcome\n${table.join('\n')}`));

describe('fault table', () => {
  for (const each of ROWS) {
    const outcome =
      each.outcome === 'complete' ? 'complete' : `exit ${each.outcome.exit}, ${each.outcome.says}`;
    test(`${each.fault}: ${outcome}`, () => check(each));
  }
});

async function check({
  fault,
  on: where,
  times,
  does,
  outcome,
  fetched,
  waits: expected,
}: Row): Promise<void> {
  await withBench(async ({ server, waits, with: change }) => {
    const hub = change({ token: secret });
    server.granted.add(TOKEN);
    const commit = server.put('o/n', { 'big.bin': { text: BIG, lfs: true }, 'small.txt': { text: 'small' } });
    if (fault === 'token expired') server.tokens.delete(TOKEN);
    if (fault === 'gated') {
      server.find('model', 'o/n')!.gated = true;
      server.granted.delete(TOKEN);
    }
    server.faults.push({ on: where, times, does });
    const run = () => download(hub, { reference: on('o/n'), parallel: 1 });
    const result = await run().catch((error: unknown) => error);
    const folder = repositoryFolder(hub.settings, on('o/n'));
    if (outcome === 'complete') {
      expect(result).toMatchObject({ reference: { commit } });
    } else {
      expect(result).toBeInstanceOf(InterpboardError);
      const error = result as InterpboardError;
      expect(error.message).toMatch(outcome.says);
      expect(error.exitCode).toBe(outcome.exit);
      expect(inspect(error, { depth: 20, showHidden: true })).not.toContain(TOKEN);
      const kept = await keptBytes(folder);
      server.faults.length = 0;
      server.tokens.add(TOKEN);
      server.granted.add(TOKEN);
      const again = await run();
      expect(again.fetchedBytes).toBe(WHOLE - kept);
    }
    if (fetched !== undefined) expect(result).toMatchObject({ fetchedBytes: fetched });
    if (expected) expect(waits).toEqual(expected);
    const files = (await readdir(join(folder, 'snapshots', commit))).sort();
    expect(files).toEqual(['big.bin', 'small.txt']);
    expect(await readFile(join(folder, 'snapshots', commit, 'big.bin'))).toEqual(BIG);
    expect(await readFile(join(folder, 'snapshots', commit, 'small.txt'), 'utf8')).toBe('small');
    expect((await readdir(join(folder, 'blobs'))).length).toBe(2);
    for (const { host, authorization } of server.requests)
      expect(authorization).toBe(host === 'hub' ? `Bearer ${TOKEN}` : null);
    const became =
      outcome === 'complete'
        ? 'complete'
        : `error ${(result as InterpboardError).exitCode}; the same call then fetches the rest alone`;
    table.push(`  ${fault.padEnd(44)} ${became}`);
  });
}

/** Bytes in whole blobs and in parts; every part has to be a true beginning, every blob whole. */
async function keptBytes(folder: string): Promise<number> {
  let bytes = 0;
  for (const name of await readdir(join(folder, 'blobs')).catch(() => [])) {
    const found = await readFile(join(folder, 'blobs', name));
    bytes += found.length;
    const content = /^[0-9a-f]{64}/.test(name) ? BIG : Buffer.from('small');
    expect(name).toMatch(/^[0-9a-f]{40,64}(\.incomplete)?$/);
    expect(found).toEqual(content.subarray(0, name.endsWith('.incomplete') ? found.length : content.length));
  }
  return bytes;
}
