import { describe, expect, test, vi } from 'vitest';
import { demoModelFolder } from '../../../runner/demo/index.ts';
import { demoMixture } from '../../../runner/text/demo-source.ts';
import { type MixedText, mixture, startOfMixture } from '../../../runner/text/mixture.ts';
import {
  EVALUATION_PACKING,
  type PackedRow,
  type PackingOptions,
  type PackingPosition,
  packRows,
  startOfPacking,
} from '../../../runner/text/packing.ts';
import { loadTokenizer } from '../../../runner/text/tokenizer.ts';

/** A character a token; special tokens are -1 and -2. */
const letters = {
  encode: (text: string, { specialTokens }: { specialTokens: boolean }) => {
    const ids = [...text].map((char) => char.codePointAt(0) ?? 0);
    return specialTokens ? [-1, ...ids, -2] : ids;
  },
};
const start = startOfMixture([], 1);

async function* documents(...texts: string[]): AsyncGenerator<MixedText> {
  for (const [i, text] of texts.entries())
    yield { text, source: 'list', hash: '', position: { ...start, texts: i + 1 } };
}

async function* documentsAfter(texts: readonly string[], first: number): AsyncGenerator<MixedText> {
  for (const [i, text] of texts.entries())
    if (i >= first) yield { text, source: 'list', hash: '', position: { ...start, texts: i + 1 } };
}

async function take(rows: AsyncIterable<PackedRow>, count = Number.POSITIVE_INFINITY): Promise<PackedRow[]> {
  const taken: PackedRow[] = [];
  for await (const row of rows) {
    taken.push(row);
    if (taken.length >= count) break;
  }
  return taken;
}

const pack = async (options: PackingOptions, ...texts: string[]): Promise<string[]> =>
  (await take(packRows(documents(...texts), letters, startOfPacking(start), options))).map(({ row }) =>
    [...row].map((id) => (id === -1 ? '<' : id === -2 ? '>' : String.fromCodePoint(id))).join(''),
  );

