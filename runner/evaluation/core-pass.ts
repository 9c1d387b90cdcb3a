/**
 * Losses and KL by the rules of SAEBench's core evaluation: the reconstruction stands in for the residual where the
 * token is not special, zero stands in for it everywhere, and both are compared with the model left alone.
 */
import { deserialize, serialize } from 'node:v8';
import { hookName, indexOfHook, placeName } from '../hook.ts';
import { canonicalJson } from '../io/hash.ts';
import { lossCount, type TokenBatch } from '../lm/language-model.ts';
import type { Branch, Ending } from '../lm/observer.ts';
import type { CoreTable } from '../metrics/core-losses.ts';
import {
  type CachedResults,
  documentsOf,
  type HookSaes,
  namesOf,
  type Observation,
  onEachDevice,
} from './observation.ts';

export interface CoreMeasured {
  /** Document of each row, where the text says. */
  documents: readonly number[] | undefined;
  /** For each hook one table per SAE. */
  tables: CoreTable[][];
}

/** Sums a row over some of its positions. */
class RowSums {
  nll: number[] = [];
  kl: number[] = [];
  readonly special: ReadonlySet<number>;

  constructor(special: ReadonlySet<number>) {
    this.special = special;
  }

  add({ nll, kl }: Ending, batch: TokenBatch): void {
    for (let row = 0; row < batch.rows; row++) {
      const start = row * batch.tokens;
      let [loss, divergence] = [0, 0];
      for (let i = start; i < start + batch.tokens; i++) {
        if (this.special.has(batch.ids[i]!)) continue;
        if (i < start + lossCount(batch, row)) loss += nll[i]!;
        divergence += kl?.[i] ?? 0;
      }
      this.nll.push(loss);
      this.kl.push(divergence);
    }
  }
}

/**
 * @param batches rows that begin with BOS, all full
 * @param special ids that are neither spliced nor counted
 * @param cached where the zero-ablated sums are cached, which do not depend on an SAE
 */
export async function observeCore(
  hooks: readonly HookSaes[],
  batches: readonly TokenBatch[],
  special: ReadonlySet<number>,
  cached?: CachedResults,
): Promise<Observation<CoreMeasured>> {
  const clean = new RowSums(special);
  const text = canonicalJson([
    'core zero',
    cached?.identity ?? '',
    hooks.map(placeName),
    [...special],
    namesOf(batches),
  ]);
  const stateOf = async (at: HookSaes) => {
    const key = `${text} ${hookName(at)}`;
    const { saes } = at;
    const zero = new RowSums(special);
    const bytes = await cached?.cache.get(key);
    if (bytes !== undefined) Object.assign(zero, deserialize(bytes) as Pick<RowSums, 'nll' | 'kl'>);
    return { key, known: bytes !== undefined, zero, sae: saes.map(() => new RowSums(special)) };
  };
  const state = await Promise.all(hooks.map(stateOf));
  /** Zero is of a hook: an SAE and a transcoder that reconstruct the same one share it. */
  const firstAt = hooks.map((hook) => indexOfHook(hooks, hook));
  return {
    batches,
    branches: hooks.reduce((sum, { saes }) => sum + saes.length + 1, 0),
    observer: {
      divergence: true,
      branches: () => hooks.reduce((sum, { saes }) => sum + saes.length + 1, 0),
      async see({ hook, batch, residual, input }) {
        const { known, zero, sae: sums } = state[hook]!;
        const { d } = hooks[hook]!;
        const branches: Branch[] = [];
        if (!known && firstAt[hook] === hook) {
          const residual = new Float32Array(batch.rows * batch.tokens * d);
          branches.push({ residual, ended: (ending) => zero.add(ending, batch) });
        }
        const found = await onEachDevice(hooks[hook]!, (sae) =>
          sae.reconstruct(input, batch.rows * batch.tokens, batch.tokens),
        );
        for (const [i, { reconstruction }] of found.entries()) {
          batch.ids.forEach((id, position) => {
            if (!special.has(id)) return;
            const [from, to] = [position * d, (position + 1) * d];
            reconstruction.set(residual.subarray(from, to), from);
          });
          branches.push({ residual: reconstruction, ended: (ending) => sums[i]!.add(ending, batch) });
        }
        return branches;
      },
      clean: (_index, batch, nll) => clean.add({ nll }, batch),
    },
    result() {
      const counted = (until: (batch: TokenBatch, row: number) => number): Float64Array =>
        Float64Array.from(
          batches.flatMap((batch) =>
            Array.from({ length: batch.rows }, (_, row) =>
              batch.ids
                .subarray(row * batch.tokens, row * batch.tokens + until(batch, row))
                .reduce((sum, id) => sum + (special.has(id) ? 0 : 1), 0),
            ),
          ),
        );
      const predictions = counted(lossCount);
      const positions = counted((batch) => batch.tokens);
      const tables = state.map(({ key, known, sae }, hook) => {
        const { zero } = state[firstAt[hook]!]!;
        if (!known && firstAt[hook] === hook)
          cached?.cache.put(key, serialize({ nll: zero.nll, kl: zero.kl }));
        return sae.map((sums) => ({
          predictions,
          positions,
          clean: Float64Array.from(clean.nll),
          sae: Float64Array.from(sums.nll),
          zero: Float64Array.from(zero.nll),
          klSae: Float64Array.from(sums.kl),
          klZero: Float64Array.from(zero.kl),
        }));
      });
      return { documents: documentsOf(batches), tables };
    },
  };
}
