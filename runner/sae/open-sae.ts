import type { Device } from '../onnx/devices.ts';
import { float32, floatsOf, int32, int32sOf, openSession } from '../onnx/session.ts';
import { decodeProgram, encodeProgram, inMemory } from './programs.ts';
import type { Latents, Sae } from './sae.ts';

/** Floats of pre-activations held at once: tokens × d_sae (256 MiB). */
const PRE_LIMIT = 64 << 20;
/** Floats of gathered decoder rows held at once: tokens × k × d_in (64 MiB). */
const ROWS_LIMIT = 16 << 20;

export interface Reconstruction extends Latents {
  /** x̂ [tokens, d_in] */
  reconstruction: Float32Array;
}

/** An SAE on a device. Every array returned is the caller's own. */
export interface OpenSae {
  readonly architecture: Sae['architecture'];
  readonly d_in: number;
  readonly d_sae: number;
  readonly k: number;
  /** @param x [tokens, d_in] */
  encode(x: Float32Array, tokens: number): Promise<Latents>;
  /** x̂ [tokens, d_in] of given latents, which need not come from `encode`. */
  decode(latents: Latents, tokens: number): Promise<Float32Array>;
  /** @param x [tokens, d_in] */
  reconstruct(x: Float32Array, tokens: number): Promise<Reconstruction>;
  close(): Promise<void>;
}

export interface OpenSaeOptions {
  device?: Device;
  threads?: number;
}

/**
 * Opens an SAE for encoding and decoding. Long inputs are worked on in stretches of tokens, so memory does not grow
 * with them beyond the results.
 *
 * @throws UnavailableError when the device cannot take it
 */
export async function openSae(sae: Sae, options: OpenSaeOptions = {}): Promise<OpenSae> {
  const place = inMemory(sae);
  const encoder = await openSession(encodeProgram(sae, place), options);
  const decoder = await openSession(decodeProgram(sae, place), options).catch(async (error: unknown) => {
    await encoder.close();
    throw error;
  });
  const { architecture, d_in, d_sae, k } = sae;

  function check(name: string, array: ArrayLike<unknown>, tokens: number, width: number): void {
    if (array.length !== tokens * width) {
      throw new RangeError(`${name}: ${array.length} values, expected ${tokens} tokens × ${width}`);
    }
  }

  async function encode(x: Float32Array, tokens: number): Promise<Latents> {
    check('x', x, tokens, d_in);
    const values = new Float32Array(tokens * k);
    const indices = new Int32Array(tokens * k);
    for (const [from, to] of stretches(tokens, PRE_LIMIT / d_sae)) {
      const feeds = { x: float32(x.subarray(from * d_in, to * d_in), [to - from, d_in]) };
      const outputs = await encoder.run(feeds);
      values.set(floatsOf(outputs, 'values'), from * k);
      indices.set(int32sOf(outputs, 'indices'), from * k);
    }
    return { values, indices };
  }

  async function decode({ values, indices }: Latents, tokens: number): Promise<Float32Array> {
    check('values', values, tokens, k);
    check('indices', indices, tokens, k);
    const reconstruction = new Float32Array(tokens * d_in);
    for (const [from, to] of stretches(tokens, ROWS_LIMIT / (k * d_in))) {
      const dims = [to - from, k];
      const outputs = await decoder.run({
        values: float32(values.subarray(from * k, to * k), dims),
        indices: int32(indices.subarray(from * k, to * k), dims),
      });
      reconstruction.set(floatsOf(outputs, 'reconstruction'), from * d_in);
    }
    return reconstruction;
  }

  return {
    architecture,
    d_in,
    d_sae,
    k,
    encode,
    decode,
    async reconstruct(x, tokens) {
      const latents = await encode(x, tokens);
      return { ...latents, reconstruction: await decode(latents, tokens) };
    },
    async close() {
      await Promise.all([encoder.close(), decoder.close()]);
    },
  };
}

/** [from, to) pairs that cover 0..total in steps of at most `limit`, at least one each. */
function* stretches(total: number, limit: number): Generator<[number, number]> {
  const size = Math.max(1, Math.floor(limit));
  for (let from = 0; from < total; from += size) yield [from, Math.min(from + size, total)];
}
