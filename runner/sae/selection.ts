/**
 * The k largest pre-activations of each token, selected on the host. onnxruntime's TopK keeps a heap over all latents and
 * costs more than twice the product it selects from where d_in is small (128/1,024/32, one core: encoding takes 10 µs a token
 * with it, 5.2 so, and as long at large widths: `npm run bench -- encode`); this one passes over most latents four at a
 * time. Both are exact, and settle ties alike.
 */
import { openWorkspace, type Workspace } from '../simd/kernels.ts';
import type { Latents } from './sae.ts';

/**
 * Threads of the runtime up to which selection is the host's: the runtime's own TopK shares the tokens among its threads. By
 * the times of one thread and of two; more were not at hand to be timed.
 */
export const HOST_THREADS = 4;

/**
 * Pre-activations selected from at once: a megabyte, which stays in a core's own cache, or so many tokens. Of 65,536 latents half as many
 * take a seventh longer where d_in is large; twice as many a tenth where it is small, and memory that is not kept.
 */
const FLOATS = 1 << 18;
const LEAST_TOKENS = 128;

export function selectionTokens(d_sae: number): number {
  return Math.max(LEAST_TOKENS, Math.floor(FLOATS / d_sae));
}

/** Workspaces of closed selections, to be used again: as many as were ever open at once in this thread. Their memory is not given back. */
const free: Workspace[] = [];

/** Room for pre-activations, from which the largest are selected where they lie. */
export interface Selection {
  /** [tokens, d_sae], to be filled. */
  pre: Float32Array;
  /**
   * Of each token the k largest as the canonical form wants them: largest first, of equal ones the lowest index, relu
   * applied; NaN for a token that has one.
   *
   * @param into values and indices [tokens, k], written
   */
  select(into: Latents): void;
  /** `pre` must not be used afterwards: the next selection has its memory. */
  close(): void;
}

export function openSelection(tokens: number, d_sae: number, k: number): Selection {
  const workspace = free.pop() ?? openWorkspace();
  const width = Math.ceil(d_sae / 4) * 4;
  const count = tokens * k;
  const { buffer, places } = workspace.layOut(
    4 * tokens * width,
    16 * width + 64,
    4 * count,
    4 * count,
    width === d_sae ? 0 : 4 * tokens * d_sae,
  );
  const [from, scratch, found, at, narrow] = places;
  const pre = new Float32Array(buffer, width === d_sae ? from : narrow, tokens * d_sae);
  return {
    pre,
    select({ values, indices }) {
      if (width !== d_sae) {
        const rows = new Float32Array(buffer, from, tokens * width).fill(Number.NEGATIVE_INFINITY);
        for (let t = 0; t < tokens; t++) rows.set(pre.subarray(t * d_sae, (t + 1) * d_sae), t * width);
      }
      workspace.largest(from, tokens, width, k, scratch, found, at);
      values.set(new Float32Array(buffer, found, count));
      indices.set(new Int32Array(buffer, at, count));
      for (let slot = 0; slot < count; slot++) if (values[slot]! < 0) values[slot] = 0;
    },
    close() {
      free.push(workspace);
    },
  };
}
