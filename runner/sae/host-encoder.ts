/** Encoding by a TopK SAE stretch by stretch, the largest selected on the host. */
import { discard, float32, floatsOf, type Session } from '../onnx/session.ts';
import type { Latents } from './sae.ts';
import { selectionTokens, selectLargest } from './selection.ts';

export interface EncoderShape {
  d_in: number;
  d_sae: number;
  k: number;
}

/**
 * The latents of tokens `from` to `to`, put where they belong among those of all.
 *
 * @param encoder a session of preProgram
 * @param x [tokens, d_in]
 */
export async function encodeStretches(
  encoder: Session,
  { d_in, d_sae, k }: EncoderShape,
  x: Float32Array,
  [from, to]: readonly [number, number],
  latents: Latents,
): Promise<void> {
  const size = selectionTokens(d_sae);
  for (let start = from; start < to; start += size) {
    const end = Math.min(start + size, to);
    const feeds = { x: float32(x.subarray(start * d_in, end * d_in), [end - start, d_in]) };
    const pre = floatsOf(await encoder.run(feeds), 'pre');
    selectLargest(pre, end - start, d_sae, {
      k,
      values: latents.values.subarray(start * k, end * k),
      indices: latents.indices.subarray(start * k, end * k),
    });
    discard(pre);
  }
}

export function emptyLatents(tokens: number, k: number): Latents {
  return { k, values: new Float32Array(tokens * k), indices: new Int32Array(tokens * k) };
}
