/** A crosscoder on a device: one code of a token's activations at all its places. */
import type { CrosscoderFile, Scaling } from './checkpoints/crosscoder.ts';
import { openDecoder } from './open-decoder.ts';
import { type OpenSae, type OpenSaeOptions, openSae } from './open-sae.ts';
import type { Latents } from './sae.ts';
import type { StoredSae } from './stored-sae.ts';

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
  file: Pick<CrosscoderFile, 'sae' | 'places' | 'd' | 'scaling' | 'decoders'>,
  options: OpenSaeOptions = {},
): Promise<OpenCrosscoder> {
  const { sae, places, d, scaling, decoders = [] } = file;
  // Decoders that lie apart are each used where they lie: the one that encodes has the first.
  const ofPlace = (place: number): StoredSae => ({
    ...sae,
    d_out: d,
    W_dec: decoders[place]!,
    b_dec: sae.b_dec.subarray(place * d, (place + 1) * d),
  });
  const first = await openSae(decoders.length === 0 ? sae : ofPlace(0), options);
  const parts: Pick<OpenSae, 'decode' | 'close'>[] = [first];
  const close = async (): Promise<void> => {
    for (const part of parts) await part.close();
  };
  try {
    for (let place = 1; place < decoders.length; place++)
      parts.push(await openDecoder(ofPlace(place), options));
  } catch (error) {
    await close();
    throw error;
  }
  return {
    architecture: first.architecture,
    places,
    d,
    d_sae: first.d_sae,
    encode: (x, tokens) => first.encode(scaledSideBySide(x, tokens, d, scaling), tokens),
    async decode(latents, tokens) {
      const all: Float32Array[] = [];
      for (const part of parts) all.push(await part.decode(latents, tokens));
      // Of one that is decoded at once all places stand side by side.
      const at = (place: number) =>
        decoders.length === 0 ? { from: place, step: places } : { from: 0, step: 1 };
      return Array.from({ length: places }, (_, place) =>
        unscaled(all[decoders.length === 0 ? 0 : place]!, { ...at(place), place, tokens, d, scaling }),
      );
    },
    close,
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

/** @param of where in each token's numbers of `all` the place stands, and how many places they are of */
function unscaled(
  all: Float32Array,
  of: { from: number; step: number; place: number; tokens: number; d: number; scaling: Scaling | null },
): Float32Array {
  const { from, step, place, tokens, d, scaling } = of;
  const by = scaling === null ? 1 : Math.fround(scaling.by[place]! + scaling.epsilon);
  const mean = scaling?.mean?.subarray(place * d, (place + 1) * d);
  const out = new Float32Array(tokens * d);
  for (let t = 0; t < tokens; t++) {
    const start = (t * step + from) * d;
    for (let i = 0; i < d; i++) out[t * d + i] = all[start + i]! / by + (mean?.[i] ?? 0);
  }
  return out;
}
