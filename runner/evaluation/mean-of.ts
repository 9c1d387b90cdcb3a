import type { HookTables } from '../metrics/hook-statistics.ts';

/** The mean activation over all tokens [width]. */
export function meanOf({ activations }: HookTables): Float32Array {
  const mean = new Float64Array(activations.width);
  const count = activations.tokens.reduce((sum, tokens) => sum + tokens, 0);
  activations.sums.forEach((value, i) => {
    mean[i % activations.width]! += value / count;
  });
  return Float32Array.from(mean);
}
