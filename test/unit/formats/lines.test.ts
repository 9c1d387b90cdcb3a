import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { MalformedError } from '../../../runner/errors.ts';
import { jsonList } from '../../../runner/formats/json-list.ts';
import { BrokenRow, type Compression, jsonLines, lines, paragraphs } from '../../../runner/formats/lines.ts';
import { type ByteSource, memorySource } from '../../../runner/io/byte-source.ts';

const folder = fileURLToPath(new URL('../../fixtures/text/', import.meta.url));
const { rows } = JSON.parse(readFileSync(`${folder}golden.json`, 'utf8')) as {
  rows: { id: number; text: string | null }[];
};
const expected = rows.map(({ id, text }) => ({ text: text || '-', n: id }));

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

const fromText = (text: string | Uint8Array): ByteSource =>
  memorySource('a.txt', typeof text === 'string' ? Buffer.from(text) : text);

describe.each([
  ['lines.jsonl', 'none'],
  ['lines.jsonl.gz', 'gzip'],
  ['lines.jsonl.zst', 'zstd'],
] as [string, Compression][])('%s', (name, compression) => {
  const bytes = readFileSync(`${folder}${name}`);
  const source = memorySource(name, bytes);

  test('has the values that Python wrote, over its two parts', async () => {
    expect((await all(jsonLines(source, compression))).map(({ value }) => value)).toEqual(expected);
  });

  test('goes on from every line', async () => {
    const found = await all(jsonLines(source, compression));
    for (const at of [0, 41, 98, 99]) {
      const rest = await all(jsonLines(source, compression, found[at]!.next));
      expect(rest).toEqual(found.slice(at + 1));
    }
  });

  test('cut short is an error of one line', async () => {
    const cut = memorySource(name, bytes.subarray(0, bytes.length - 20));
    const read = all(jsonLines(cut, compression)).then((rows) => {
      const last = rows.at(-1)?.value;
      if (last instanceof BrokenRow) throw last.error;
    });
    await expect(read).rejects.toThrow(MalformedError);
  });
});

test('plain lines are read from their offset without what is before', async () => {
  const bytes = readFileSync(`${folder}lines.jsonl`);
  const reads: number[] = [];
  const source: ByteSource = {
    name: 'a',
    byteLength: bytes.length,
    async slice(start, end) {
      reads.push(start);
      return bytes.subarray(start, end);
    },
  };
  const start = bytes.indexOf('\n', 4000) + 1;
  await all(lines(source, 'none', start));
  expect(reads).toEqual([start]);
});

test('line breaks of both kinds, blank lines, and an end without one', async () => {
  expect(await all(lines(fromText('a\r\n\nb\nc'), 'none'))).toEqual([
    { text: 'a', ending: '\r\n', next: 3 },
    { text: '', ending: '\n', next: 4 },
    { text: 'b', ending: '\n', next: 6 },
    { text: 'c', ending: '', next: 7 },
  ]);
  expect(await all(lines(fromText(''), 'none'))).toEqual([]);
});

test('paragraphs end at blank lines', async () => {
  const text = '\n\none\ntwo\n\n \nthree\r\n\r\nfour';
  const found = await all(paragraphs(fromText(text), 'none'));
  expect(found.map((each) => each.text)).toEqual(['one\ntwo', 'three', 'four']);
  expect(await all(paragraphs(fromText(text), 'none', found[0]!.next))).toEqual(found.slice(1));
});

test('a byte order mark at the start is no text', async () => {
  const [line] = await all(lines(fromText('\ufeff{"a":1}\n\ufeffb'), 'none'));
  expect(line!.text).toBe('{"a":1}');
});

