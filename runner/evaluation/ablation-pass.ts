/**
 * Held-out rows that go on from a hook without one latent of an SAE each, beside the clean ones. Of the residual nothing else
 * changes: x′ = x + decode(z without it) − decode(z), at the tokens where the latent fires. Rows do not see one another, so one
 * branch takes another latent out of each row, and only the rows that are asked for go on: the rest of the model, over them.
 */

import type { TokenBatch } from '../lm/language-model.ts';
import type { Branch, HookBatch, Observer } from '../lm/observer.ts';
import { joined } from '../math/joined.ts';
import type { AblatedRow } from '../metrics/ablation-effect.ts';
import type { OpenSae } from '../sae/open-sae.ts';
import type { Latents } from '../sae/sae.ts';
import type { Ablations } from '../suites/suite.ts';
import { type HookSaes, onEachDevice } from './observation.ts';

export function observeAblations(hooks: readonly HookSaes[], ask: Ablations): Observer {
  /** Of each batch on its way. */
  const clean = new Map<number, Float32Array>();
  const firstRows: number[] = [];
  return {
    branches: () => ask.share * hooks.reduce((sum, { saes }) => sum + saes.length, 0),
    async see({ hook, index, batch, residual, input }) {
      firstRows[index + 1] = (firstRows[index] ?? 0) + batch.rows;
      const firstRow = firstRows[index] ?? 0;
      const branches = await onEachDevice(hooks[hook]!, async (sae, number): Promise<Branch | null> => {
        const encoded = await sae.encode(input, batch.rows * batch.tokens, batch.tokens);
        const latents = ask.without({
          hook,
          index: number,
          encoded: { ...encoded, ids: batch.ids, rows: batch.rows, tokens: batch.tokens },
        });
        const taken = firingsOf(encoded, latents, batch);
        if (taken.length === 0) return null;
        return {
          residual: await without(sae, { residual, input }, encoded, taken, batch.tokens),
          rows: taken.map(({ row }) => row),
          ended({ nll }) {
            const left = clean.get(index)!;
            for (const [i, { row, latent, positions }] of taken.entries()) {
              const found: AblatedRow = {
                document: batch.documents?.[row] ?? firstRow + row,
                latent,
                positions,
                clean: left.subarray(row * batch.tokens, (row + 1) * batch.tokens),
                without: nll.subarray(i * batch.tokens, (i + 1) * batch.tokens),
              };
              ask.ended({ hook, index: number, row: found });
            }
          },
        };
      });
      return branches.filter((branch) => branch !== null);
    },
    clean(index, _batch, nll) {
      // Branches of a batch end right after its clean losses are known.
      clean.clear();
      clean.set(index, nll);
    },
  };
}

/** Where the latent of a row fires in it; rows where none does are left out. */
interface Taken {
  row: number;
  latent: number;
  /** Tokens of the row, and the slot of each that holds the latent. */
  positions: number[];
  slots: number[];
}

function firingsOf(
  { k, indices, values }: Latents,
  latents: Int32Array,
  { rows, tokens }: TokenBatch,
): Taken[] {
  const found: Taken[] = [];
  for (let row = 0; row < rows; row++) {
    const latent = latents[row]!;
    if (latent < 0) continue;
    const taken: Taken = { row, latent, positions: [], slots: [] };
    for (let slot = row * tokens * k; slot < (row + 1) * tokens * k; slot++) {
      if (indices[slot] !== latent || !(values[slot]! > 0)) continue;
      taken.positions.push(Math.floor(slot / k) - row * tokens);
      taken.slots.push(slot);
    }
    if (taken.positions.length > 0) found.push(taken);
  }
  return found;
}

/** The rows of the residual without their latents: only the tokens that change are decoded, with and without. */
async function without(
  sae: OpenSae,
  { residual, input }: Pick<HookBatch, 'residual' | 'input'>,
  { k, indices, values }: Latents,
  taken: readonly Taken[],
  tokens: number,
): Promise<Float32Array> {
  const { d_in, d_out } = sae;
  const changed = joined(
    taken.map(({ row }) => residual.subarray(row * tokens * d_out, (row + 1) * tokens * d_out)),
  );
  /** Where the tokens of the slots begin in `changed`. */
  const places = taken.flatMap(({ positions }, i) =>
    positions.map((position) => (i * tokens + position) * d_out),
  );
  const slots = taken.flatMap((each) => each.slots);
  const x = new Float32Array(slots.length * d_in);
  const full = { k, indices: new Int32Array(slots.length * k), values: new Float32Array(slots.length * k) };
  const less = full.values.slice();
  slots.forEach((slot, i) => {
    const token = Math.floor(slot / k);
    x.set(input.subarray(token * d_in, (token + 1) * d_in), i * d_in);
    full.indices.set(indices.subarray(token * k, (token + 1) * k), i * k);
    full.values.set(values.subarray(token * k, (token + 1) * k), i * k);
    less.set(values.subarray(token * k, (token + 1) * k), i * k);
    less[i * k + (slot % k)] = 0;
  });
  // Tokens out of their texts: what a temporal SAE would predict of them is in both.
  const before = await sae.decode(full, slots.length, x, 1);
  const after = await sae.decode({ ...full, values: less }, slots.length, x, 1);
  for (const [i, at] of places.entries())
    for (let j = 0; j < d_out; j++) changed[at + j]! += after[i * d_out + j]! - before[i * d_out + j]!;
  return changed;
}
