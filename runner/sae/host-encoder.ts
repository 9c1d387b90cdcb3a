/** Encoding by a TopK SAE stretch by stretch, the largest selected on the host. */
import { float32, type Session } from '../onnx/session.ts';
import type { Latents } from './sae.ts';
import { openSelection, selectionTokens } from './selection.ts';

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
    const selection = openSelection(end - start, d_sae, k);
    try {
      await encoder.run(feeds, ['pre'], { pre: float32(selection.pre, [end - start, d_sae]) });
      selection.select({
        k,
        values: latents.values.subarray(start * k, end * k),
        indices: latents.indices.subarray(start * k, end * k),
      });
    } finally {
      selection.close();
    }
  }
}

export function emptyLatents(tokens: number, k: number): Latents {
  return { k, values: new Float32Array(tokens * k), indices: new Int32Array(tokens * k) };
}
