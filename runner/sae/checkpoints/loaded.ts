/** What every adapter of a published format gives back, and what the adapters share. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { MalformedError, quote, UnavailableError } from '../../errors.ts';
import { readFloats, readSafetensors } from '../../formats/safetensors.ts';
import type { ByteSource } from '../../io/byte-source.ts';
import { checkedSae, type Sae } from '../sae.ts';

export type SaeFormat =
  | 'dictionary-learning'
  | 'gemma-scope'
  | 'gemma-scope-2'
  | 'llama-scope'
  | 'openai'
  | 'qwen-scope'
  | 'reference-release'
  | 'sae-lens'
  | 'sparsify';

export interface LoadedSae {
  format: SaeFormat;
  sae: Sae;
  details: SaeDetails;
  /** What was done to the stored tensors, in order, each one phrase. */
  conversions: string[];
}

/** What the files say of where the SAE belongs; null where they say nothing. */
export interface SaeDetails {
  model_name: string | null;
  hook_name: string | null;
}

/** A config file larger than this is not one. */
const CONFIG_LIMIT = 1_000_000;
/** Rows or columns beyond any SAE; keeps their product an exact number. */
const SIZE_LIMIT = 2 ** 26;

export const size = z.int().positive().max(SIZE_LIMIT);
export const shortText = z.string().max(1_000);

export interface Shaped {
  data: Float32Array;
  shape: readonly number[];
}

/**
 * Reads a JSON config.
 *
 * @throws UnavailableError when it cannot be read
 * @throws MalformedError when it is not JSON or not what the schema says
 */
export async function readConfig<T>(path: string, schema: z.ZodType<T>, format: string): Promise<T> {
  const raw = await readJson(path);
  const parsed = schema.safeParse(raw);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const place = issue?.path.map(String).join('.') || 'the file';
  throw new MalformedError({
    thing: path,
    found: quote(`${place}: ${issue?.message ?? 'another shape'}`),
    expected: `a config of ${format}, every key of it known`,
    next: 'Check the format, or report the key: it may change what the SAE computes.',
  });
}

/** @throws UnavailableError @throws MalformedError */
export async function readJson(path: string): Promise<unknown> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new UnavailableError(
      {
        thing: path,
        found: cause instanceof Error ? cause.message : String(cause),
        expected: 'a readable file',
        next: 'Check the path and its permissions.',
      },
      { cause },
    );
  });
  try {
    if (text.length > CONFIG_LIMIT) throw new RangeError(`${text.length} characters`);
    return JSON.parse(text);
  } catch (error) {
    throw new MalformedError({
      thing: path,
      found: error instanceof Error ? quote(error.message) : 'no JSON',
      expected: `a JSON object of at most ${CONFIG_LIMIT} characters`,
      next: 'Download or write the file again.',
    });
  }
}

/** Every tensor of a safetensors file as float32. @throws MalformedError */
export async function readAllFloats(source: ByteSource): Promise<Map<string, Shaped>> {
  const file = await readSafetensors(source);
  const found = new Map<string, Shaped>();
  for (const [name, { shape }] of file.tensors) {
    found.set(name, { shape, data: await readFloats(source, file, name) });
  }
  return found;
}

/** Tensors by name, each asked for once; `rest` refuses what nobody asked for. */
export class TensorBag {
  readonly #thing: string;
  readonly #format: string;
  readonly #tensors: Map<string, Shaped>;

  constructor(thing: string, format: string, tensors: ReadonlyMap<string, Shaped>) {
    this.#thing = thing;
    this.#format = format;
    this.#tensors = new Map(tensors);
  }

  has(name: string): boolean {
    return this.#tensors.has(name);
  }

  /** @param shape sizes it must have; −1 matches any */
  shaped(name: string, shape: readonly number[]): Shaped {
    const found = this.#tensors.get(name);
    if (!found) throw this.malformed(`no tensor ${quote(name)}`, 'one');
    // A size of 0 leaves the others free to be anything, however large.
    const fits =
      found.shape.length === shape.length &&
      shape.every((each, i) => (each < 0 ? found.shape[i]! >= 1 : each === found.shape[i]));
    if (!fits) {
      throw this.malformed(
        `tensor ${quote(name)} of shape [${found.shape.join(', ')}]`,
        `[${shape.join(', ')}]`,
      );
    }
    this.#tensors.delete(name);
    return found;
  }

  take(name: string, shape: readonly number[]): Float32Array {
    return this.shaped(name, shape).data;
  }

  /** Takes a stored [rows, columns] as [columns, rows]. */
  turned(name: string, shape: readonly [number, number]): Float32Array {
    return transposed(this.take(name, shape), ...shape);
  }

  /** @throws MalformedError when a tensor is left that no rule of the format speaks of */
  rest(): void {
    const [left] = this.#tensors.keys();
    if (left !== undefined)
      throw this.malformed(`a tensor ${quote(left)}`, `the tensors of ${this.#format} only`);
  }

  malformed(found: string, expected: string): MalformedError {
    return new MalformedError({
      thing: this.#thing,
      found,
      expected,
      next: `Check that the file is one of ${this.#format} and whole.`,
    });
  }
}

/** [rows, columns] -> [columns, rows], row-major. */
export function transposed(data: Float32Array, rows: number, columns: number): Float32Array {
  const out = new Float32Array(data.length);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) out[j * rows + i] = data[i * columns + j]!;
  }
  return out;
}

/** An SAE of an adapter, held against its own sizes. @throws MalformedError */
export function accepted<S extends Sae>(thing: string, sae: S): S {
  try {
    return checkedSae(sae);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new MalformedError({
      thing,
      found: error.message.split(',')[0] ?? error.message,
      expected: error.message.split(/, expected /)[1] ?? 'parts that fit together',
      next: 'Download the SAE again, config and tensors of the same revision.',
    });
  }
}
