/** Compares a language model with golden values written by the makers in test/fixtures/lm. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { readFloats, readSafetensors } from '../../../runner/formats/safetensors.ts';
import { withFile } from '../../../runner/io/byte-source.ts';
import type { Checkpoint } from '../../../runner/lm/checkpoint.ts';
import { familyOf } from '../../../runner/lm/families/index.ts';
import { type LanguageModel, openLanguageModel, type TokenBatch } from '../../../runner/lm/language-model.ts';

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

/** From here on a float32 steps by 6e-5 and more: such values are held to the bound relative to this. */
const COARSE = 512;

/** Largest difference and largest magnitude seen, over everything compared. */
class Difference {
  max = 0;
  scale = 0;

  add(found: number, expected: number): void {
    this.max = Math.max(this.max, Math.abs(found - expected) / Math.max(1, Math.abs(expected) / COARSE));
    this.scale = Math.max(this.scale, Math.abs(expected));
    if (Number.isNaN(found)) this.max = Number.NaN;
  }
}

export type Differences = Record<'residual' | 'logits' | 'nll', Difference>;

/** The model cut after every block. */
export function openEverywhere(checkpoint: Checkpoint): Promise<LanguageModel> {
  const { blocks } = familyOf(checkpoint);
  return openLanguageModel(checkpoint, { hooks: Array.from({ length: blocks }, (_, i) => i), logits: true });
}

/** Every case of `<golden>.json`: residuals at every hook, logits from the first and last hook, losses. */
export async function compareWithGolden(model: LanguageModel, golden: string): Promise<Differences> {
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
            // Where there is no next token the loss is 0 exactly.
            const value = nll[row * tokens + token]!;
            if (counted) differences.nll.add(value, expected[place++]!);
            else if (value !== 0) throw new Error(`${each.name}: loss ${value} where there is no next token`);
          }
        }
      }
    }
  });
  return differences;
}
