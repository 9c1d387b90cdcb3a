import { availableParallelism } from 'node:os';
import { type Device, providerOf } from '../onnx/devices.ts';
import {
  discard,
  float32,
  floatsOf,
  int32sOf,
  openHoldingSession,
  openSession,
  type Session,
} from '../onnx/session.ts';
import { contextProgram } from './context-program.ts';
import type { EncodingThread } from './encoding-thread.ts';
import { type EncoderShape, emptyLatents, encodeStretches } from './host-encoder.ts';
import {
  checkLength,
  type DeviceOptions,
  openDecoder,
  programOf,
  ROWS_ON_DEVICE,
  sessionOptions,
  stretches,
} from './open-decoder.ts';
import { inFile } from './place-in-file.ts';
import { predictor } from './predicting.ts';
import {
  centredProgram,
  decodingNeedsInput,
  encodeProgram,
  encodingMatrices,
  inMemory,
  type MatrixName,
  preProgram,
  pursuitProgram,
} from './programs.ts';
import { pursuing } from './pursuit.ts';
import type { Latents, Sae } from './sae.ts';
import { HOST_THREADS, selectionTokens } from './selection.ts';
import { isStored, type StoredSae } from './stored-sae.ts';

/** Floats of pre-activations held at once: tokens × d_sae (256 MiB). */
const PRE_LIMIT = 64 << 20;
/** The same where the program finds K itself: it holds counts, masks and values of that size beside each other. */
const DENSE_LIMIT = PRE_LIMIT / 4;
/** Bytes of W_enc (64 MiB) up to which two threads hold a packed copy each. */
const SHARED_UP_TO = 64 << 20;

export interface Reconstruction extends Latents {
  /** x̂ [tokens, d_out] */
  reconstruction: Float32Array;
}

/** An SAE on a device. Every array returned is the caller's own. */
export interface OpenSae {
  /** Where it is computed. */
  readonly device: Device;
  readonly architecture: Sae['architecture'];
  readonly d_in: number;
  readonly d_sae: number;
  /** Width of x̂: d_in, except of transcoders. */
  readonly d_out: number;
  /** Slots a token, of a topk SAE; null where every call has its own number (`Latents.k`). */
  readonly k: number | null;
  /** Whether a token's latents and reconstruction depend on the tokens before it in its text. */
  readonly temporal: boolean;
  /**
   * @param x [tokens, d_in]
   * @param sequence tokens of each text, where x holds several of the same length; temporal SAEs need it, others ignore it
   * @throws RangeError from a temporal SAE, where it is missing or no divisor of `tokens`
   */
  encode(x: Float32Array, tokens: number, sequence?: number): Promise<Latents>;
  /**
   * x̂ [tokens, d_out] of given latents, which need not come from `encode`.
   *
   * @param x [tokens, d_in], what the latents are of: needed where a normalisation of each token is to be undone, or
   *   for a skip connection
   */
  decode(latents: Latents, tokens: number, x?: Float32Array, sequence?: number): Promise<Float32Array>;
  /** @param x [tokens, d_in] */
  reconstruct(x: Float32Array, tokens: number, sequence?: number): Promise<Reconstruction>;
  close(): Promise<void>;
}

export interface OpenSaeOptions extends DeviceOptions {
  /** Encodes beside this one, where two threads are worth it; stays the caller's to close, after the SAE. */
  thread?: EncodingThread | undefined;
}

/**
 * Opens an SAE for encoding and decoding. Long inputs are worked on in stretches of tokens, so memory does not grow
 * with them beyond the results. One that is stored in a file is used where it lies, as far as its layout allows.
 *
 * @throws UnavailableError when the device cannot take it
 *
 * @example
 * ```js
 * import { getSae, openSae } from 'interpboard-library';
 *
 * const file = await getSae('runs/small-world#layer=2');
 * const sae = await openSae(file.sae);
 * const x = new Float32Array(3 * sae.d_in).fill(0.1); // three tokens
 * const { k, indices, reconstruction } = await sae.reconstruct(x, 3);
 * console.log(indices.length === 3 * k, reconstruction.length === x.length);
 * for (const each of [sae, file]) await each.close();
 * ```
 */
