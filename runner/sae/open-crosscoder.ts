/** A crosscoder on a device: one code of a token's activations at all its places. */
import type { CrosscoderFile, Scaling } from './checkpoints/crosscoder.ts';
import { openDecoder, stretches } from './open-decoder.ts';
import { joined, type OpenSae, type OpenSaeOptions, openSae } from './open-sae.ts';
import type { Latents } from './sae.ts';
import type { StoredSae } from './stored-sae.ts';

export interface OpenCrosscoder {
  readonly architecture: OpenSae['architecture'];
  /** Number of places, and the numbers of a token at each. */
  readonly places: number;
  readonly d: number;
  readonly d_sae: number;
  /**
   * @param x of each place [tokens, d]
   * @param between called before each stretch of tokens; what it throws ends the work
   */
  encode(x: readonly Float32Array[], tokens: number, between?: () => void): Promise<Latents>;
  /** What latents stand for at each place [tokens, d]. */
  decode(latents: Latents, tokens: number, between?: () => void): Promise<Float32Array[]>;
  close(): Promise<void>;
}

/** Products of a stretch of tokens with the encoder, and numbers of decoders that are read for one: a second or so of one core. */
const AT_ONCE = { products: 2 ** 33, rows: 2 ** 28 };

/** @throws as `openSae` */
export async function openCrosscoder(
  file: Pick<CrosscoderFile, 'sae' | 'places' | 'd' | 'scaling' | 'decoders'>,
  options: OpenSaeOptions = {},
  { products, rows } = AT_ONCE,
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
    async encode(x, tokens, between) {
      const wide = scaledSideBySide(x, tokens, d, scaling);
      const width = places * d;
      const found: Latents[] = [];
      for (const [from, to] of stretches(tokens, products / (width * sae.d_sae))) {
        between?.();
        found.push(await first.encode(wide.subarray(from * width, to * width), to - from));
      }
      return joined(found, 1);
    },
    async decode({ k, values, indices }, tokens, between) {
      const all = parts.map(() => new Float32Array((tokens * places * d) / parts.length));
      const width = (places * d) / parts.length;
      for (const [from, to] of stretches(tokens, rows / (k * width))) {
        const range = [from * k, to * k] as const;
        const some = { k, values: values.subarray(...range), indices: indices.subarray(...range) };
        for (const [at, part] of parts.entries()) {
          between?.();
          all[at]!.set(await part.decode(some, to - from), from * width);
        }
      }
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
