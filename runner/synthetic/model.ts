/** A synthetic model as a source of activations: one hook, samples in the place of tokens, and nothing behind it. */
import { hookOf } from '../hook.ts';
import type { ActivationModel, TokenBatch } from '../lm/language-model.ts';
import { spanOf } from '../lm/segments.ts';
import { readSynthetic, type SyntheticParts } from './layout.ts';
import { type ActiveFeatures, activationsOf, sampler } from './samples.ts';

export interface SyntheticModel extends ActivationModel {
  readonly parts: SyntheticParts;
  /** What made the activations of a batch. */
  features(batch: TokenBatch): ActiveFeatures;
}

/** @throws MalformedError, UnavailableError as reading does */
export async function openSynthetic(folder: string): Promise<SyntheticModel> {
  return syntheticModel(await readSynthetic(folder));
}

export function syntheticModel(parts: SyntheticParts): SyntheticModel {
  const { draw } = sampler(parts);
  let last: { batch: TokenBatch; found: ActiveFeatures } | undefined;
  function features(batch: TokenBatch): ActiveFeatures {
    if (batch.stream === undefined)
      throw new TypeError('a synthetic model reads numbers of samples, not tokens');
    if (last?.batch !== batch) last = { batch, found: draw(batch.stream, batch.ids) };
    return last.found;
  }
  const hook = hookOf(0);
  const segment = { device: 'cpu' as const, bytes: 0 };
  return {
    family: 'synthetic',
    blocks: 1,
    dModel: parts.d,
    storedType: 'F32',
    notes: parts.notes,
    hooks: [hook],
    segments: [
      { ...segment, ...spanOf(1, null, hook), hook: 0 },
      { ...segment, ...spanOf(1, hook, null), hook: null },
    ],
    widths: [{ value: parts.d, beside: 0 }],
    resident: true,
    parts,
    features,
    advance: async (_segment, _residual, batch) => activationsOf(parts, features(batch)),
    residuals: async (batch) => [activationsOf(parts, features(batch))],
    close: async () => undefined,
  };
}

export function isSyntheticModel(model: ActivationModel): model is SyntheticModel {
  return 'features' in model;
}

/**
 * Samples in rows and batches.
 *
 * @param stream names them: equal names and numbers give equal samples
 * @param rows how many, from number `from` on
 */
export function sampleBatch(stream: string, from: number, rows: number, rowSamples: number): TokenBatch {
  const ids = Int32Array.from({ length: rows * rowSamples }, (_, i) => from * rowSamples + i);
  return { ids, rows, tokens: rowSamples, stream };
}