export async function openSae(sae: Sae | StoredSae, options: OpenSaeOptions = {}): Promise<OpenSae> {
  return sae.context === undefined ? openTokenwise(sae, options) : openTemporal(sae, options);
}

/** A prediction, and an SAE without one that encodes what the prediction leaves of each token. */
async function openTemporal(sae: Sae | StoredSae, options: OpenSaeOptions): Promise<OpenSae> {
  const { context: _, ...rest } = sae;
  const bare = { ...rest, normalisation: { kind: 'none' }, apply_b_dec_to_input: false } as Sae | StoredSae;
  const inner = await openTokenwise(bare, options);
  const matrices = ['W_enc', 'W_dec'] as const;
  const { place, ...where } = isStored(sae) ? await inFile(sae, matrices) : { place: inMemory(sae) };
  const predicts = await openSession(contextProgram(sae, place, providerOf(options.device ?? 'cpu')), {
    ...sessionOptions(options),
    ...where,
  })
    .then((session) => predictor(sae, session))
    .catch(async (error: unknown) => {
      await inner.close();
      throw error;
    });
  const { normalisation } = sae;
  const scale = normalisation.kind === 'expected_average_only_in' ? normalisation.scale : 1;
  async function decode(
    latents: Latents,
    tokens: number,
    x?: Float32Array,
    sequence?: number,
  ): Promise<Float32Array> {
    if (x?.length !== tokens * sae.d_in) throw new RangeError(`x: ${x?.length} values for ${tokens} tokens`);
    const { predicted } = await predicts.of(x, tokens, sequence);
    const decoded = await inner.decode(latents, tokens);
    return decoded.map((value, at) => (value + predicted[at]!) / scale);
  }
  async function encode(x: Float32Array, tokens: number, sequence?: number): Promise<Latents> {
    return inner.encode((await predicts.of(x, tokens, sequence)).rest, tokens);
  }
  return {
    ...inner,
    temporal: true,
    encode,
    decode,
    async reconstruct(x, tokens, sequence) {
      const latents = await encode(x, tokens, sequence);
      return { ...latents, reconstruction: await decode(latents, tokens, x, sequence) };
    },
    async close() {
      await Promise.all([inner.close(), predicts.close()]);
    },
  };
}

