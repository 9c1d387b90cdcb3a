import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { readFloats, readSafetensors } from '../../../runner/formats/safetensors.ts';
import { withFile } from '../../../runner/io/byte-source.ts';
import { openCheckpoint } from '../../../runner/lm/checkpoint.ts';
import { allKernels } from '../../../runner/onnx/kernels.ts';
import { cutsOf, openEverywhere } from './golden.ts';

const fixtures = fileURLToPath(new URL('../../fixtures/lm/', import.meta.url));
const golden = z
  .record(z.string(), z.object({ ids: z.array(z.int()), residual: z.array(z.number()), nll: z.number() }))
  .parse(JSON.parse(readFileSync(`${fixtures}bfloat16.json`, 'utf8')));

/** Tokens of which make_bfloat16.py keeps one. */
const EVERY = 4;

/**
 * How far two programs in bfloat16 may be apart, in distances of transformers' bfloat16 from float64: both round where the other
 * does not, so that √2 of them are to be expected. A wrong rule is tens away.
 */
const APART = 2;

const noKernels = { full: false, windowed: false, softCapped: false };

/** Of the middle token the length of the difference over that of the expected value. */
function middle(found: Float32Array, expected: Float32Array, width: number): number {
  const each = Array.from({ length: expected.length / width }, (_, token) => {
    let [away, size] = [0, 0];
    for (let i = token * width; i < (token + 1) * width; i++) {
      away += (found[i]! - expected[i]!) ** 2;
      size += expected[i]! ** 2;
    }
    return Math.sqrt(away / size);
  });
  return each.sort((a, b) => a - b)[Math.floor((each.length - 1) / 2)]!;
}

describe('in bfloat16, each operator computed in float32 and rounded, a family gives what transformers gives in bfloat16', () => {
  it.each(Object.keys(golden))('%s', async (name) => {
    const checkpoint = await openCheckpoint(`${fixtures}${name}`);
    const { ids, residual: spread, nll: nllSpread } = golden[name]!;
    const batch = { ids: Int32Array.from(ids), rows: 1, tokens: ids.length };
    const [residual, nll] = await withFile(`${fixtures}bfloat16.safetensors`, async (source) => {
      const file = await readSafetensors(source);
      return [
        await readFloats(source, file, `${name}.residual`),
        await readFloats(source, file, `${name}.nll`),
      ] as const;
    });
    for (const kernels of [allKernels, noKernels]) {
      const model = await openEverywhere(checkpoint, { kernels, precision: 'bfloat16' });
      const width = model.dModel;
      const kept = Math.ceil(ids.length / EVERY);
      const found = await model.residuals(batch);
      const apart = found.map((values, block) => {
        const some = new Float32Array(kept * width);
        for (let i = 0; i < kept; i++)
          some.set(values.subarray(i * EVERY * width, (i * EVERY + 1) * width), i * width);
        return (
          middle(some, residual.subarray(block * some.length, (block + 1) * some.length), width) /
          spread[block]!
        );
      });
      const cuts = await cutsOf(model, batch);
      const losses = await model.losses(found.length - 1, cuts.at(-1)!, batch);
      apart.push(middle(losses.subarray(0, ids.length - 1), nll, 1) / nllSpread);
      console.log(`${name}: ${apart.map((each) => each.toFixed(2)).join(', ')}`);
      // Rounded to 8 bits, residuals are numbers that bfloat16 has.
      for (const values of found) {
        const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
        expect(words.every((word) => (word & 0xffff) === 0)).toBe(true);
      }
      expect(Math.max(...apart)).toBeLessThanOrEqual(APART);
      // It was rounded: float32 is not what was compared.
      expect(Math.max(...apart)).toBeGreaterThan(0);
      await model.close();
    }
  });
});
