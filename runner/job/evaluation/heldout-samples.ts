/** The samples of a synthetic model that SAEs are measured on. */
import type { TokenBatch } from '../../lm/language-model.ts';
import { sampleBatch } from '../../synthetic/model.ts';

/**
 * Rows of samples that training does not read, as batches of the width of a training pass.
 *
 * @param seed names the stream; equal seeds are equal samples
 */
export function heldoutSamples(
  { corpus, sae }: { corpus: { rowTokens: number }; sae: { batchTokens: number } },
  seed: number,
  tokens: number,
): TokenBatch[] {
  const { rowTokens } = corpus;
  const rows = Math.floor(tokens / rowTokens);
  const together = sae.batchTokens / rowTokens;
  const batches: TokenBatch[] = [];
  for (let from = 0; from < rows; from += together)
    batches.push(sampleBatch(`heldout ${seed}`, from, Math.min(together, rows - from), rowTokens));
  return batches;
}
