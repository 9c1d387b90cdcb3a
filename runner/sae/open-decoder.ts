/** The decoder of an SAE on a device, and what it shares with the encoder. */
import { type Device, providerOf } from '../onnx/devices.ts';
import type { Provider } from '../onnx/graph.ts';
import {
  discard,
  float32,
  floatsOf,
  int32,
  openSession,
  type Session,
  type SessionOptions,
} from '../onnx/session.ts';
import { inFile } from './place-in-file.ts';
import {
  decodeProgram,
  decodingNeedsInput,
  inMemory,
  type MatrixName,
  type PlaceTensor,
} from './programs.ts';
import type { Latents, Sae, SaeVectors } from './sae.ts';
import { isStored, type StoredSae } from './stored-sae.ts';

/** Floats of gathered decoder rows held at once: tokens × k × d_out (64 MiB; on another device 1 GiB, where a run costs more than its numbers). */
const ROWS_LIMIT = 16 << 20;
export const ROWS_ON_DEVICE = 256 << 20;

/**
 * Bytes of W_enc (256 MiB) from which on a stored SAE is used without a packed copy of it: encoding takes about 1.2
 * times as long, and the SAE no memory of its own.
 */
const UNPACKED_FROM = 256 << 20;

export interface DeviceOptions {
  device?: Device;
  threads?: number;
  /** Whether the thread goes on while it is computed; default as sessions do. For tests. */
  aside?: boolean;
}

export function sessionOptions({ device, threads, aside }: DeviceOptions): SessionOptions {
  return {
    ...(device === undefined ? {} : { device }),
    ...(threads === undefined ? {} : { threads }),
    ...(aside === undefined ? {} : { aside }),
  };
}

/** A program of an SAE, its tensors in memory or where they lie in its file, and how it is opened. */
export async function programOf<Program>(
  sae: Sae | StoredSae,
  make: (sae: SaeVectors, place: PlaceTensor, provider?: Provider) => Program,
  needed: readonly MatrixName[],
  options: DeviceOptions,
): Promise<{ program: Program; settings: SessionOptions }> {
  const large = isStored(sae) && 4 * sae.d_in * sae.d_sae >= UNPACKED_FROM;
  const { place, ...where } = isStored(sae) ? await inFile(sae, needed) : { place: inMemory(sae) };
  const settings = { ...sessionOptions(options), ...where, ...(large ? { prepack: false } : {}) };
  return { program: make(sae, place, providerOf(options.device ?? 'cpu')), settings };
}

export interface OpenDecoder {
  session: Session;
  /** As `OpenSae.decode`. */
  decode(latents: Latents, tokens: number, x?: Float32Array): Promise<Float32Array>;
  close(): Promise<void>;
}

/** @throws UnavailableError when the device cannot take it */
export async function openDecoder(sae: Sae | StoredSae, options: DeviceOptions): Promise<OpenDecoder> {
  const { d_in, d_out = d_in } = sae;
  const fixed = sae.architecture === 'topk' ? sae.k : null;
  const limit =
    (options.device ?? 'cpu') === 'cpu' || sae.architecture === 'matching_pursuit'
      ? ROWS_LIMIT
      : ROWS_ON_DEVICE;
  const { program, settings } = await programOf(sae, decodeProgram, ['W_dec'], options);
  const session = await openSession(program, settings);
  const needsInput = decodingNeedsInput(sae);

  async function decode(latents: Latents, tokens: number, x?: Float32Array): Promise<Float32Array> {
    const { k, values, indices } = latents;
    if (fixed !== null && k !== fixed) throw new RangeError(`latents of ${k} slots, expected ${fixed}`);
    checkLength('values', values, tokens, k);
    checkLength('indices', indices, tokens, k);
    if (needsInput) checkLength('x', x ?? [], tokens, d_in);
    const reconstruction = new Float32Array(tokens * d_out);
    for (const [from, to] of stretches(tokens, limit / (k * d_out))) {
      const dims = [to - from, k];
      const outputs = await session.run({
        values: float32(values.subarray(from * k, to * k), dims),
        indices: int32(indices.subarray(from * k, to * k), dims),
        ...(needsInput && x ? { x: float32(x.subarray(from * d_in, to * d_in), [to - from, d_in]) } : {}),
      });
      const found = floatsOf(outputs, 'reconstruction');
      reconstruction.set(found, from * d_out);
      discard(found);
    }
    return reconstruction;
  }

  return { session, decode, close: () => session.close() };
}

export function checkLength(name: string, array: ArrayLike<unknown>, tokens: number, width: number): void {
  if (array.length !== tokens * width)
    throw new RangeError(`${name}: ${array.length} values, expected ${tokens} tokens × ${width}`);
}

/** [from, to) pairs that cover 0..total in steps of at most `limit`, at least one each. */
export function* stretches(total: number, limit: number): Generator<[number, number]> {
  const size = Math.max(1, Math.floor(limit));
  for (let from = 0; from < total; from += size) yield [from, Math.min(from + size, total)];
}
