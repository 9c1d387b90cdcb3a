import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { resolveRun } from '../../../runner/config/resolve.ts';
import { MalformedError } from '../../../runner/errors.ts';
import { openTrainingTokens, type TokensState } from '../../../runner/job/training-tokens.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'training-tokens-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** Opens the stream with a buffer as a checkpoint claims it, whose file has so many rows. */
async function restore(buffer: { filled: number; waiting: number }, rows: number | null): Promise<void> {
  // A mebibyte of one hook's rows of 4 numbers: 65,536 tokens.
  const d = 4;
  const config = await resolveRun(['small-world-quick'], {
    set: ['layers=[0]', 'training.shuffle.megabytes=1'],
  });
  const file = join(folder, `rows-${rows}.f32`);
  if (rows !== null) await writeFile(file, Buffer.alloc(4 * d * rows));
  const state: TokensState = {
    medians: [[0, 1]],
    counts: { dropped: 0, capped: 0 },
    buffer: { ...buffer, random: [1, 2, 3, 4] },
  };
  const contents = new Map(rows === null ? [] : [['shuffle_L0.f32', file]]);
  const source = {
    next: async (): Promise<never> => {
      throw new Error('not asked for');
    },
    close: async () => undefined,
  };
  const tokens = openTrainingTokens(
    { config, folder, d, layers: [0], source },
    { state, contents, position: undefined },
  );
  expect(tokens.filled).toBe(buffer.filled / 65_536);
  tokens.close();
}

test('a buffer is restored that holds what its state says', async () => {
  await restore({ filled: 3, waiting: 2 }, 5);
  await restore({ filled: 0, waiting: 0 }, null);
});

test.each([
  ['more tokens than it has room for', { filled: 65_537, waiting: 0 }, 65_537, /65537 tokens.*at most 65536/],
  ['fewer rows than its state says', { filled: 3, waiting: 2 }, 4, /64 bytes of activations.*expected 80/],
  ['no rows', { filled: 3, waiting: 2 }, null, /0 bytes of activations/],
  // Nothing of that size is allocated before it is refused.
  ['rows beyond all memory', { filled: 0, waiting: 2 ** 50 }, 4, /64 bytes of activations/],
])('one with %s is refused in one line', async (_, buffer, rows, message) => {
  const failed = await restore(buffer, rows).catch((error: unknown) => error);
  expect(failed).toBeInstanceOf(MalformedError);
  expect(String(failed)).toMatch(message);
});
