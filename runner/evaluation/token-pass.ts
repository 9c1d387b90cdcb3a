/**
 * One pass over the evaluation tokens: every row goes through the language model once, and what it leaves behind are
 * the sufficient statistics of every SAE at every hook. Clean and zero-ablated losses do not depend on an SAE and
 * are taken once a hook; the mean-ablated loss follows when the mean is known.
 */

import { type LanguageModel, lossCount, type TokenBatch } from '../lm/language-model.ts';
import { type HookTables, hookStatistics } from '../metrics/hook-statistics.ts';
import type { LossTable } from '../metrics/loss-recovered.ts';
import { type Reporter, Stopped } from '../reporter.ts';
import type { OpenSae } from '../sae/open-sae.ts';

/** The SAEs at one hook, in the order of their statistics. */
export interface HookSaes {
  layer: number;
  saes: readonly OpenSae[];
}

export interface HookMeasured {
  layer: number;
  tables: HookTables;
  /** One table an SAE. */
  losses: LossTable[];
}

/** Sums of cross entropy and counts of predictions, one a row. */
class RowLosses {
  readonly sums: number[] = [];

  add(losses: Float32Array, batch: TokenBatch): void {
    for (let row = 0; row < batch.rows; row++) {
      let sum = 0;
      const start = row * batch.tokens;
      for (let i = start; i < start + lossCount(batch, row); i++) sum += losses[i]!;
      this.sums.push(sum);
    }
  }

  column(): Float64Array {
    return Float64Array.from(this.sums);
  }
}

/**
 * @param hooks one entry a hook of the model, ascending
 * @param batches full rows (no padding): packed evaluation text
 * @throws Stopped when the user asked to stop
 */
export async function tokenPass(
  model: LanguageModel,
  hooks: readonly HookSaes[],
  batches: readonly TokenBatch[],
  reporter: Reporter,
): Promise<HookMeasured[]> {
  const d = model.dModel;
  const predictions: number[] = [];
  const clean = new RowLosses();
  const state = hooks.map(({ saes }) => ({
    statistics: hookStatistics(
      d,
      saes.map((sae) => sae.d_sae),
    ),
    sae: saes.map(() => new RowLosses()),
  }));
  const total = batches.reduce((sum, batch) => sum + batch.rows * batch.tokens, 0);
  let done = 0;
  for (const [pass, batch] of batches.entries()) {
    if (reporter.stopRequested()) throw new Stopped();
    const residuals = await model.residuals(batch);
    const last = residuals.length - 1;
    clean.add(await model.losses(last, residuals[last]!, batch), batch);
    for (let row = 0; row < batch.rows; row++) predictions.push(lossCount(batch, row));
    for (const [hook, { saes }] of hooks.entries()) {
      const x = residuals[hook]!;
      const { statistics, sae: saeLosses } = state[hook]!;
      const views = [];
      for (const [i, sae] of saes.entries()) {
        const view = await sae.reconstruct(x, batch.rows * batch.tokens);
        saeLosses[i]!.add(await model.losses(hook, view.reconstruction, batch), batch);
        views.push(view);
      }
      for (let row = 0; row < batch.rows; row++) {
        const [from, to] = [row * batch.tokens, (row + 1) * batch.tokens];
        statistics.add(
          { x: x.subarray(from * d, to * d), tokens: batch.tokens, pass },
          views.map(({ reconstruction, indices, values, k }) => ({
            reconstruction: reconstruction.subarray(from * d, to * d),
            latents: {
              k,
              indices: indices.subarray(from * k, to * k),
              values: values.subarray(from * k, to * k),
            },
          })),
        );
      }
    }
    done += batch.rows * batch.tokens;
    reporter.progress(done, total);
  }
  const tables = state.map(({ statistics }) => statistics.tables());
  const ablated = await ablations(model, tables, batches);
  return hooks.map(({ layer, saes }, hook) => {
    const { sae } = state[hook]!;
    const { zero, mean } = ablated[hook]!;
    return {
      layer,
      tables: tables[hook]!,
      losses: saes.map((_, i) => ({
        predictions: Float64Array.from(predictions),
        clean: clean.column(),
        sae: sae[i]!.column(),
        zero,
        mean,
      })),
    };
  });
}

/**
 * Losses with the residual of each hook set to zero, and to its mean over all evaluation tokens. Neither depends on
 * an SAE nor on the text before the hook.
 */
async function ablations(
  model: LanguageModel,
  tables: readonly HookTables[],
  batches: readonly TokenBatch[],
): Promise<{ zero: Float64Array; mean: Float64Array }[]> {
  const found = [];
  for (const [hook, { activations }] of tables.entries()) {
    const mean = new Float64Array(activations.width);
    const count = activations.tokens.reduce((sum, tokens) => sum + tokens, 0);
    activations.sums.forEach((value, i) => {
      mean[i % activations.width]! += value / count;
    });
    const sums = async (vector: Float32Array): Promise<Float64Array> => {
      const losses = await model.lossesOfConstant(hook, vector, batches);
      const rows = new RowLosses();
      for (const [i, batch] of batches.entries()) rows.add(losses[i]!, batch);
      return rows.column();
    };
    found.push({
      zero: await sums(new Float32Array(activations.width)),
      mean: await sums(Float32Array.from(mean)),
    });
  }
  return found;
}
