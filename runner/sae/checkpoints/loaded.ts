/** What every adapter of a published format gives back, and what the adapters share. */
import { readFile, stat } from 'node:fs/promises';
import { parse } from 'yaml';
import { z } from 'zod';
import { MalformedError, quote, unreadable } from '../../errors.ts';
import { parseJson } from '../../formats/json.ts';
import { readSafetensors, storedArray } from '../../formats/safetensors.ts';
import { matrixOf, readArray, type StoredArray } from '../../formats/stored-array.ts';
import { finiteMatrix, type StoredMatrix } from '../../formats/stored-matrix.ts';
import { type ByteSource, openFile } from '../../io/byte-source.ts';
import { type Sae, vectorsOf } from '../sae.ts';
import { checkedStored, type LatentSlice, latentSlice, loaded, type StoredSae } from '../stored-sae.ts';

/** The name of an adapter's format. */
export type SaeFormat = string;

export interface LoadedSae {
  format: SaeFormat;
  sae: Sae;
  details: SaeDetails;
  /** What was done to the stored tensors, in order, each one phrase. */
  conversions: string[];
}

/** An SAE of a published format, its large matrices still in the file. Close it when it is done with. */
export interface SaeFile extends Omit<LoadedSae, 'sae'> {
  sae: StoredSae;
  /** The files it consists of. */
  files: readonly string[];
  /** All of it in memory. @throws MalformedError when a checksum of its file is another */
  load(): Promise<LoadedSae>;
  /** Latents from..to without the others. @throws RangeError for a range outside 0..d_sae */
  latents(from: number, to: number): Promise<LatentSlice>;
  close(): Promise<void>;
}

/** What an adapter makes of an opened file of tensors. */
export type Described = Pick<SaeFile, 'format' | 'sae' | 'details' | 'conversions'>;

/**
 * Opens the file that holds the tensors, for as long as the SAE is used.
 *
 * @param others the files read beside it, such as its config
 * @throws what `describe` throws, with the file closed
 */
export async function openTensors(
  path: string,
  others: readonly string[],
  describe: (source: ByteSource) => Promise<Described>,
): Promise<SaeFile> {
  const source = await openFile(path);
  try {
    const described = await describe(source);
    const { sae, ...rest } = described;
    return {
      ...described,
      files: [path, ...others],
      load: async () => ({ ...rest, sae: await loaded(sae) }),
      latents: (from, to) => latentSlice(sae, from, to),
      close: () => source.close(),
    };
  } catch (error) {
    await source.close();
    throw error;
  }
}

/** Opens, loads and closes: for adapters' readers. */
export async function loadedFrom(opening: Promise<SaeFile>): Promise<LoadedSae> {
  const file = await opening;
  return file.load().finally(() => file.close());
}

/** What the files say of where the SAE belongs; null where they say nothing. */
export interface SaeDetails {
  model_name: string | null;
  hook_name: string | null;
  /** Of a transcoder: the hook that it reconstructs. */
  hook_name_out?: string | null;
  /** Tokens it was trained on, where its files say so. */
  tokens_seen?: number;
}

/** A config file of more bytes than this is not one. */
const CONFIG_LIMIT = 1_000_000;
/** The same of YAML, which takes longer to parse. */
const YAML_LIMIT = 100_000;
/** Rows or columns beyond any SAE; keeps their product an exact number. */
const SIZE_LIMIT = 2 ** 26;

export const size = z.int().positive().max(SIZE_LIMIT);
export const shortText = z.string().max(1_000);

/**
 * Reads a JSON config.
 *
 * @throws UnavailableError when it cannot be read
 * @throws MalformedError when it is not JSON or not what the schema says
 */
export async function readConfig<T>(path: string, schema: z.ZodType<T>, format: string): Promise<T> {
  return parseConfig(path, await readJson(path), schema, format);
}

/** @throws MalformedError when a config is not what the schema says */
export function parseConfig<T>(path: string, raw: unknown, schema: z.ZodType<T>, format: string): T {
  const parsed = schema.safeParse(raw);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const place = issue?.path.map(String).join('.') || 'the file';
  const unknown = issue?.code === 'unrecognized_keys';
  throw new MalformedError({
    thing: path,
    found: quote(`${place}${shown(raw, issue?.path ?? [])}: ${issue?.message ?? 'another shape'}`),
    expected: unknown ? `a config of ${format}, every key of it known` : `a config of ${format}`,
    next: unknown
      ? 'Check the format, or report the key: it may change what the SAE computes.'
      : 'Correct the config, or download it again.',
  });
}

