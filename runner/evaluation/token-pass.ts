/**
 * One pass over the evaluation tokens: every row goes through the language model once, and what it leaves behind are
 * the sufficient statistics of every SAE at every hook. Each SAE's reconstruction goes on from its hook as a branch.
 * Clean and zero-ablated losses do not depend on an SAE and are taken once per hook; the mean-ablated loss follows when
 * the mean is known.
 */

import { type Hook, indexOfHook } from '../hook.ts';
import { lossCount, type TokenBatch } from '../lm/language-model.ts';
import type { Branch, Observer } from '../lm/observer.ts';
import { meanOfTokens } from '../metrics/activations.ts';
import { type HookTables, hookStatistics } from '../metrics/hook-statistics.ts';
import type { LossTable } from '../metrics/loss-recovered.ts';
import type { KnownAblations } from './known-ablations.ts';
import { meanOf } from './mean-of.ts';
import { documentOf, documentsOf, type HookSaes, type Observation, onEachDevice } from './observation.ts';

export interface HookMeasured extends Hook {
  /** Document of each row, where the text says. */
  documents: readonly number[] | undefined;
  tables: HookTables;
  /** One table per SAE; null where the model has no losses. */
  losses: LossTable[] | null;
}

/** Sums of cross entropy and counts of predictions, one per row. */
class RowLosses {
  readonly sums: number[];

  constructor(sums: number[] = []) {
    this.sums = sums;
  }

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
 * @param hooks one entry per hook of the model, ascending
 * @param batches full rows (no padding), all of one width: packed evaluation text
 * @param controls observes the same batches, as `others` do
 * @param hasLosses false of a model that has none
 * @param known losses of ablations that need not be computed
 */
export function observeTokens(
  hooks: readonly HookSaes[],
  batches: readonly TokenBatch[],
  controls: Observer | null = null,
  others: readonly Observer[] = [],
  hasLosses = true,
  known?: KnownAblations,
): Observation<HookMeasured[]> {
  const predictions = batches.flatMap((batch) =>
    Array.from({ length: batch.rows }, (_, row) => lossCount(batch, row)),
  );
  const documents = documentsOf(batches);
  const clean = new RowLosses();
  /** Ablations are of a hook: an SAE and a transcoder that reconstruct the same one share them. */
  const firstAt = hooks.map((hook) => indexOfHook(hooks, hook));
  const state = hooks.map(({ d, saes }, hook) => ({
    statistics: hookStatistics(
      d,
      saes.map((sae) => sae.d_sae),
    ),
    /** Set when all text was seen at the hook. */
    tables: undefined as HookTables | undefined,
    sae: saes.map(() => new RowLosses()),
    zero: new RowLosses(known?.at(hook)?.zero),
    mean: new RowLosses(known?.at(hook)?.mean),
  }));
  /** Zero and the mean, where they are not known. */
  const ablations = (hook: number): number =>
    hasLosses && firstAt[hook] === hook && known?.at(hook) === undefined ? 2 : 0;
  const observer: Observer = {
    branches: () => (hasLosses ? hooks.reduce((sum, { saes }) => sum + saes.length, 0) : 0),
    async see({ hook, index, batch, residual: x, input }) {
      const { statistics, sae: losses } = state[hook]!;
      const { d } = hooks[hook]!;
      const views = await onEachDevice(hooks[hook]!, (sae) =>
        sae.reconstruct(input, batch.rows * batch.tokens, batch.tokens),
      );
      const passMean = meanOfTokens(x, d);
      for (let row = 0; row < batch.rows; row++) {
        const [from, to] = [row * batch.tokens, (row + 1) * batch.tokens];
        statistics.add(
          {
            x: x.subarray(from * d, to * d),
            tokens: batch.tokens,
            pass: index,
            passMean,
            ...documentOf(batch, row),
          },
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
      if (!hasLosses) return [];
      return views.map(
        ({ reconstruction }, i): Branch => ({
          residual: reconstruction,
          ended: ({ nll }) => losses[i]!.add(nll, batch),
        }),
      );
    },
    ablations,
    seen(hook) {
      const here = state[hook]!;
      here.tables = here.statistics.tables();
      if (ablations(hook) === 0) return [];
      return [
        { vector: new Float32Array(hooks[hook]!.d), into: here.zero },
        { vector: meanOf(here.tables), into: here.mean },
      ].map(({ vector, into }) => ({
        vector,
        ended(nll) {
          for (const [i, batch] of batches.entries()) into.add(nll[i]!, batch);
        },
      }));
    },
    ...(hasLosses && { clean: (_index, batch, nll) => clean.add(nll, batch) }),
  };
  return {
    batches,
    observer,
    others: [...(controls === null ? [] : [controls]), ...others],
    // With controls: each SAE's permuted decoder, an untrained SAE and PCA of its L0, and at each hook the identity.
    branches: hooks.reduce(
      (sum, { saes }) => sum + (controls === null ? saes.length : 4 * saes.length + 1),
      0,
    ),
    result: () =>
      hooks.map(({ layer, site, saes }, hook) => {
        const { tables, sae } = state[hook]!;
        const { zero, mean } = state[firstAt[hook]!]!;
        if (hasLosses) known?.keep(hook, { zero: zero.sums, mean: mean.sums });
        return {
          layer,
          site,
          documents,
          tables: tables!,
          losses: hasLosses
            ? saes.map((_, i) => ({
                predictions: Float64Array.from(predictions),
                clean: clean.column(),
                sae: sae[i]!.column(),
                zero: zero.column(),
                mean: mean.column(),
              }))
            : null,
        };
      }),
  };
}