async function openTokenwise(sae: Sae | StoredSae, options: OpenSaeOptions): Promise<OpenSae> {
  const { architecture, d_in, d_sae, d_out = d_in } = sae;
  const fixed = sae.architecture === 'topk' ? sae.k : null;
  const bytes = 4 * d_in * d_sae;
  const { device = 'cpu', threads = availableParallelism(), thread } = options;
  const onHost = fixed !== null && device === 'cpu' && threads <= HOST_THREADS;
  const shared = onHost && threads > 1 && bytes <= SHARED_UP_TO ? thread : undefined;
  const made = (make: typeof encodeProgram, needed: readonly MatrixName[]) =>
    programOf(sae, make, needed, options);
  const pursues = sae.architecture === 'matching_pursuit';
  const onDevice = device !== 'cpu' && !pursues;
  const encoding = await made(
    pursues ? pursuitProgram : onHost ? preProgram : encodeProgram,
    encodingMatrices(sae),
  );
  if (shared !== undefined) encoding.settings.threads = Math.ceil(threads / 2);
  const holding = await openHoldingSession(
    encoding.program,
    encoding.settings,
    onDevice ? ['values', 'indices'] : [],
  );
  const plain: Session = {
    run: async (...given) => (await holding.run(...given)).host,
    close: holding.close,
  };
  const encoder = pursues ? await pursuing(sae, plain, () => made(centredProgram, [])) : plain;
  const decoder = await openDecoder(sae, options).catch(async (error: unknown) => {
    await encoder.close();
    throw error;
  });
  const { decode } = decoder;
  const helper = shared?.open(encoding.program, encoding.settings, { d_in, d_sae, k: fixed! });
  const needsInput = decodingNeedsInput(sae);

  async function encode(x: Float32Array, tokens: number): Promise<Latents> {
    checkLength('x', x, tokens, d_in);
    if (onHost) return selected(x, tokens, { d_in, d_sae, k: fixed! });
    if (onDevice) return encodeThere(x, tokens);
    const parts: Latents[] = [];
    for (const [from, to] of stretches(tokens, (fixed === null ? DENSE_LIMIT : PRE_LIMIT) / d_sae)) {
      const feeds = { x: float32(x.subarray(from * d_in, to * d_in), [to - from, d_in]) };
      const outputs = await encoder.run(feeds);
      const values = floatsOf(outputs, 'values');
      parts.push({ k: values.length / (to - from), values, indices: int32sOf(outputs, 'indices') });
    }
    return joined(parts, fixed ?? 1);
  }

  /**
   * The same on a device, where latents stay until they are decoded, if they are.
   *
   * @param into x̂ [tokens, d_out], to be filled; none: latents alone
   */
  async function encodeThere(x: Float32Array, tokens: number, into?: Float32Array): Promise<Latents> {
    const parts: Latents[] = [];
    for (const [from, to] of stretches(tokens, (fixed === null ? DENSE_LIMIT : PRE_LIMIT) / d_sae)) {
      const part = x.subarray(from * d_in, to * d_in);
      const given = float32(part, [to - from, d_in]);
      const { values, indices } = (await holding.run({ x: given })).held;
      try {
        const host = { values: await values!.read(), indices: await indices!.read() };
        const found = { values: floatsOf(host, 'values'), indices: int32sOf(host, 'indices') };
        const k = found.values.length / (to - from);
        parts.push({ k, ...found });
        if (into === undefined) continue;
        const whole = (to - from) * k * d_out <= ROWS_ON_DEVICE;
        const feeds = { values: values!, indices: indices!, ...(needsInput ? { x: given } : {}) };
        const decoded = whole
          ? floatsOf(await decoder.session.run(feeds), 'reconstruction')
          : await decode({ k, ...found }, to - from, part);
        into.set(decoded, from * d_out);
        discard(decoded);
      } finally {
        values?.dispose();
        indices?.dispose();
      }
    }
    return joined(parts, fixed ?? 1);
  }

  /**
   * The same where the k largest are selected on the host: half of the whole stretches by the second thread, if there is one.
   * Each stretch is the same product either way, so that the bits do not depend on who makes it.
   */
  async function selected(x: Float32Array, tokens: number, shape: EncoderShape): Promise<Latents> {
    const { k } = shape;
    const latents = emptyLatents(tokens, k);
    const size = selectionTokens(d_sae);
    const theirs = helper === undefined ? 0 : Math.floor(tokens / size / 2) * size;
    const asked =
      helper === undefined || theirs === 0 ? undefined : helper.encode(x.slice(0, theirs * d_in), theirs);
    // Not before this thread is done, so that nothing runs on when a failure is seen.
    asked?.catch(() => undefined);
    await encodeStretches(encoder, shape, x, [theirs, tokens], latents);
    const found = await asked;
    if (found !== undefined) {
      latents.values.set(found.values);
      latents.indices.set(found.indices);
    }
    return latents;
  }

  return {
    device,
    architecture,
    d_in,
    d_sae,
    d_out,
    k: fixed,
    temporal: false,
    encode,
    decode,
    async reconstruct(x, tokens) {
      if (onDevice) {
        checkLength('x', x, tokens, d_in);
        const reconstruction = new Float32Array(tokens * d_out);
        return { ...(await encodeThere(x, tokens, reconstruction)), reconstruction };
      }
      const latents = await encode(x, tokens);
      return { ...latents, reconstruction: await decode(latents, tokens, x) };
    },
    async close() {
      helper?.close();
      await Promise.all([encoder.close(), decoder.close()]);
    },
  };
}

/** Latents of stretches of tokens as one: as many slots as the widest has, the others filled up with empty ones. */
export function joined(parts: readonly Latents[], least: number): Latents {
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return only;
  const k = parts.reduce((most, part) => Math.max(most, part.k), least);
  const total = parts.reduce((sum, part) => sum + part.values.length / part.k, 0);
  const values = new Float32Array(total * k);
  const indices = new Int32Array(total * k);
  let token = 0;
  for (const part of parts) {
    for (let at = 0; at < part.values.length; at += part.k, token++) {
      values.set(part.values.subarray(at, at + part.k), token * k);
      indices.set(part.indices.subarray(at, at + part.k), token * k);
    }
  }
  return { k, values, indices };
}
