/** A crosscoder on a device: one code of a token's activations at all its places. */
import type { CrosscoderFile, Scaling } from './checkpoints/crosscoder.ts';
import { type OpenSae, type OpenSaeOptions, openSae } from './open-sae.ts';
import type { Latents } from './sae.ts';

export interface OpenCrosscoder {
  readonly architecture: OpenSae['architecture'];
  /** Number of places, and the numbers of a token at each. */
  readonly places: number;
  readonly d: number;
  readonly d_sae: number;
  /** @param x of each place [tokens, d] */
  encode(x: readonly Float32Array[], tokens: number): Promise<Latents>;
  /** What latents stand for at each place [tokens, d]. */
  decode(latents: Latents, tokens: number): Promise<Float32Array[]>;
  close(): Promise<void>;
}

/** @throws as `openSae` */
export async function openCrosscoder(
  { sae, places, d, scaling }: Pick<CrosscoderFile, 'sae' | 'places' | 'd' | 'scaling'>,
  options: OpenSaeOptions = {},
): Promise<OpenCrosscoder> {
  const open = await openSae(sae, options);
  return {
    architecture: open.architecture,
    places,
    d,
    d_sae: open.d_sae,
    encode: (x, tokens) => open.encode(scaledSideBySide(x, tokens, d, scaling), tokens),
    async decode(latents, tokens) {
      const all = await open.decode(latents, tokens);
      return Array.from({ length: places }, (_, place) =>
        unscaled(all, { place, places, tokens, d, scaling }),
      );
    },
    close: () => open.close(),
  };
}

function scaledSideBySide(
  x: readonly Float32Array[],
  tokens: number,
  d: number,
  scaling: Scaling | null,
): Float32Array {
  const wide = x.length * d;
  const all = new Float32Array(tokens * wide);
  for (const [place, of] of x.entries()) {
    if (of.length !== tokens * d)
      throw new RangeError(`x of place ${place}: ${of.length} values for ${tokens} tokens`);
    const by = scaling?.by[place] ?? 1;
    const mean = scaling?.mean?.subarray(place * d, (place + 1) * d);
    for (let t = 0; t < tokens; t++) {
      for (let i = 0; i < d; i++) all[t * wide + place * d + i] = (of[t * d + i]! - (mean?.[i] ?? 0)) * by;
    }
  }
  return all;
}

function unscaled(
  all: Float32Array,
  of: { place: number; places: number; tokens: number; d: number; scaling: Scaling | null },
): Float32Array {
  const { place, places, tokens, d, scaling } = of;
  const by = scaling === null ? 1 : Math.fround(scaling.by[place]! + scaling.epsilon);
  const mean = scaling?.mean?.subarray(place * d, (place + 1) * d);
  const out = new Float32Array(tokens * d);
  for (let t = 0; t < tokens; t++) {
    const from = (t * places + place) * d;
    for (let i = 0; i < d; i++) out[t * d + i] = all[from + i]! / by + (mean?.[i] ?? 0);
  }
  return out;
}
