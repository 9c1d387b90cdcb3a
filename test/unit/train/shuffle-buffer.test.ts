import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { UnavailableError } from '../../../runner/errors.ts';
import { random } from '../../../runner/math/random.ts';
import type { HeldTensor } from '../../../runner/onnx/session.ts';
import { hostRows } from '../../../runner/train/device-rows.ts';
import { fitsTensor, heldRows } from '../../../runner/train/held-rows.ts';
import { fileRows, memoryRows, type RowStore } from '../../../runner/train/row-store.ts';
import { ShuffleBuffer, type ShuffleState } from '../../../runner/train/shuffle-buffer.ts';

const d = 2;
const HOOKS = ['L0', 'L3'];
/** Rows beside the buffer: of a pass, of what waits, and of a batch. */
const BESIDE = 30;
const start = random('buffer').state();
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'interpboard-buffer-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A pass of tokens first..first + count − 1 at two hooks, each row [token, ±token]. */
function pass(first: number, count: number): Map<string, Float32Array> {
  const rows = (sign: number): Float32Array =>
    Float32Array.from(
      { length: count * d },
      (_, i) => (i % d === 0 ? 1 : sign) * (first + Math.floor(i / d)),
    );
  return new Map([
    ['L0', rows(1)],
    ['L3', rows(-1)],
  ]);
}

const all = (count: number): Int32Array => Int32Array.from({ length: count }, (_, t) => t);

/** A buffer of rows at both hooks. */
function buffer(
  capacity: number,
  open: (hook: string, rows: number) => RowStore<HeldTensor> | RowStore,
  random = start,
) {
  const shuffle = new ShuffleBuffer(capacity, BESIDE, random);
  const stores = new Map(HOOKS.map((hook) => [hook, open(hook, capacity + BESIDE) as RowStore]));
  return {
    async push(first: number, count: number, kept: ArrayLike<number> = all(count)): Promise<void> {
      const activations = pass(first, count);
      const rows = shuffle.push(kept.length);
      for (const [hook, store] of stores) await store.put(activations.get(hook)!, kept, rows);
    },
    /** Tokens in the order they come out; checks that hooks stay side by side. */
    async take(count: number): Promise<number[] | null> {
      const rows = shuffle.take(count);
      if (rows === null) return null;
      const [a, b] = (await Promise.all(
        HOOKS.map(async (hook) => hostRows(await stores.get(hook)!.take(rows))),
      )) as [Float32Array, Float32Array];
      return Array.from({ length: count }, (_, t) => {
        const [x, y, other, minus] = [a[t * d]!, a[t * d + 1]!, b[t * d]!, b[t * d + 1]!];
        expect([y, other, minus]).toEqual([x, x, -x]);
        return x;
      });
    },
    state: () => shuffle.state(),
    contents: () => Promise.all([...stores.values()].map((store) => store.read(shuffle.rows()))),
    async restore(state: ShuffleState, contents: readonly Float32Array[]): Promise<void> {
      const rows = shuffle.restore(state);
      for (const [i, store] of [...stores.values()].entries())
        await store.put(contents[i]!, all(rows.length), rows);
    },
    async close(): Promise<void> {
      for (const store of stores.values()) await store.close();
    },
  };
}

/** Six passes of ten tokens, batches of eight taken whenever there are so many. */
async function run(into: ReturnType<typeof buffer>, from = 0, to = 6): Promise<number[]> {
  const out: number[] = [];
  for (let i = from; i < to; i++) {
    await into.push(10 * i, 10);
    for (let batch = await into.take(8); batch !== null; batch = await into.take(8)) out.push(...batch);
  }
  return out;
}

/** What comes out first of this seed: another order would be another SAE. */
const FIRST = [13, 14, 4, 0, 11, 16, 15, 8, 22, 17, 20, 18, 1, 25, 5, 12];

describe.each([
  ['memory', (_: string, rows: number) => memoryRows(rows, d)],
  ['a file', (hook: string) => fileRows(join(folder, `rows-${hook}`), d)],
  ['a device', (_: string, rows: number) => heldRows(rows, d, { device: 'cpu', threads: 1 }, 4)],
] as const)('in %s', (_, open) => {
  it('gives every token once, in another order, across passes', async () => {
    const into = buffer(16, open);
    const out = await run(into);
    await into.close();
    // 60 tokens in, 16 held back, whole batches of 8 taken.
    expect(out).toHaveLength(40);
    expect(new Set(out).size).toBe(40);
    expect(out).not.toEqual([...out].sort((a, b) => a - b));
    // Tokens of one pass do not stay together.
    expect(new Set(out.slice(0, 8).map((token) => Math.floor(token / 10))).size).toBeGreaterThan(1);
    expect(out.slice(0, FIRST.length)).toEqual(FIRST);
  });

  it('goes on from its state and contents as if nothing had happened', async () => {
    const whole = buffer(16, open);
    const expected = await run(whole);
    await whole.close();
    for (const cut of [1, 2, 4]) {
      const first = buffer(16, open);
      const before = await run(first, 0, cut);
      const state = first.state();
      const contents = await first.contents();
      await first.close();
      const second = buffer(16, open, state.random);
      await second.restore(state, contents);
      expect([...before, ...(await run(second, cut))], `cut after ${cut}`).toEqual(expected);
      await second.close();
    }
  });
});

test('without capacity tokens pass in order, those kept alone', async () => {
  const into = buffer(0, (_, rows) => memoryRows(rows, d));
  await into.push(0, 4, [1, 3]);
  await into.push(4, 4);
  expect(await into.take(5)).toEqual([1, 3, 4, 5, 6]);
  expect(await into.take(2)).toBeNull();
  expect(await into.take(1)).toEqual([7]);
});

test('of a device a tensor has the numbers that its operators count', () => {
  expect(fitsTensor(2 ** 20, 2_047, 'cuda:0')).toBe(true);
  expect(fitsTensor(2 ** 20, 2_048, 'cuda:0')).toBe(false);
  expect(fitsTensor(2 ** 18, 1_024, 'webgpu')).toBe(true);
  expect(fitsTensor(2 ** 18, 1_025, 'webgpu')).toBe(false);
});

test('a file goes with its store, and one that cannot be made is said', async () => {
  const store = fileRows(join(folder, 'gone', 'rows'), d);
  await store.put(Float32Array.of(1, 2), [0], Int32Array.of(3));
  expect(await readdir(join(folder, 'gone'))).toEqual(['rows']);
  await store.close();
  expect(await readdir(join(folder, 'gone'))).toEqual([]);
  await writeFile(join(folder, 'file'), '');
  expect(() => fileRows(join(folder, 'file', 'rows'), d)).toThrow(UnavailableError);
});