/** A config's value at a place, where it is one that can be shown. */
function shown(raw: unknown, path: readonly PropertyKey[]): string {
  let value: unknown = raw;
  for (const key of path)
    value =
      typeof value === 'object' && value !== null && Object.hasOwn(value, key)
        ? (value as Record<PropertyKey, unknown>)[key]
        : undefined;
  const plain = ['string', 'number', 'boolean'].includes(typeof value) || value === null;
  return path.length > 0 && plain ? ` ${JSON.stringify(value).slice(0, 60)}` : '';
}

/** @throws UnavailableError @throws MalformedError */
export async function readJson(path: string): Promise<unknown> {
  return readParsed(path, { kind: 'a JSON object', limit: CONFIG_LIMIT, parsed: parseJson });
}

/** @throws UnavailableError @throws MalformedError */
export async function readYaml(path: string): Promise<unknown> {
  return readParsed(path, {
    kind: 'YAML',
    limit: YAML_LIMIT,
    parsed: (text) =>
      parse(text, { schema: 'core', maxAliasCount: 0, prettyErrors: false, logLevel: 'error' }),
  });
}

async function readParsed(
  path: string,
  { kind, limit, parsed }: { kind: string; limit: number; parsed: (text: string) => unknown },
): Promise<unknown> {
  const failed = (cause: unknown): never => {
    throw unreadable(path, cause);
  };
  const { size: bytes } = await stat(path).catch(failed);
  const text = bytes > limit ? null : await readFile(path, 'utf8').catch(failed);
  try {
    if (text === null) throw new RangeError(`${bytes} bytes`);
    return parsed(text);
  } catch (cause) {
    throw new MalformedError(
      {
        thing: path,
        found: cause instanceof Error ? quote(cause.message) : `not ${kind}`,
        expected: `${kind} of at most ${limit} bytes`,
        next: 'Download or write the file again.',
      },
      { cause },
    );
  }
}

/** Every tensor of a safetensors file, where it lies. @throws MalformedError */
export async function storedTensors(source: ByteSource): Promise<Map<string, StoredArray>> {
  const file = await readSafetensors(source);
  return new Map([...file.tensors.keys()].map((name) => [name, storedArray(source, file, name)]));
}

/** Tensors by name, each read once; `rest` refuses a file with tensors that were not read. */
export class TensorBag {
  readonly #thing: string;
  readonly #format: string;
  readonly #tensors: Map<string, StoredArray>;

  constructor(thing: string, format: string, tensors: ReadonlyMap<string, StoredArray>) {
    this.#thing = thing;
    this.#format = format;
    this.#tensors = new Map(tensors);
  }

  has(name: string): boolean {
    return this.#tensors.has(name);
  }

  /** @param shape sizes it must have; −1 matches any */
  #take(name: string, shape: readonly number[]): StoredArray {
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

  /** A vector, or anything small: read now. @param shape sizes it must have @throws MalformedError for a NaN in it */
  async take(name: string, shape: readonly number[]): Promise<Float32Array> {
    const found = await readArray(this.#take(name, shape));
    const at = found.findIndex((value) => !Number.isFinite(value));
    if (at >= 0) throw this.malformed(`${found[at]} in tensor ${quote(name)}, element ${at}`, 'numbers');
    return found;
  }

  /** A matrix, left where it is; a NaN in it is found as it is read. @param shape sizes it must have; −1 matches any */
  matrix(name: string, shape: readonly [number, number]): StoredMatrix {
    const array = this.#take(name, shape);
    const [rows, columns] = array.shape;
    const [down, across] = array.stride;
    if (down !== 1 && across !== 1 && rows !== 1 && columns !== 1) {
      throw this.malformed(`tensor ${quote(name)} as a view with gaps`, 'numbers side by side');
    }
    return finiteMatrix(matrixOf(array), (value, row, column) =>
      this.malformed(`${value} in tensor ${quote(name)}, row ${row}, column ${column}`, 'numbers'),
    );
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

/** An SAE of an adapter, held against its own sizes, and what was computed from its tensors to be numbers. @throws MalformedError */
export function accepted<S extends StoredSae>(thing: string, sae: S): S {
  try {
    checkFinite(sae);
    return checkedStored(sae);
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

/** What a file holds is finite when it is read; what an adapter makes of it need not be. @throws RangeError */
function checkFinite(sae: StoredSae): void {
  for (const { name, data } of vectorsOf(sae)) {
    const at = data.findIndex(
      (value) => !Number.isFinite(name === 'r_mag' ? Math.fround(Math.exp(value)) : value),
    );
    if (at >= 0)
      throw new RangeError(
        `${name} of ${data[at]} at latent or dimension ${at}, expected what float32 holds`,
      );
  }
  const { normalisation } = sae;
  if (normalisation.kind !== 'expected_average_only_in') return;
  const scale = Math.fround(normalisation.scale);
  if (!Number.isFinite(scale) || scale === 0)
    throw new RangeError(`scale = ${normalisation.scale}, expected what float32 holds`);
}
