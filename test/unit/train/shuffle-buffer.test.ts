import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { UnavailableError } from '../../../runner/errors.ts';
import { random } from '../../../runner/math/random.ts';
import { fileRows, memoryRows, type RowStore } from '../../../runner/train/row-store.ts';
import { ShuffleBuffer } from '../../../runner/train/shuffle-buffer.ts';

const d = 2;
const HOOKS = ['L0', 'L3'];
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

const all = (count: number): Uint32Array => Uint32Array.from({ length: count }, (_, t) => t);

function buffer(capacity: number, open: (hook: string) => RowStore): ShuffleBuffer {
  return new ShuffleBuffer(capacity, new Map(HOOKS.map((hook) => [hook, open(hook)])), start);
}

/** Tokens in the order they come out; checks that hooks stay side by side. */
function tokensOf(taken: Map<string, Float32Array> | null): number[] {
  if (taken === null) return [];
  const [a, b] = [taken.get('L0')!, taken.get('L3')!];
  const tokens: number[] = [];
  for (let i = 0; i < a.length; i += d) {
    expect([a[i], a[i + 1], b[i], b[i + 1]]).toEqual([a[i], a[i], a[i], -a[i]!]);
    tokens.push(a[i]!);
  }
  return tokens;
}

/** Six passes of ten tokens, batches of eight taken whenever there are so many. */
function run(into: ShuffleBuffer, from = 0, to = 6): number[] {
  const out: number[] = [];
  for (let i = from; i < to; i++) {
    into.push(pass(10 * i, 10), all(10));
    for (let batch = into.take(8); batch !== null; batch = into.take(8)) out.push(...tokensOf(batch));
  }
  return out;
}

describe.each([
  ['memory', () => memoryRows(16, d)],
  ['a file', (hook: string) => fileRows(join(folder, `rows-${hook}`), d)],
] as const)('in %s', (_, open) => {
  it('gives every token once, in another order, across passes', () => {
    const into = buffer(16, open);
    const out = run(into);
    into.close();
    // 60 tokens in, 16 held back, whole batches of 8 taken.
    expect(out).toHaveLength(40);
    expect(new Set(out).size).toBe(40);
    expect(out).not.toEqual([...out].sort((a, b) => a - b));
    // Tokens of one pass do not stay together.
    expect(new Set(out.slice(0, 8).map((token) => Math.floor(token / 10))).size).toBeGreaterThan(1);
  });

  it('goes on from its state and contents as if nothing had happened', () => {
    const whole = buffer(16, open);
    const expected = run(whole);
    whole.close();
    for (const cut of [1, 2, 4]) {
      const first = buffer(16, open);
      const before = run(first, 0, cut);
      const state = first.state();
      const contents = new Map(
        HOOKS.map((hook) => {
          const bytes = Buffer.concat([...first.contents(hook)].map((part) => Buffer.from(part)));
          const rows = new Float32Array(Uint8Array.from(bytes).buffer);
          return [hook, Array.from({ length: rows.length / d }, (_, t) => rows.subarray(t * d, (t + 1) * d))];
        }),
      );
      first.close();
      const stores = new Map(HOOKS.map((hook) => [hook, open(hook)]));
      const second = new ShuffleBuffer(16, stores, state.random);
      second.restore(state, contents);
      expect([...before, ...run(second, cut)], `cut after ${cut}`).toEqual(expected);
      second.close();
    }
  });
});

test('without capacity tokens pass in order, those kept alone', () => {
  const into = buffer(0, () => memoryRows(0, d));
  into.push(pass(0, 4), Uint32Array.of(1, 3));
  into.push(pass(4, 4), all(4));
  expect(tokensOf(into.take(5))).toEqual([1, 3, 4, 5, 6]);
  expect(into.take(2)).toBeNull();
  expect(tokensOf(into.take(1))).toEqual([7]);
});

test('a file goes with its store, and one that cannot be made is said', async () => {
  const store = fileRows(join(folder, 'gone', 'rows'), d);
  store.write(3, Float32Array.of(1, 2));
  expect(await readdir(join(folder, 'gone'))).toEqual(['rows']);
  store.close();
  expect(await readdir(join(folder, 'gone'))).toEqual([]);
  await writeFile(join(folder, 'file'), '');
  expect(() => fileRows(join(folder, 'file', 'rows'), d)).toThrow(UnavailableError);
});
