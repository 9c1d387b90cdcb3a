import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { MalformedError, UnavailableError } from '../../../runner/errors.ts';
import { dataFileFinder } from '../../../runner/hub/data-files.ts';
import { fileProbeSet } from '../../../runner/text/file-probes.ts';
import { declaredProbes, probeDeclaration } from '../../../runner/text/probe-declaration.ts';
import { withBench } from '../../hub/open.ts';

const folder = await mkdtemp(join(tmpdir(), 'interpboard-probes-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

const find = dataFileFinder(
  async () => {
    throw new Error('no hub is needed');
  },
  { exists: existsSync, home: '/home/user' },
);

let files = 0;
async function jsonl(rows: readonly object[]): Promise<string> {
  const path = join(folder, `${files++}.jsonl`);
  await writeFile(path, rows.map((row) => JSON.stringify(row)).join('\n'));
  return path;
}

/** `count` rows of the labels in turn, with texts of their own. */
const rowsOf = (count: number, labels: readonly (number | string)[], word = 'text'): object[] =>
  Array.from({ length: count }, (_, i) => ({
    text: `${word} ${i}`,
    label: labels[i % labels.length],
    gender: Math.floor(i / labels.length) % 2,
  }));

const declare = (train: string, test: string | null, more: object = {}) =>
  probeDeclaration.parse({
    name: 'set',
    files: [{ data: train, split: 'train' }, ...(test === null ? [] : [{ data: test, split: 'test' }])],
    classes: [
      { value: 0, name: 'a' },
      { value: 1, name: 'b' },
      { value: 2, name: 'c' },
    ],
    ...more,
  });

const balanced = { kind: 'balanced', trainPerClass: 10, testPerClass: 4, seed: 0 } as const;

describe('a balanced set', () => {
  test('has as many rows of each class and attribute, drawn from the whole split', async () => {
    const declaration = declare(
      await jsonl(rowsOf(600, [0, 1, 2])),
      await jsonl(rowsOf(90, [0, 1, 2], 'test')),
      {
        attribute: {
          name: 'gender',
          field: 'gender',
          values: [
            { value: 0, name: 'male' },
            { value: 1, name: 'female' },
          ],
        },
      },
    );
    const set = await fileProbeSet(declaration, balanced, find);
    for (const label of [0, 1, 2])
      for (const attribute of [0, 1]) {
        const of = (rows: typeof set.train) =>
          rows.filter((row) => row.label === label && row.attribute === attribute).length;
        expect([of(set.train), of(set.test)]).toEqual([5, 2]);
      }
    const numbers = set.train.map(({ text }) => Number(text.split(' ')[1]));
    expect(Math.max(...numbers)).toBeGreaterThan(300);
    expect(await fileProbeSet(declaration, balanced, find)).toEqual(set);
    const other = await fileProbeSet(declaration, { ...balanced, seed: 1 }, find);
    expect(other.train).not.toEqual(set.train);
  });

  test('leaves out test texts that stand in its training rows, and counts them', async () => {
    const train = await jsonl(rowsOf(30, [0, 1, 2]));
    // Every training row is drawn (10 per class), so each of the 30 copies is found, spaces or not.
    const copies = rowsOf(30, [0, 1, 2]).map((row) => ({
      ...row,
      text: `  ${(row as { text: string }).text} `,
    }));
    const set = await fileProbeSet(
      declare(train, await jsonl([...copies, ...rowsOf(12, [0, 1, 2], 'new')])),
      balanced,
      find,
    );
    expect(set.removed.duplicates).toBe(30);
    expect(set.test).toHaveLength(12);
    expect(set.test.every(({ text }) => text.startsWith('new'))).toBe(true);
  });

  test('one split for both parts is divided, each text once', async () => {
    const path = await jsonl([...rowsOf(60, [0, 1, 2]), ...rowsOf(60, [0, 1, 2])]);
    const declaration = { ...declare(path, null), files: [{ data: path, split: 'both' as const }] };
    const { train, test: heldout, removed } = await fileProbeSet(declaration, balanced, find);
    const texts = [...train, ...heldout].map(({ text }) => text);
    expect(texts).toHaveLength(42);
    expect(new Set(texts).size).toBe(42);
    expect(removed.duplicates).toBe(60);
  });

  test('reads no further than it needs where the declaration says so', async () => {
    const path = await jsonl([...rowsOf(60, [0, 1, 2]), { wrong: 1 }]);
    const declaration = declare(path, null, { draw: 'first' });
    const first = { ...declaration, files: [{ data: path, split: 'both' as const }] };
    expect((await fileProbeSet(first, balanced, find)).train).toHaveLength(30);
    await expect(fileProbeSet({ ...first, draw: 'all' }, balanced, find)).rejects.toThrow(/no field "label"/);
  });
});

test('the first rows are those of the training split in order, without those that cannot be used', async () => {
  const path = await jsonl([
    { text: 'one', label: 1 },
    { text: '  ', label: 0 },
    { text: 'two', label: 7 },
    { text: null, label: 0 },
    { text: 'three', label: 0 },
    { text: 'four', label: 1 },
  ]);
  const set = await fileProbeSet(declare(path, null), { kind: 'first', rows: 2 }, find);
  expect(set.train).toEqual([
    { text: 'one', label: 1 },
    { text: 'three', label: 0 },
  ]);
  expect(set.test).toEqual([]);
  expect(set.removed.unused).toBe(3);
});

test('labels of files, texts inside others, and beginnings left out', async () => {
  const pairs = (language: string) =>
    Array.from({ length: 20 }, (_, i) => ({
      translation: { [language]: `LICENCE ${language} ${i}`, xx: '-' },
    }));
  const [en, fr] = [await jsonl(pairs('en')), await jsonl(pairs('fr'))];
  const declaration = probeDeclaration.parse({
    name: 'languages',
    files: [
      { data: en, split: 'both', text: 'translation.en', class: 'en' },
      { data: fr, split: 'both', text: 'translation.fr', class: 'fr' },
    ],
    classes: ['en', 'fr'].map((name) => ({ value: name, name })),
    draw: 'first',
    skipCharacters: 8,
    fewestCharacters: 3,
  });
  const set = await fileProbeSet(declaration, { ...balanced, trainPerClass: 5 }, find);
  expect(set.train.filter(({ label }) => label === 0).map(({ text }) => text)).toHaveLength(5);
  expect(set.train.every(({ text, label }) => text.startsWith(['en', 'fr'][label]!))).toBe(true);
});

describe('no label is made up', () => {
  test('one class only is an error', async () => {
    const path = await jsonl(rowsOf(20, [1]));
    await expect(fileProbeSet(declare(path, null), { kind: 'first', rows: 9 }, find)).rejects.toThrow(
      /probe set set \(train\): found 9 rows, all of class b; expected rows of at least two classes/,
    );
  });

  test('too few rows of a class is an error that names it', async () => {
    const path = await jsonl([...rowsOf(40, [0, 1]), ...rowsOf(3, [2], 'few')]);
    await expect(fileProbeSet(declare(path, path), balanced, find)).rejects.toThrow(
      /\(train\): found 3 rows of class "c"; expected 10/,
    );
  });

  test('a label column that is not there is an error', async () => {
    const path = await jsonl([{ text: 'a', target: 1 }]);
    await expect(fileProbeSet(declare(path, null), { kind: 'first', rows: 9 }, find)).rejects.toThrow(
      MalformedError,
    );
  });
});

test('a set of the hub is pinned in its words, and offline says what is missing', async () => {
  await withBench(async (bench) => {
    const text = rowsOf(30, [0, 1])
      .map((row) => JSON.stringify(row))
      .join('\n');
    const commit = bench.server.put('owner/set', { 'train.jsonl': { text } }, { type: 'dataset' });
    const local = { exists: () => false, home: '/home/user' };
    const declaration = declare('datasets/owner/set:train.jsonl', null);
    const demand = { kind: 'first', rows: 10 } as const;
    const set = await fileProbeSet(
      declaration,
      demand,
      dataFileFinder(async () => bench.hub, local),
    );
    expect(set.data).toBe(`datasets/owner/set@${commit}:train.jsonl`);
    const offline = dataFileFinder(async () => bench.with({ offline: true }), local);
    const missing = fileProbeSet(declaration, demand, offline);
    await expect(missing).rejects.toThrow(UnavailableError);
  });
});

test('the declared sets are well formed, and their names differ', () => {
  expect(new Set(declaredProbes.map(({ name }) => name)).size).toBe(declaredProbes.length);
  expect(declaredProbes.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['toxic_conversations', 'sst2', 'bias_in_bios_class_set1', 'ag_news', 'europarl']),
  );
  const bios = declaredProbes.find(({ name }) => name === 'bias_in_bios_class_set2')!;
  expect(bios.classes.map(({ value }) => value)).toEqual([11, 13, 14, 18, 19]);
});
