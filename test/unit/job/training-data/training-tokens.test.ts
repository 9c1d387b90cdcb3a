import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { resolveRun } from '../../../../runner/config/resolve.ts';
import { MalformedError } from '../../../../runner/errors.ts';
import type { ActivationSource } from '../../../../runner/job/training-data/activations.ts';
import {
  openTrainingTokens,
  type TokensState,
} from '../../../../runner/job/training-data/training-tokens.ts';
import type { PackingPosition } from '../../../../runner/text/packing.ts';

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
  const tokens = await openTrainingTokens(
    { config, folder, widths: new Map([['L0', d]]), hooks: ['L0'], source },
    { state, contents, position: undefined },
  );
  expect(tokens.filled).toBe(buffer.filled / 65_536);
  await tokens.close();
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

describe('the stream', () => {
  const D = 4;
  const HOOKS = ['L0', 'L2'];

  /** Passes of a batch, every number of a token its number in the stream. */
  async function opened(...set: string[]) {
    const config = await resolveRun(['small-world-quick'], { set: ['layers=[0,2]', ...set] });
    const { batchTokens } = config.sae;
    let passes = 0;
    const source: ActivationSource = {
      async next() {
        const from = batchTokens * passes++;
        const x = (): Float32Array =>
          Float32Array.from({ length: D * batchTokens }, (_, i) => from + Math.floor(i / D));
        const mixture = { random: [1, 2, 3, 4] as const, rows: {}, texts: 0, skipped: 0, withheld: 0 };
        const position = { mixture, carried: [], rows: 0 } as unknown as PackingPosition;
        return { activations: new Map(HOOKS.map((hook) => [hook, x()])), position };
      },
      close: async () => undefined,
    };
    const samples = new Map(HOOKS.map((hook) => [hook, new Float32Array(D * 8).fill(1)]));
    return openTrainingTokens(
      { config, folder, widths: new Map(HOOKS.map((hook) => [hook, D])), hooks: HOOKS, source },
      { samples },
    );
  }

  test('counts what the policy leaves out', async () => {
    const tokens = await opened('training.policy.dropFirst=3');
    expect(await tokens.next()).toBeNull();
    // Eight rows of 128 tokens a pass.
    expect(tokens.counts).toEqual({ dropped: 24, capped: 0 });
    const batch = await tokens.next();
    expect(tokens.counts.dropped).toBe(48);
    expect((batch!.get('L0') as Float32Array)[0]).toBe(3);
    await tokens.close();
  });

  test('fills a buffer that all hooks share, before it gives anything', async () => {
    const tokens = await opened('training.shuffle.megabytes=1');
    expect(await tokens.next()).toBeNull();
    // A mebibyte of two hooks' rows of four float32 numbers holds 32,768 tokens.
    expect(tokens.filled).toBe(1024 / 32_768);
    await tokens.close();
  });

  test('is shuffled by the seed of the text, not by that of an SAE', async () => {
    const stateOf = async (...set: string[]) => {
      const tokens = await opened('training.shuffle.megabytes=1', ...set);
      await tokens.close();
      return tokens.state().buffer.random;
    };
    expect(await stateOf('sae.seed=9')).toEqual(await stateOf());
    expect(await stateOf('corpus.trainSeed=9')).not.toEqual(await stateOf());
  });
});
