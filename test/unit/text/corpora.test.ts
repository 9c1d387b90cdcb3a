import { existsSync, readFileSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { InterpboardError, UnavailableError, UserError } from '../../../runner/errors.ts';
import { dataFileFinder } from '../../../runner/hub/data-files.ts';
import { download } from '../../../runner/hub/download.ts';
import type { Hub } from '../../../runner/hub/transport.ts';
import type { FindDataFiles } from '../../../runner/io/data-files.ts';
import { findLocalFiles } from '../../../runner/io/local-files.ts';
import { fileSource, sourceDeclaration } from '../../../runner/text/file-source.ts';
import {
  type MixedText,
  type MixturePosition,
  mixture,
  startOfMixture,
} from '../../../runner/text/mixture.ts';
import {
  type PackedRow,
  type PackingPosition,
  packRows,
  startOfPacking,
} from '../../../runner/text/packing.ts';
import type { TextSource } from '../../../runner/text/source.ts';
import type { Mishap } from '../../hub/faults.ts';
import { on, secret, TOKEN, withBench } from '../../hub/open.ts';

const fixtures = fileURLToPath(new URL('../../fixtures/text/', import.meta.url));
const bytes = (name: string): Buffer => readFileSync(`${fixtures}${name}`);
const { rows } = JSON.parse(bytes('golden.json').toString()) as {
  rows: { text: string | null; conversations: { from: string; value: string }[] }[];
};
const texts = rows.map(({ text }) => text ?? '');
const usable = texts.filter((text) => text.length > 50);

const folder = await mkdtemp(join(tmpdir(), 'interpboard-text-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

const finder = (hub: Hub): FindDataFiles =>
  dataFileFinder(async () => hub, { exists: existsSync, home: homedir() });

const chat = {
  applyChat: (turns: readonly { role: string; content: string }[]) =>
    turns.map((turn) => `<${turn.role}>${turn.content}`).join(''),
};

async function source(find: FindDataFiles, declaration: object): Promise<TextSource> {
  const parsed = sourceDeclaration.parse(declaration);
  return fileSource(parsed.data, parsed, (await find(parsed.data)).files);
}

async function all<T>(items: AsyncIterable<T>, most = Number.POSITIVE_INFINITY): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) {
    found.push(item);
    if (found.length === most) break;
  }
  return found;
}

const read = (sources: TextSource[], from: MixturePosition = startOfMixture(sources, 1)) =>
  all(mixture(sources, from, chat));

/** A data set of three shards in the order of their names, with a file that is none. */
const SHARDS = {
  'README.md': { text: '# data' },
  'data/train-00001-of-00003.parquet': { text: bytes('zstd.parquet'), lfs: true },
  'data/train-00000-of-00003.parquet': { text: bytes('groups.parquet'), lfs: true },
  'data/train-00002-of-00003.parquet': { text: bytes('gzip.parquet') },
  'other/x.parquet': { text: bytes('plain.parquet') },
};
const THREE = 'datasets/owner/texts:data/train-*.parquet';

describe('a corpus on the hub', () => {
  test('is its shards in the order of their names, read by ranges of the wanted column', async () => {
    await withBench(async ({ hub, server }) => {
      server.put('owner/texts', SHARDS, { type: 'dataset' });
      const found = await finder(hub)(THREE);
      expect(found.files.map(({ path }) => path.slice(-22, -8))).toEqual([
        '00000-of-00003',
        '00001-of-00003',
        '00002-of-00003',
      ]);
      server.requests.length = 0;
      const taken = await read([await source(finder(hub), { data: THREE })]);
      expect(taken.map(({ text }) => text)).toEqual([...usable, ...usable, ...usable]);
      const gets = server.requests.filter(({ range }) => range !== null);
      expect(gets.length).toBeGreaterThan(8);
      expect(gets.every(({ range }) => range !== 'bytes=0-')).toBe(true);
    });
  });

  test('goes on from every position as if it had never stopped, at the pinned commit', async () => {
    await withBench(async ({ hub, server }) => {
      server.put('owner/texts', SHARDS, { type: 'dataset' });
      server.put('owner/lines', { 'a.jsonl.gz': { text: bytes('lines.jsonl.gz') } }, { type: 'dataset' });
      const find = finder(hub);
      const pinned = [(await find(THREE)).reference, (await find('datasets/owner/lines')).reference];
      expect(pinned[0]).toMatch(/^datasets\/owner\/texts@[0-9a-f]{40}:data\/train-\*\.parquet$/);
      const sources = async () => [
        await source(find, { data: pinned[0], weight: 3 }),
        await source(find, { data: pinned[1], weight: 1 }),
      ];
      const whole = await read(await sources());
      expect(new Set(whole.map((each) => each.source)).size).toBe(2);
      // The branch moves on; what is pinned stays.
      server.put(
        'owner/texts',
        { 'data/train-00000-of-00003.parquet': { text: 'gone' } },
        { type: 'dataset' },
      );
      for (const stop of [1, 2, 20, 55, whole.length - 1]) {
        const position = JSON.parse(JSON.stringify(whole[stop - 1]!.position)) as MixturePosition;
        expect(await read(await sources(), position), `after ${stop}`).toEqual(whole.slice(stop));
      }
    });
  });

  test('resuming reads no shard before the position and no row group before it', async () => {
    await withBench(async ({ hub, server }) => {
      server.put('owner/texts', SHARDS, { type: 'dataset' });
      const find = finder(hub);
      const whole = await read([await source(find, { data: THREE })]);
      const late = whole.find(({ position }) => Object.values(position.rows)[0]!.file === 1)!;
      const resumed = await source(find, { data: THREE });
      server.requests.length = 0;
      await all(mixture([resumed], late.position, chat), 1);
      const asked = server.requests.filter(({ range }) => range !== null);
      expect(new Set(asked.map(({ address }) => address.split('?')[0])).size).toBeLessThanOrEqual(2);
      // A redirect and an answer each: the footer and one column of one row group.
      expect(asked).toHaveLength(4);
    });
  });

  test('the token goes to the endpoint alone', async () => {
    await withBench(async (bench) => {
      bench.server.put('owner/texts', SHARDS, { type: 'dataset' });
      await read([await source(finder(bench.with({ token: secret })), { data: THREE })]);
      const cdn = bench.server.requests.filter(({ host }) => host === 'cdn');
      expect(cdn.length).toBeGreaterThan(4);
      expect(cdn.every(({ authorization }) => authorization === null)).toBe(true);
      expect(bench.server.requests.some(({ authorization }) => authorization === `Bearer ${TOKEN}`)).toBe(
        true,
      );
    });
  });

  test('offline it is read from the cache, and what is missing is named', async () => {
    await withBench(async (bench) => {
      bench.server.put('owner/texts', SHARDS, { type: 'dataset' });
      const offline = bench.with({ offline: true });
      await expect(finder(offline)(THREE)).rejects.toThrow(UnavailableError);
      const commit = (await finder(bench.hub)(THREE)).reference;
      // The listing is known now, the files are not here.
      await expect(finder(offline)(commit)).rejects.toThrow(
        /not in the cache: "data\/train-00000-of-00003\.parquet", .*HF_HUB_OFFLINE is set/,
      );
      await download(bench.hub, { reference: on('datasets/owner/texts'), paths: ['data'] });
      bench.server.requests.length = 0;
      const taken = await read([await source(finder(offline), { data: THREE })]);
      expect(taken).toHaveLength(3 * usable.length);
      expect(bench.server.requests).toEqual([]);
    });
  });

  test('names without files, and columns that are not there, are errors of the user', async () => {
    await withBench(async ({ hub, server }) => {
      server.put('owner/texts', SHARDS, { type: 'dataset' });
      await expect(finder(hub)('datasets/owner/texts:nowhere/*.parquet')).rejects.toThrow(UserError);
      await expect(finder(hub)('datasets/owner/texts:README.md')).rejects.toThrow(/no such file among the 5/);
      const wrong = await source(finder(hub), { data: THREE, extract: { kind: 'text', field: 'body' } });
      await expect(read([wrong])).rejects.toThrow(
        /column "body": found no such column; expected one of "id"/,
      );
    });
  });
});

interface Row {
  fault: string;
  times: number;
  does: Mishap;
  outcome: 'all rows' | RegExp;
}

const ALWAYS = Number.POSITIVE_INFINITY;
const faults: Row[] = [
  { fault: 'cut after 100 bytes', times: 2, does: { kind: 'cut', after: 100 }, outcome: 'all rows' },
  { fault: 'cut, every time', times: ALWAYS, does: { kind: 'cut', after: 100 }, outcome: /\(6 attempts\)/ },
  { fault: 'ends early in good order', times: 2, does: { kind: 'short', bytes: 64 }, outcome: 'all rows' },
  { fault: 'silence after 100 bytes', times: 1, does: { kind: 'stall', after: 100 }, outcome: 'all rows' },
  { fault: 'slow drip', times: 1, does: { kind: 'drip', bytes: 2000, everyMs: 5 }, outcome: 'all rows' },
  {
    fault: '429 with Retry-After',
    times: 2,
    does: { kind: 'status', status: 429, headers: { 'retry-after': '3' } },
    outcome: 'all rows',
  },
  { fault: '500', times: 3, does: { kind: 'status', status: 500 }, outcome: 'all rows' },
  { fault: '500, every time', times: ALWAYS, does: { kind: 'status', status: 500 }, outcome: /HTTP 500/ },
  {
    fault: '403 of an expired address',
    times: 1,
    does: { kind: 'status', status: 403 },
    outcome: 'all rows',
  },
  { fault: 'another length', times: 1, does: { kind: 'length', by: 5 }, outcome: 'all rows' },
  {
    fault: 'another length, always',
    times: ALWAYS,
    does: { kind: 'length', by: 5 },
    outcome: /bytes \d+-\d+\/\d+ was asked for/,
  },
  { fault: 'range ignored', times: 1, does: { kind: 'ignoreRange' }, outcome: 'all rows' },
  {
    fault: 'range ignored, always',
    times: ALWAYS,
    does: { kind: 'ignoreRange' },
    outcome: /HTTP 200 with no range/,
  },
  {
    fault: 'one byte wrong in a page',
    times: ALWAYS,
    does: { kind: 'corrupt' },
    outcome: /cannot be decoded|found/,
  },
  {
    fault: 'redirect to plain http elsewhere, then gone',
    times: ALWAYS,
    does: { kind: 'redirect', to: 'http://127.0.0.1:9/' },
    outcome: /no answer from 127\.0\.0\.1:9/,
  },
];
const table: string[] = [];
afterAll(() => console.info(`fault of a ranged read x outcome\n${table.join('\n')}`));

describe('faults of ranged reads: the same rows, or the error named', () => {
  test.each(faults)('$fault', async ({ fault, times, does, outcome }) => {
    await withBench(async ({ hub, server, waits }) => {
      server.put('owner/texts', SHARDS, { type: 'dataset' });
      const ready = await source(finder(hub), { data: THREE });
      server.faults.push({ on: 'cdn/objects', times, does });
      const got = await read([ready]).catch((error: unknown) => error);
      if (outcome === 'all rows') {
        expect((got as MixedText[]).map(({ text }) => text)).toEqual([...usable, ...usable, ...usable]);
      } else {
        expect(got).toBeInstanceOf(InterpboardError);
        expect((got as Error).message).toMatch(outcome);
        expect((got as Error).message).not.toContain('\n');
      }
      const text = outcome === 'all rows' ? 'all rows' : `error ${(got as InterpboardError).exitCode}`;
      table.push(`  ${fault.padEnd(44)} ${text}, ${waits.length} waits`);
    });
  });
});

describe('a corpus on this machine', () => {
  test('is a file, a folder or a pattern, in the order of names', async () => {
    const place = join(folder, 'local');
    await mkdir(join(place, 'deep'), { recursive: true });
    await copyFile(`${fixtures}lines.jsonl`, join(place, 'b.jsonl'));
    await copyFile(`${fixtures}lines.jsonl.zst`, join(place, 'deep', 'a.jsonl.zst'));
    await writeFile(join(place, 'notes.md'), 'no data');
    const paths = async (path: string) => (await findLocalFiles(path)).files.map((file) => file.path);
    expect(await paths(place)).toEqual(['b.jsonl', 'deep/a.jsonl.zst']);
    expect(await paths(join(place, '*.jsonl*'))).toEqual(['b.jsonl']);
    expect(await paths(join(place, '**/*.jsonl*'))).toEqual(['b.jsonl', 'deep/a.jsonl.zst']);
    expect(await paths(join(place, 'b.jsonl'))).toEqual(['b.jsonl']);
    await expect(findLocalFiles(join(place, 'notes.md'))).rejects.toThrow(UserError);
    await expect(findLocalFiles(join(place, 'nowhere'))).rejects.toThrow(UserError);
  });

  test('a changed file has another fingerprint', async () => {
    const path = join(folder, 'changing.txt');
    await writeFile(path, 'one');
    const { fingerprint } = await findLocalFiles(path);
    expect((await findLocalFiles(path)).fingerprint).toBe(fingerprint);
    await writeFile(path, 'two');
    expect((await findLocalFiles(path)).fingerprint).not.toBe(fingerprint);
  });

  test.each([
    ['line', ['one', 'two', 'three']],
    ['paragraph', ['one\ntwo', 'three']],
    ['file', ['one\ntwo\n\nthree']],
  ])('documents of a .txt are by %s', async (documents, expected) => {
    const path = join(folder, `${documents}.txt`);
    const pad = (text: string): string => text.replace(/\w+/g, (word) => word.repeat(20));
    await writeFile(path, pad('one\ntwo\n\nthree\n'));
    const files = finder(null as unknown as Hub);
    const taken = await read([await source(files, { data: path, documents })]);
    expect(taken.map(({ text }) => text)).toEqual(expected.map(pad));
  });

  test('conversations out of nested parquet columns, by the chat template', async () => {
    const declaration = { data: `${fixtures}groups.parquet`, extract: { kind: 'conversations' } };
    const kept = await source(finder(null as unknown as Hub), declaration);
    const expected = rows
      .map(({ conversations }) => conversations.map(({ from, value }) => `<${from}>${value}`).join(''))
      .filter((text) => text.length > 50);
    expect(expected.length).toBeGreaterThan(50);
    expect((await read([kept])).map(({ text }) => text)).toEqual(expected);
  });
});

test('a broken row is named by its number, and passed over and counted where a share may be broken', async () => {
  const path = join(folder, 'broken.jsonl');
  const lines = Array.from({ length: 5 }, (_, row) =>
    JSON.stringify({ text: `${row} ${'word '.repeat(20)}` }),
  );
  await writeFile(path, lines.with(3, lines[3]!.slice(0, -2)).join('\n'));
  const one = await source(findLocalFiles, { data: path });
  const read = (options: object) => all(mixture([one], startOfMixture([one], 1), chat, options));
  await expect(read({})).rejects.toThrow(/broken\.jsonl row 3: found .* between/);
  const told: string[] = [];
  const found = await read({
    badRows: 0.01,
    onBroken: ({ message }: Error, broken: number) => told.push(`${broken} ${message}`),
  });
  expect(found).toHaveLength(4);
  expect(found.at(-1)!.position.broken).toBe(1);
  expect(told).toEqual([expect.stringMatching(/^1 .*broken\.jsonl row 3: found/)]);
});

test('rows are packed in the same order across a resume from any row, over files of the hub', async () => {
  await withBench(async ({ hub, server }) => {
    server.put('owner/texts', SHARDS, { type: 'dataset' });
    server.put('owner/lines', { 'a.jsonl.zst': { text: bytes('lines.jsonl.zst') } }, { type: 'dataset' });
    const letters = {
      encode: (text: string) => [...text].map((char) => char.codePointAt(0)!),
      eosTokenId: 0,
    };
    for (const boundaries of ['joined', 'separated', 'apart'] as const) {
      const open = async (position?: PackingPosition): Promise<AsyncGenerator<PackedRow>> => {
        const sources = [
          await source(finder(hub), { data: THREE, weight: 2 }),
          await source(finder(hub), { data: 'datasets/owner/lines:a.jsonl.zst', weight: 1 }),
        ];
        const from = position ?? startOfPacking(startOfMixture(sources, 11));
        return packRows(mixture(sources, from.mixture, chat), letters, from, { rowTokens: 40, boundaries });
      };
      const whole = await all(await open());
      expect(whole.length).toBeGreaterThan(80);
      if (boundaries === 'separated') expect(whole.some(({ row }) => row.includes(0))).toBe(true);
      for (const stop of [1, 7, 50, whole.length - 1]) {
        const position = JSON.parse(JSON.stringify(whole[stop - 1]!.position)) as PackingPosition;
        expect(await all(await open(position)), `${boundaries} after ${stop}`).toEqual(whole.slice(stop));
      }
    }
  });
});
