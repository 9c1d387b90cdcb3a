import { describe, expect, test } from 'vitest';
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
      rows.map(({ position }) => [position.rows, position.carried.length, position.mixture.texts]),
    ).toEqual([
      [1, 5, 1],
      [2, 2, 1],
      [3, 2, 2],
    ]);
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
});
