/**
 * A small share of `npm run fuzz`, which runs many more, in processes with limits: whatever is in a file, its reader gives a
 * result or an error of ours in one line. What was found once is a test where its reader is tested.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Outcome, runCases } from '../../fuzz/cases.ts';
import { formats } from '../../fuzz/formats/index.ts';

const CASES = 60;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'interpboard-fuzz-'));
});
afterAll(() => rm(folder, { recursive: true }));

test.each(formats)('$name', async (format) => {
  const outcomes: Outcome[] = [];
  for await (const each of runCases(format, folder, { seed: 1, from: 0, to: CASES })) outcomes.push(each);
  expect(outcomes.filter(({ kind }) => kind === 'raw')).toEqual([]);
  const refused = outcomes.filter(({ kind }) => kind === 'refused').length;
  console.info(`${format.name}: ${CASES} files, ${refused} refused`);
  // Damage that hurts nothing, or everything alike, would show nothing.
  expect(refused).toBeGreaterThan(CASES / 4);
});

test('the same seed gives the same cases, another one others', async () => {
  const record = formats.find(({ name }) => name === 'record')!;
  const kinds = async (seed: number): Promise<string> => {
    const found: string[] = [];
    for await (const { kind } of runCases(record, folder, { seed, from: 0, to: 40 })) found.push(kind);
    return found.join(' ');
  };
  const [first, again, other] = [await kinds(1), await kinds(1), await kinds(2)];
  expect(again).toBe(first);
  expect(other).not.toBe(first);
});

test('an error that is not ours is a finding, and so is a message of many lines', async () => {
  const throwing = (error: Error) => ({ name: 'x', prepare: async () => async () => Promise.reject(error) });
  const { MalformedError } = await import('../../../runner/errors.ts');
  const ours = (found: string) => new MalformedError({ thing: found, found, expected: 'b', next: 'c' });
  for (const [error, kind] of [
    [new TypeError('x'), 'raw'],
    [ours('x'.repeat(5000)), 'raw'],
    [ours('two\nlines'), 'refused'],
  ] as const) {
    for await (const outcome of runCases(throwing(error), folder, { seed: 1, from: 0, to: 1 }))
      expect(outcome.kind).toBe(kind);
  }
});
