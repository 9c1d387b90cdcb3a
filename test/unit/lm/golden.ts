/** Compares a language model with golden values written by the makers in test/fixtures/lm. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { readFloats, readSafetensors } from '../../../runner/formats/safetensors.ts';
import { withFile } from '../../../runner/io/byte-source.ts';
import type { Checkpoint } from '../../../runner/lm/checkpoint.ts';
import { familyOf } from '../../../runner/lm/families/index.ts';
import type { LanguageModel, TokenBatch } from '../../../runner/lm/language-model.ts';
import type { LanguageModelOptions } from '../../../runner/lm/language-model-options.ts';
import { openLanguageModel } from '../../../runner/lm/open-language-model.ts';

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
      spread: z.object({
        residual: z.array(z.number()),
        logits: z.number(),
        nll: z.number().optional(),
      }),
    }),
  ),
});

/**
 * Spreads that a float32 program may be away from the original run in float64. A spread is what the original's own
 * float32 run is away, at its worst; another order of the same sums draws its roundings anew. A sum kept in one
 * register instead of eight or sixteen rounds √8 to √16 times as far, and a kernel without fused products twice as often
 * in each step. It is a bound on roundings, whatever the values' magnitude: a wrong rule is hundreds of spreads away.
 */
export const SPREADS = 6;

/** Half of the step between float32 numbers, relative to them: what rounding one of them may change. */
export const HALF_STEP = 2 ** -24;

/** Largest difference seen, over everything compared: as it is, and in spreads. */
class Difference {
  max = 0;
  spreads = 0;
  scale = 0;

  /** @param spread of the tensor; golden values are rounded to float32 besides, which is half a step of theirs */
  add(found: number, expected: number, spread: number): void {
    const away = Math.abs(found - expected);
    this.max = Number.isNaN(away) ? Number.NaN : Math.max(this.max, away);
    this.spreads = Math.max(this.spreads, away / (spread + Math.abs(expected) * HALF_STEP));
    this.scale = Math.max(this.scale, Math.abs(expected));
  }

  toString(): string {
    return `${this.max.toExponential(1)} of ${this.scale.toFixed(1)} (${this.spreads.toFixed(2)} spreads)`;
  }
}

export type Differences = Record<'residual' | 'logits' | 'nll', Difference>;

/** The model cut after every block. */
export function openEverywhere(
  checkpoint: Checkpoint,
  options: Omit<LanguageModelOptions, 'hooks' | 'logits'> = {},
): Promise<LanguageModel> {
  const hooks = Array.from({ length: familyOf(checkpoint).blocks }, (_, i) => i);
  return openLanguageModel(checkpoint, { ...options, hooks, logits: true });
}

/** The worst of several, in spreads; NaN where a value is. */
export function worst(differences: Differences): number {
  return Math.max(...Object.values(differences).map(({ spreads }) => spreads));
}

/** The largest spread of residuals and of losses in `<golden>.json`. */
export function spreadsOf(golden: string): { residual: number; nll: number } {
  const { cases } = goldenSchema.parse(JSON.parse(readFileSync(`${golden}.json`, 'utf8')));
  return {
    residual: Math.max(...cases.flatMap(({ spread }) => spread.residual)),
    nll: Math.max(...cases.map(({ spread }) => spread.nll ?? 0)),
  };
}

/** What travels over each cut, of a model cut after every block: all of it, so that the rest of the model goes on from it. */
export async function cutsOf(model: LanguageModel, batch: TokenBatch): Promise<Float32Array[]> {
  const cuts: Float32Array[] = [];
  for (let segment = 0; segment < model.widths.length; segment++)
    cuts.push(await model.advance(segment, cuts.at(-1) ?? null, batch));
  return cuts;
}

/** The residual after the last block, from what travels over a cut. */
export async function onFrom(
  model: LanguageModel,
  cut: number,
  given: Float32Array,
  batch: TokenBatch,
): Promise<Float32Array> {
  let x = given;
  for (let segment = cut + 1; segment < model.widths.length; segment++)
    x = await model.advance(segment, x, batch);
  return x;
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
      const cuts = await cutsOf(model, batch);
      const width = model.dModel;
      const expectedResidual = await readFloats(source, file, each.residual);
      residuals.forEach((residual, block) => {
        each.residualAt.forEach(([row, token], position) => {
          for (let i = 0; i < width; i++) {
            differences.residual.add(
              residual[(row * tokens + token) * width + i]!,
              expectedResidual[(block * each.residualAt.length + position) * width + i]!,
              each.spread.residual[block]!,
            );
          }
        });
      });
      // Logits both from the last hook and from the first: the chain of segments gives the same.
      for (const hook of [0, residuals.length - 1]) {
        const last = residuals.length - 1;
        const logits = await model.logits(last, await onFrom(model, hook, cuts[hook]!, batch), batch);
        const expectedLogits = await readFloats(source, file, each.logits);
        each.logitsAt.forEach(([row, token], position) => {
          for (let i = 0; i < model.vocabulary; i++) {
            differences.logits.add(
              logits[(row * tokens + token) * model.vocabulary + i]!,
              expectedLogits[position * model.vocabulary + i]!,
              each.spread.logits,
            );
          }
        });
      }
      if (each.nll !== undefined) {
        const final = await onFrom(model, 0, cuts[0]!, batch);
        const nll = await model.losses(residuals.length - 1, final, batch);
        const expected = await readFloats(source, file, each.nll);
        let place = 0;
        for (let row = 0; row < rows; row++) {
          for (let token = 0; token < tokens; token++) {
            const counted = token < lengths[row]! - 1;
            // Where there is no next token the loss is 0 exactly.
            const value = nll[row * tokens + token]!;
            if (counted) differences.nll.add(value, expected[place++]!, each.spread.nll!);
            else if (value !== 0) throw new Error(`${each.name}: loss ${value} where there is no next token`);
          }
        }
      }
    }
  });
  return differences;
}