describe('packing', () => {
  test('puts documents end to end, cuts equal rows, leaves out the rest', async () => {
    expect(await pack({ rowTokens: 4 }, 'abc', 'de', '', 'fghijklmno')).toEqual(['abcd', 'efgh', 'ijkl']);
  });

  test('cuts long documents and adds special tokens for evaluation', async () => {
    expect(await pack({ rowTokens: 4, documentTokens: 3 }, 'abcdefgh', 'ijklm', 'no')).toEqual([
      'abci',
      'jkno',
    ]);
    expect(await pack({ rowTokens: 4, specialTokens: true }, 'ab', 'cd')).toEqual(['<ab>', '<cd>']);
    const [row] = await pack({ rowTokens: 1026, ...EVALUATION_PACKING }, 'x'.repeat(5000), 'yz');
    expect(row).toBe(`<${'x'.repeat(1023)}<y`);
  });

  test('gives each row to the document that holds most of it', async () => {
    const of = async (options: PackingOptions, ...texts: string[]): Promise<number[]> =>
      (await take(packRows(documents(...texts), letters, startOfPacking(start), options))).map(
        ({ document }) => document,
      );
    expect(await of({ rowTokens: 4 }, 'abcdefg', 'h', 'ijkl')).toEqual([1, 1, 3]);
    expect(await of({ rowTokens: 4 }, 'ab', 'cdef', 'gh')).toEqual([1, 2]);
    expect(await of({ rowTokens: 4, boundaries: 'apart' }, 'abcdefg', 'hijk', 'lmnopqrs')).toEqual([
      1, 2, 3, 3,
    ]);
  });

  test('counts rows and carries what no row holds yet', async () => {
    const rows = await take(
      packRows(documents('abcdefgh', 'ijk'), letters, startOfPacking(start), { rowTokens: 3 }),
    );
    expect(
      rows.map(({ position: { rows, carried, taken, mixture } }) => [
        rows,
        carried.length,
        taken,
        mixture.texts,
      ]),
    ).toEqual([
      [1, 0, 3, 0],
      [2, 2, 0, 1],
      [3, 2, 0, 2],
    ]);
  });

  test('an end-of-text token stands after each document where they are to be separated', async () => {
    const options: PackingOptions = { rowTokens: 3, boundaries: 'separated' };
    const tokenizer = { ...letters, eosTokenId: 46 };
    const rows = await take(
      packRows(documents('ab', 'cde', 'fg'), tokenizer, startOfPacking(start), options),
    );
    expect(rows.map(({ row }) => String.fromCodePoint(...row))).toEqual(['ab.', 'cde', '.fg']);
  });

  test('goes on from any recorded position as if it had never stopped', async () => {
    const tokenizer = await loadTokenizer(demoModelFolder);
    const from = (position: PackingPosition): AsyncGenerator<PackedRow> => {
      const sources = demoMixture(9);
      return packRows(mixture(sources, position.mixture, tokenizer), tokenizer, position, { rowTokens: 48 });
    };
    const whole = await take(from(startOfPacking(startOfMixture(demoMixture(9), 9))), 40);
    for (const stop of [1, 2, 3, 11, 30]) {
      const position = JSON.parse(JSON.stringify(whole[stop - 1]?.position)) as PackingPosition;
      const rows = (taken: PackedRow[]) =>
        taken.map(({ row, position: after }) => ({ row, position: after }));
      expect(rows(await take(from(position), 40 - stop))).toEqual(rows(whole.slice(stop)));
    }
  });

  test.each(['joined', 'separated', 'apart'] as const)(
    'goes on within a document that fills many rows (%s)',
    async (boundaries) => {
      const texts = ['ab', 'cdefghijklmnopq', 'r', 'stuvwxyz', 'ABCDEFGHIJK'];
      const options: PackingOptions = { rowTokens: 3, boundaries, documentTokens: 13 };
      const tokenizer = { ...letters, eosTokenId: 46 };
      const from = (position: PackingPosition): Promise<PackedRow[]> =>
        take(packRows(documentsAfter(texts, position.mixture.texts), tokenizer, position, options));
      const rows = (taken: PackedRow[]) =>
        taken.map(({ row, position: after }) => ({ row, position: after }));
      const whole = await from(startOfPacking(start));
      expect(whole.length).toBeGreaterThan(8);
      for (const [i, { position }] of whole.entries())
        expect(rows(await from(JSON.parse(JSON.stringify(position)) as PackingPosition))).toEqual(
          rows(whole.slice(i + 1)),
        );
    },
  );

  test('goes on from a position of an earlier version, which carries the rest of a document', async () => {
    const position = { mixture: { ...start, texts: 1 }, carried: [97, 98, 99, 100, 101, 102, 103], rows: 4 };
    const rows = await take(packRows(documents('hi'), letters, position, { rowTokens: 3 }));
    expect(rows.map(({ row }) => String.fromCodePoint(...row))).toEqual(['abc', 'def', 'ghi']);
    expect(rows.map(({ position: { rows } }) => rows)).toEqual([5, 6, 7]);
  });

  test('copies each token a few times, however long its document is', async () => {
    for (const tokens of [4_000, 16_000]) {
      const document = { encode: () => Array.from({ length: tokens }, (_, i) => i) };
      let copied = 0;
      const slice = Array.prototype.slice;
      const spy = vi.spyOn(Array.prototype, 'slice').mockImplementation(function (this: unknown[], ...range) {
        const part = slice.apply(this, range);
        copied += part.length;
        return part;
      });
      const rows = await take(
        packRows(documents('x'), document, startOfPacking(start), { rowTokens: 8 }),
      ).finally(() => spy.mockRestore());
      expect(rows).toHaveLength(tokens / 8);
      expect(rows.at(-1)?.row.at(-1)).toBe(tokens - 1);
      expect(copied).toBeGreaterThanOrEqual(tokens);
      expect(copied).toBeLessThanOrEqual(3 * tokens);
      // Positions go into checkpoints and between threads.
      expect(Math.max(...rows.map(({ position }) => position.carried.length))).toBeLessThan(8);
    }
  });
});
