/**
 * Probe texts at the hooks: of each text the mean of its latents over its tokens, and of the residual where a suite
 * asks for it. They are the features of every probe.
 */
import type { TokenBatch } from '../lm/language-model.ts';
import { sideBySide } from '../onnx/side-by-side.ts';
import type { SparseRow } from '../probes/features.ts';
import type { OpenSae } from '../sae/open-sae.ts';
import type { Latents } from '../sae/sae.ts';
import type { PooledTexts, PooledUntrained, ProbeText } from '../suites/suite.ts';
import type { ControlPass } from './control-pass.ts';
import type { HookSaes, Observation } from './observation.ts';

/** Tokens of one forward pass, padding included. */
export const PROBE_BATCH_TOKENS = 4_096;

interface Pooled {
  rows: number;
  columns: number;
  entries: SparseRow[];
}

/**
 * @param residual whether the residual's means are kept as well
 * @param untrained the pass that has the untrained SAEs whose latents are kept as well; null for none. Its text must come
 *   before these in the sweep
 */
export function observeProbes(
  hooks: readonly HookSaes[],
  texts: readonly ProbeText[],
  {
    residual: withResidual,
    untrained: controls = null,
  }: { residual: boolean; untrained?: Pick<ControlPass, 'untrained'> | null },
): Observation<PooledTexts[]> {
  const rows = texts.length;
  const empty = ({ d_sae }: { d_sae: number }): Pooled => ({
    rows,
    columns: d_sae,
    entries: new Array<SparseRow>(rows),
  });
  const pooled = hooks.map(({ d, saes }) => ({
    latents: saes.map(empty),
    residual: withResidual ? { rows, columns: d, values: new Float32Array(rows * d) } : null,
    /** By the number of the SAE; those of one shape share theirs. */
    untrained: new Map<number, PooledUntrained & { latents: Pooled }>(),
  }));
  const { batches, groups } = inBatches(texts);
  const counts = texts.map(
    ({ ids, kept }) => kept?.reduce((sum, each) => sum + (each ? 1 : 0), 0) ?? ids.length,
  );
  return {
    batches,
    branches: 0,
    observer: {
      async see({ hook, index, batch, residual, input }) {
        const group = groups[index]!;
        const { latents, residual: means, untrained } = pooled[hook]!;
        const { d } = hooks[hook]!;
        const encoders = hooks[hook]!.saes.map((sae, i) => ({ sae, into: latents[i]! }));
        for (const { of, follows, sae: control } of controls?.untrained(hook) ?? []) {
          const sae = await control.open();
          const { directions } = control;
          const into = untrained.get(of[0]!)?.latents ?? empty(sae);
          for (const i of of) if (!untrained.has(i)) untrained.set(i, { follows, latents: into, directions });
          encoders.push({ sae, into });
        }
        const device = ({ sae }: { sae: OpenSae }) => sae.device;
        await sideBySide(encoders, device, async ({ sae, into }) => {
          const found = await sae.encode(input, batch.rows * batch.tokens, batch.tokens);
          const { entries, columns } = into;
          const sums = new Float32Array(columns);
          group.forEach((text, row) => {
            const { kept } = texts[text]!;
            const at = { from: row * batch.tokens, length: batch.lengths![row]!, kept, count: counts[text]! };
            entries[text] = pooledLatents(found, at, sums);
          });
        });
        if (means) {
          group.forEach((text, row) => {
            const [at, count] = [text * d, counts[text]!];
            const { kept } = texts[text]!;
            for (let t = 0; t < batch.lengths![row]!; t++) {
              if (kept?.[t] === 0) continue;
              const from = (row * batch.tokens + t) * d;
              for (let i = 0; i < d; i++) means.values[at + i]! += residual[from + i]! / count;
            }
          });
        }
        return [];
      },
    },
    result: () => pooled,
  };
}

/** The tokens of one text in a batch. */
interface Stretch {
  from: number;
  length: number;
  kept: Uint8Array | undefined;
  /** Tokens that count. */
  count: number;
}

/**
 * The mean of each latent over a text's tokens.
 *
 * @param sums [d_sae], zero before and after
 */
function pooledLatents({ k, values, indices }: Latents, text: Stretch, sums: Float32Array): SparseRow {
  const { from, length, kept, count } = text;
  for (let t = 0; t < length; t++) {
    if (kept?.[t] === 0) continue;
    for (let slot = (from + t) * k; slot < (from + t + 1) * k; slot++) {
      sums[indices[slot]!]! += values[slot]! / count;
    }
  }
  let size = 0;
  for (let j = 0; j < sums.length; j++) if (sums[j] !== 0) size++;
  const row = { indices: new Int32Array(size), values: new Float32Array(size) };
  for (let j = 0, next = 0; j < sums.length; j++) {
    if (sums[j] === 0) continue;
    row.indices[next] = j;
    row.values[next++] = sums[j]!;
  }
  sums.fill(0);
  return row;
}

/** Texts in batches of similar length, with the numbers of the texts of each. */
export function inBatches(texts: readonly ProbeText[]): { batches: TokenBatch[]; groups: number[][] } {
  const groups = batchesByLength(texts);
  return { groups, batches: groups.map((group) => padded(group.map((text) => texts[text]!.ids))) };
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
