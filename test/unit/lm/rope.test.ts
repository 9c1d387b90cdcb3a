import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { readRotary, ropeSettings } from '../../../runner/lm/families/rope.ts';

const goldenSchema = z.array(
  z.object({
    headSize: z.int(),
    contextLength: z.int(),
    rope: ropeSettings,
    factor: z.number(),
    frequencies: z.array(z.number()),
    long: z.array(z.number()).nullable(),
  }),
);
const golden = goldenSchema.parse(
  JSON.parse(readFileSync(new URL('../../fixtures/lm/rope.json', import.meta.url), 'utf8')),
);

/** Relative: a few units in the last place of float32, which the ramp of yarn adds up. */
function expectClose(found: Float32Array | undefined, expected: readonly number[] | null): void {
  expect(found?.length).toBe(expected?.length);
  expected?.forEach((value, i) => {
    expect(Math.abs(found![i]! / value - 1)).toBeLessThan(1e-6);
  });
}

describe('rotary frequencies equal those of transformers', () => {
  const checkpoint = {
    folder: 'model',
    config: {},
    tensors: new Map(),
    files: [],
    weightsFolder: '',
    notes: [],
  };
  it.each(golden.map((each) => [each.rope.rope_type, JSON.stringify(each.rope).slice(0, 90), each] as const))(
    '%s %s',
    (_kind, _text, { rope, factor, frequencies, long, ...sizes }) => {
      const rotary = readRotary(checkpoint, { rope_parameters: rope }, sizes, { partial: 1 });
      expectClose(rotary.frequencies, frequencies);
      expect(rotary.factor).toBeCloseTo(factor, 10);
      if (long !== null) {
        expectClose(rotary.long?.frequencies, long);
        expect(rotary.long?.above).toBe(rope.original_max_position_embeddings);
      }
    },
  );
});
