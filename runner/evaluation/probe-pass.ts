/**
 * Probe texts at the hooks: of each text the mean of its latents over its tokens, and of the residual where a suite
 * asks for it. They are the features of every probe.
 */
import type { TokenBatch } from '../lm/language-model.ts';
import type { Features } from '../probes/features.ts';
import type { HookSaes, Observation } from './observation.ts';

/** A text as the language model reads it. */
export interface ProbeText {
  /** At least one token, already truncated. */
  ids: readonly number[];
  /** Non-zero for the tokens that count, one of them at least; all count where it is left out. */
  kept?: Uint8Array;
}

/** Of one hook. */
export interface PooledTexts {
  /** For each SAE [texts, d_sae]. */
  latents: Features[];
  /** [texts, dModel]; null unless asked for. */
  residual: Features | null;
}

/** Tokens of one forward pass, padding included. */
export const PROBE_BATCH_TOKENS = 4_096;

/** @param residual whether the residual's means are kept as well */
export function observeProbes(
  dModel: number,
  hooks: readonly HookSaes[],
  texts: readonly ProbeText[],
  { residual: withResidual }: { residual: boolean },
): Observation<PooledTexts[]> {
  const zeros = (columns: number): Features => ({
    values: new Float32Array(texts.length * columns),
    rows: texts.length,
    columns,
  });
  const pooled = hooks.map(
    ({ saes }): PooledTexts => ({
      latents: saes.map((sae) => zeros(sae.d_sae)),
      residual: withResidual ? zeros(dModel) : null,
    }),
  );
  const groups = batchesByLength(texts);
  const counts = texts.map(
    ({ ids, kept }) => kept?.reduce((sum, each) => sum + (each ? 1 : 0), 0) ?? ids.length,
  );
  /** Calls back for each token that counts, with its place in the batch. */
  const each = (
    group: readonly number[],
    batch: TokenBatch,
    visit: (text: number, position: number) => void,
  ) =>
    group.forEach((text, row) => {
      const { kept } = texts[text]!;
      for (let t = 0; t < batch.lengths![row]!; t++) {
        if (kept?.[t] !== 0) visit(text, row * batch.tokens + t);
      }
    });
  return {
    batches: groups.map((group) => padded(group.map((text) => texts[text]!.ids))),
    branches: 0,
    observer: {
      async see({ hook, index, batch, residual }) {
        const group = groups[index]!;
        const { latents, residual: means } = pooled[hook]!;
        for (const [i, sae] of hooks[hook]!.saes.entries()) {
          const { k, values, indices } = await sae.encode(residual, batch.rows * batch.tokens);
          const features = latents[i]!;
          each(group, batch, (text, position) => {
            const at = text * features.columns;
            for (let slot = position * k; slot < (position + 1) * k; slot++) {
              features.values[at + indices[slot]!]! += values[slot]! / counts[text]!;
            }
          });
        }
        if (means) {
          each(group, batch, (text, position) => {
            const [at, from] = [text * dModel, position * dModel];
            for (let i = 0; i < dModel; i++) means.values[at + i]! += residual[from + i]! / counts[text]!;
          });
        }
        return [];
      },
    },
    found: () => pooled,
  };
}

/** Numbers of texts in groups of similar length, so that little of a batch is padding. */
function batchesByLength(texts: readonly ProbeText[]): number[][] {
  const widthOf = (text: number): number => texts[text]!.ids.length;
  const order = texts.map((_, text) => text).sort((a, b) => widthOf(b) - widthOf(a) || a - b);
  const groups: number[][] = [];
  let group: number[] = [];
  let width = 0;
  for (const text of order) {
    if (group.length > 0 && (group.length + 1) * width > PROBE_BATCH_TOKENS) {
      groups.push(group);
      group = [];
    }
    if (group.length === 0) width = widthOf(text);
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