test('what is not text is refused with its place', async () => {
  await expect(all(lines(fromText(Buffer.from([0x61, 0x0a, 0xff, 0x0a])), 'none'))).rejects.toThrow(
    /a\.txt, bytes 2 to 4: found bytes that are not UTF-8/,
  );
  const [, broken] = await all(jsonLines(fromText('{"a":1}\n{a}\n'), 'none'));
  expect((broken!.value as BrokenRow).error.message).toMatch(
    /a\.txt, bytes 8 to 12: found .* between "\{" and "a\}"; expected one JSON value a line/,
  );
  await expect(all(lines(fromText('aaaa\nbbbbbbb\n'), 'none', 0, 5))).rejects.toThrow(
    /from byte 5: found more than 5 bytes in one line/,
  );
});

test('a long line in little compressed data stops at the limit', async () => {
  const bomb = memorySource('bomb.gz', gzipSync(Buffer.alloc(64 << 20)));
  const before = process.memoryUsage().arrayBuffers;
  await expect(all(lines(bomb, 'gzip', 0, 1 << 20))).rejects.toThrow(/more than 1048576 bytes in one line/);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(32 << 20);
});

test('millions of blank lines in a few bytes are refused, some of them are not', async () => {
  const read = async (blank: number): Promise<number> => {
    const bytes = gzipSync(
      Buffer.concat([Buffer.from('{"a": 1}\n'), Buffer.alloc(blank, '\n'), Buffer.from('2\n')]),
    );
    let found = 0;
    for await (const _ of jsonLines(memorySource('a.jsonl.gz', bytes), 'gzip')) found++;
    return found;
  };
  expect(await read(50_000)).toBe(2);
  await expect(read(2 ** 22)).rejects.toThrow(/131073 blank lines of 131073 bytes in a row/);
});

describe('little that unpacks to much', () => {
  const packed = new Map<string, Buffer>();
  /** A text of so many bytes and more, packed: once for all that read it. */
  const bomb = (row: string, bytes: number, compression: Compression, start = ''): ByteSource => {
    const key = JSON.stringify([row, bytes, compression, start]);
    const pack = (): Buffer => {
      const text = Buffer.from(start + row.repeat(Math.ceil(bytes / Buffer.byteLength(row))));
      return compression === 'gzip' ? gzipSync(text) : zstdCompressSync(text);
    };
    const found = packed.get(key) ?? pack();
    packed.set(key, found);
    return memorySource('bomb', found);
  };
  const kinds = (['gzip', 'zstd'] as const).flatMap((compression) =>
    ([jsonLines, paragraphs, jsonList] as const).map((read) => [compression, read.name, read] as const),
  );

  // Blank as people see it: lines of several spaces, of tabs, of spaces that are no ASCII, with either line break.
  const blanks = ['    \n', '\t \r\n', '\u00a0\u2003\n', `${' '.repeat(100_000)}\n`];
  test.each(
    kinds
      .filter(([, name]) => name !== 'jsonList')
      .flatMap((kind) => blanks.map((row) => [...kind, row] as const)),
  )('blank lines, %s, %s', async (compression, _name, read, row) => {
    const lines = all<unknown>(read(bomb(row, 9 << 20, compression), compression));
    await expect(lines).rejects.toThrow(
      /bomb: found \d+ blank lines of \d+ bytes in a row; expected lines of text/,
    );
  });

  test.each(kinds)('rows that say nothing, %s, %s', async (compression, name, read) => {
    const empty = ' '.repeat(50_000);
    const [start, end] = name === 'jsonList' ? ['[', ','] : ['', '\n'];
    const source = bomb(`{"text": "${empty}"}${end}`, 40 << 20, compression, start);
    let rows = 0;
    const reading = (async () => {
      for await (const _ of read(source, compression)) rows++;
    })();
    await expect(reading).rejects.toThrow(/bytes that unpack to more than 200 times as many/);
    expect(rows * 50_000).toBeLessThan(17 << 20);
  });

  test('a text that repeats itself, within what text does, is read whole', async () => {
    const rows = Array.from({ length: 300_000 }, (_, i) =>
      JSON.stringify({ text: `the same words and ${i}` }),
    );
    const source = memorySource('a', gzipSync(rows.join('\n')));
    let read = 0;
    for await (const _ of jsonLines(source, 'gzip')) read++;
    expect(read).toBe(rows.length);
  });
});
