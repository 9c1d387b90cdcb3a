/**
 * Runs probe texts through the language model once for all hooks and SAEs, and keeps of each text the mean of its
 * latents over its tokens: the features of every probe.
 */

import type { LanguageModel, TokenBatch } from '../lm/language-model.ts';
import { type Observer, type SweepOptions, sweep } from '../lm/sweep.ts';
import type { Features } from '../probes/features.ts';
import type { OpenSae } from '../sae/open-sae.ts';

/** Tokens of one forward pass, padding included. */
export const PROBE_BATCH_TOKENS = 4_096;

export type Encoder = Pick<OpenSae, 'd_sae' | 'encode'>;

/** The residual itself as latents, one a channel: what probes on it are made from. */
export function residualEncoder(width: number): Encoder {
  return {
    d_sae: width,
    async encode(x, tokens) {
      const indices = Int32Array.from({ length: tokens * width }, (_, at) => at % width);
      return { k: width, values: x, indices };
    },
  };
}

/**
 * @param texts token ids of each text, at least one each, already truncated
 * @param sweeping how the text goes through the model
 * @returns for each hook and SAE the pooled latents [texts, d_sae]
 * @throws Stopped when the user asked to stop
 */
export async function probePass(
  model: LanguageModel,
  hooks: readonly { saes: readonly Encoder[] }[],
  texts: readonly (readonly number[])[],
  sweeping: (batches: readonly TokenBatch[]) => Promise<SweepOptions>,
): Promise<Features[][]> {
  const pooled = hooks.map(({ saes }) =>
    saes.map(
      (sae): Features => ({
        values: new Float32Array(texts.length * sae.d_sae),
        rows: texts.length,
        columns: sae.d_sae,
      }),
    ),
  );
  const groups = batchesByLength(texts);
  const batches = groups.map((group) => padded(group.map((text) => texts[text]!)));
  const observer: Observer = {
    async see({ hook, index, batch, residual }) {
      for (const [i, sae] of hooks[hook]!.saes.entries()) {
        const { k, values, indices } = await sae.encode(residual, batch.rows * batch.tokens);
        const features = pooled[hook]![i]!;
        groups[index]!.forEach((text, row) => {
          const length = batch.lengths![row]!;
          const at = text * features.columns;
          const from = row * batch.tokens * k;
          for (let slot = from; slot < from + length * k; slot++) {
            features.values[at + indices[slot]!]! += values[slot]! / length;
          }
        });
      }
      return [];
    },
  };
  await sweep(model, batches, [observer], await sweeping(batches));
  return pooled;
}

/** Numbers of texts in groups of similar length, so that little of a batch is padding. */
function batchesByLength(texts: readonly (readonly number[])[]): number[][] {
  const order = texts.map((_, text) => text).sort((a, b) => texts[b]!.length - texts[a]!.length || a - b);
  const groups: number[][] = [];
  let group: number[] = [];
  let width = 0;
  for (const text of order) {
    if (group.length > 0 && (group.length + 1) * width > PROBE_BATCH_TOKENS) {
      groups.push(group);
      group = [];
    }
    if (group.length === 0) width = texts[text]!.length;
    group.push(text);
  }
  if (group.length > 0) groups.push(group);
  return groups;
}

function padded(rows: readonly (readonly number[])[]): TokenBatch {
  const tokens = Math.max(...rows.map((ids) => ids.length));
  const ids = new Int32Array(rows.length * tokens);
  rows.forEach((row, i) => {
    ids.set(row, i * tokens);
  });
  return { ids, rows: rows.length, tokens, lengths: Int32Array.from(rows, (row) => row.length) };
}
