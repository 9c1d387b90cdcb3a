import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { demoModelFolder } from '../../../runner/demo/index.ts';
import { readFloats, readSafetensors } from '../../../runner/formats/safetensors.ts';
import { withFile } from '../../../runner/io/byte-source.ts';
import { openCheckpoint } from '../../../runner/lm/checkpoint.ts';
import { type LanguageModel, openLanguageModel, type TokenBatch } from '../../../runner/lm/language-model.ts';

const fixtures = fileURLToPath(new URL('../../fixtures/lm/', import.meta.url));

const goldenSchema = z.object({
  program: z.string(),
  cases: z.array(
    z.object({
      name: z.string(),
      ids: z.array(z.array(z.int())),
      mask: z.array(z.array(z.int())),
      residualAt: z.array(z.tuple([z.int(), z.int()])),
      logitsAt: z.array(z.tuple([z.int(), z.int()])),
      residual: z.string(),
      logits: z.string(),
      nll: z.string().optional(),
    }),
  ),
});

/** Largest difference and largest magnitude seen, over everything compared. */
class Difference {
  max = 0;
  scale = 0;

  add(found: number, expected: number): void {
    this.max = Math.max(this.max, Math.abs(found - expected));
    this.scale = Math.max(this.scale, Math.abs(expected));
    if (Number.isNaN(found)) this.max = Number.NaN;
  }
}

/** Compares every case of a golden file with the model cut after every block. */
async function compare(
  model: LanguageModel,
  golden: string,
): Promise<Record<'residual' | 'logits' | 'nll', Difference>> {
  const { cases } = goldenSchema.parse(JSON.parse(readFileSync(`${golden}.json`, 'utf8')));
  const differences = { residual: new Difference(), logits: new Difference(), nll: new Difference() };
  await withFile(`${golden}.safetensors`, async (source) => {
    const file = await readSafetensors(source);
    for (const each of cases) {
      const rows = each.ids.length;
      const tokens = each.ids[0]!.length;
      const lengths = Int32Array.from(each.mask, (row) => row.reduce((sum, real) => sum + real, 0));
      const batch: TokenBatch = { ids: Int32Array.from(each.ids.flat()), rows, tokens, lengths };
      const residuals = await model.residuals(batch);
      const width = model.dModel;
      const expectedResidual = await readFloats(source, file, each.residual);
      residuals.forEach((residual, block) => {
        each.residualAt.forEach(([row, token], position) => {
          for (let i = 0; i < width; i++) {
            differences.residual.add(
              residual[(row * tokens + token) * width + i]!,
              expectedResidual[(block * each.residualAt.length + position) * width + i]!,
            );
          }
        });
      });
      // Logits both from the last hook and from the first: the chain of segments gives the same.
      for (const hook of [0, residuals.length - 1]) {
        const logits = await model.logits(hook, residuals[hook]!, batch);
        const expectedLogits = await readFloats(source, file, each.logits);
        each.logitsAt.forEach(([row, token], position) => {
          for (let i = 0; i < model.vocabulary; i++) {
            differences.logits.add(
              logits[(row * tokens + token) * model.vocabulary + i]!,
              expectedLogits[position * model.vocabulary + i]!,
            );
          }
        });
      }
      if (each.nll !== undefined) {
        const nll = await model.losses(0, residuals[0]!, batch);
        const expected = await readFloats(source, file, each.nll);
        let place = 0;
        for (let row = 0; row < rows; row++) {
          for (let token = 0; token < tokens; token++) {
            const counted = token < lengths[row]! - 1;
            if (!counted) expect(nll[row * tokens + token]).toBe(0);
            else differences.nll.add(nll[row * tokens + token]!, expected[place++]!);
          }
        }
      }
    }
  });
  return differences;
}

async function open(folder: string): Promise<LanguageModel> {
  const checkpoint = await openCheckpoint(folder);
  const blocks = z.int().parse(checkpoint.config.num_hidden_layers);
  return openLanguageModel(checkpoint, { hooks: Array.from({ length: blocks }, (_, i) => i), logits: true });
}

describe('qwen3 equals transformers', () => {
  const cases = [
    { name: 'tiny-f32', folder: `${fixtures}tiny-f32`, golden: `${fixtures}tiny-f32/golden` },
    { name: 'tiny-bf16', folder: `${fixtures}tiny-bf16`, golden: `${fixtures}tiny-bf16/golden` },
    { name: 'tiny-f16-tied', folder: `${fixtures}tiny-f16-tied`, golden: `${fixtures}tiny-f16-tied/golden` },
    { name: 'small-world', folder: demoModelFolder, golden: `${fixtures}demo/golden` },
  ];
  it.each(cases)(
    '$name: residuals at every block, logits and losses within 1e-4',
    async ({ name, folder, golden }) => {
      const model = await open(folder);
      const differences = await compare(model, golden);
      for (const [what, { max, scale }] of Object.entries(differences)) {
        console.log(
          `${name} ${what}: max difference ${max.toExponential(2)} (largest value ${scale.toFixed(2)})`,
        );
        expect(max).toBeLessThanOrEqual(1e-4);
      }
      await model.close();
    },
  );
});

describe('batches', () => {
  it('gives a padded row the values it has alone', async () => {
    const model = await open(`${fixtures}tiny-f32`);
    const short = [5, 17, 60, 2];
    const alone: TokenBatch = { ids: Int32Array.from(short), rows: 1, tokens: 4 };
    const ids = new Int32Array(18).fill(7);
    ids.set(short, 9);
    const padded: TokenBatch = { ids, rows: 2, tokens: 9, lengths: Int32Array.from([9, 4]) };
    const a = (await model.residuals(alone))[2]!;
    const b = (await model.residuals(padded))[2]!.subarray(9 * model.dModel);
    let max = 0;
    for (let i = 0; i < 4 * model.dModel; i++) max = Math.max(max, Math.abs(a[i]! - b[i]!));
    expect(max).toBeLessThan(1e-5);
    await model.close();
  });
});

describe('ablation by one vector', () => {
  it('gives every row of every batch the losses that replacing its residual gives', async () => {
    const model = await open(`${fixtures}tiny-f32`);
    const batch = (rows: number, seed: number): TokenBatch => ({
      ids: Int32Array.from({ length: rows * 9 }, (_, i) => (i * 37 + seed) % 101),
      rows,
      tokens: 9,
      ...(rows === 2 ? { lengths: Int32Array.of(9, 4) } : {}),
    });
    const batches = [batch(3, 5), batch(2, 71)];
    const vector = Float32Array.from({ length: model.dModel }, (_, i) => Math.sin(i));
    const fast = await model.lossesOfConstant(1, vector, batches);
    for (const [i, each] of batches.entries()) {
      const residual = new Float32Array(each.rows * each.tokens * model.dModel);
      for (let at = 0; at < residual.length; at += model.dModel) residual.set(vector, at);
      const slow = await model.losses(1, residual, each);
      slow.forEach((loss, at) => {
        expect(fast[i]![at]).toBeCloseTo(loss, 5);
      });
      expect(slow.some((loss) => loss > 0)).toBe(true);
    }
    await model.close();
  });
});
