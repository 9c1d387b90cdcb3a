import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { demoModelFolder } from '../../../runner/demo/index.ts';
import { openCheckpoint } from '../../../runner/lm/checkpoint.ts';
import type { LanguageModel, TokenBatch } from '../../../runner/lm/language-model.ts';
import { compareWithGolden, openEverywhere, SPREADS, spreadsOf, worst } from './golden.ts';

const fixtures = fileURLToPath(new URL('../../fixtures/lm/', import.meta.url));

const open = async (folder: string): Promise<LanguageModel> => openEverywhere(await openCheckpoint(folder));

describe('qwen3 equals transformers', () => {
  const cases = [
    { name: 'tiny-f32', folder: `${fixtures}tiny-f32`, golden: `${fixtures}tiny-f32/golden` },
    { name: 'tiny-bf16', folder: `${fixtures}tiny-bf16`, golden: `${fixtures}tiny-bf16/golden` },
    { name: 'tiny-f16-tied', folder: `${fixtures}tiny-f16-tied`, golden: `${fixtures}tiny-f16-tied/golden` },
    { name: 'small-world', folder: demoModelFolder, golden: `${fixtures}demo/golden` },
  ];
  it.each(cases)('$name: residuals at every block, logits and losses', async ({ name, folder, golden }) => {
    const model = await open(folder);
    const differences = await compareWithGolden(model, golden);
    await model.close();
    for (const [what, difference] of Object.entries(differences))
      console.log(`${name} ${what}: ${difference}`);
    expect(worst(differences)).toBeLessThanOrEqual(SPREADS);
  });
});

/** Two values of one thing are each within the bound of its true value. */
const spreads = spreadsOf(`${fixtures}tiny-f32/golden`);

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
    expect(max).toBeLessThanOrEqual(2 * SPREADS * spreads.residual);
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
        expect(Math.abs(fast[i]![at]! - loss)).toBeLessThanOrEqual(2 * SPREADS * spreads.nll);
      });
      expect(slow.some((loss) => loss > 0)).toBe(true);
    }
    await model.close();
  });
});
