/** Ablations inside blocks of a model that is held whole, once all text was seen, from what was kept beside the hooks. */
import type { Reporter } from '../reporter.ts';
import { type LanguageModel, repeated, type TokenBatch } from './language-model.ts';

/** One vector in the place of the activations at a hook, in some of the batches. */
export interface ApartAblation {
  hook: number;
  vector: Float32Array;
  /** Numbers of its batches, `to` excluded. */
  part: { from: number; to: number };
  ended(nll: readonly Float32Array[]): void;
}

/** @param kept what travels beside a hook, by the number of the batch and of the hook */
export async function ablateBeside(
  model: LanguageModel,
  batches: readonly TokenBatch[],
  ablations: readonly ApartAblation[],
  kept: ReadonlyMap<string, Float32Array>,
  { stopWhenAsked, progress }: { stopWhenAsked(): void; progress: Reporter['progress'] },
): Promise<void> {
  const total = batches.reduce((sum, { rows, tokens }) => sum + rows * tokens, 0);
  const all = ablations.reduce((sum, { part }) => sum + part.to - part.from, 0);
  let ended = 0;
  for (const { hook, vector, part, ended: tell } of ablations) {
    const nll: Float32Array[] = [];
    const from = model.segments.findIndex((each) => each.hook === hook);
    for (let index = part.from; index < part.to; index++) {
      stopWhenAsked();
      const batch = batches[index]!;
      const value = repeated(vector, batch.rows * batch.tokens);
      const residual = kept.get(`${index}-${hook}`)!;
      nll.push((await model.endings({ from, value, residual, batch, between: stopWhenAsked })).nll);
      ended++;
      progress(Math.round((total * ended) / all), total, {}, ended / all);
    }
    tell(nll);
  }
}
