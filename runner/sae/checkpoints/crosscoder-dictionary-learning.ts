/**
 * CrossCoder and BatchTopKCrossCoder of science-of-finetuning's dictionary_learning, in two layouts: pushed to the hub (`config.json`
 * of the class's arguments, `model.safetensors`), and as its trainers save them (`config.json` with `trainer`, `ae.pt` or
 * `model_final.pt`). encoder.weight [places, d, latents], decoder.weight [places, latents, d], biases; of BatchTopK one threshold of
 * latents that are multiplied by a norm of their decoder; newer files have the mean and the scale of activations.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { UserError } from '../../errors.ts';
import { readSafetensors, readWholes, storedArray } from '../../formats/safetensors.ts';
import { readArray, type StoredArray } from '../../formats/stored-array.ts';
import { besideOf, type StoredMatrix } from '../../formats/stored-matrix.ts';
import { readTorchFile, TorchTensor } from '../../formats/torch-file.ts';
import { type ByteSource, openFile } from '../../io/byte-source.ts';
import { cancellationPoint } from '../../math/cancellation.ts';
import { type CrosscoderFile, mergedAxes, PLACE_LIMIT, type Scaling } from './crosscoder.ts';
import { crosscoderAdapter } from './crosscoder-adapter.ts';
import { hookOfTrainer } from './dictionary-learning.ts';
import { accepted, readConfig, shortText, size, TensorBag } from './loaded.ts';

const CONFIG = 'config.json';
const PUSHED = 'model.safetensors';
/** As its training script, and its older one, call the last weights. */
const SAVED = ['ae.pt', 'model_final.pt'] as const;
const FORMAT = 'crosscoder-dictionary-learning';

/** In the order of its ids, from 1 on. */
const codes = ['CROSSCODER', 'SAE', 'MIXED', 'NONE', 'DECOUPLED'] as const;
type CodeNorm = (typeof codes)[number];

const normSettings = {
  code_normalization: z.enum(codes).optional(),
  code_normalization_alpha_sae: z.number().nullish(),
  code_normalization_alpha_cc: z.number().nullish(),
};

const hubSchema = z.strictObject({
  activation_dim: size,
  dict_size: size,
  num_layers: z.int().min(2).max(PLACE_LIMIT),
  k: size.nullish(),
  ...normSettings,
  /** Which places are read, where not all are. */
  encoder_layers: z.array(z.int().nonnegative()).max(PLACE_LIMIT).nullish(),
  num_decoder_layers: z.int().nullish(),
  latent_processor: z.null().optional(),
  // Of initialisation, and of buffers that the tensors hold.
  same_init_for_all_layers: z.boolean().optional(),
  norm_init_scale: z.number().nullish(),
  init_with_transpose: z.boolean().optional(),
  activation_mean: z.null().optional(),
  activation_std: z.null().optional(),
  target_rms: z.number().nullish(),
});

const trainedSchema = z.looseObject({
  trainer: z.looseObject({
    dict_class: z.enum(['CrossCoder', 'BatchTopKCrossCoder']),
    activation_dim: size,
    dict_size: size,
    k: size.optional(),
    layer: z.int().nonnegative().max(10_000).nullish(),
    lm_name: shortText.nullish(),
    submodule_name: shortText.nullish(),
    ...normSettings,
  }),
});

/** What both configs come to. */
interface Said {
  d: number;
  d_sae: number;
  places: number | null;
  k: number | null;
  norms: z.output<z.ZodObject<typeof normSettings>>;
  details: CrosscoderFile['details'];
}

const CLASS = '"dict_class"\\s*:\\s*"(?:BatchTopK)?CrossCoder"';

export const hubCrosscoder = crosscoderAdapter({
  takes: [],
  files: /^(?:config\.json|model\.safetensors)$/,
  format: FORMAT,
  mark: {
    folder: (names) => names.includes(CONFIG) && names.includes(PUSHED),
    tensor: { file: PUSHED, name: 'encoder.weight' },
    unless: /^(?:tokenizer|generation_config)/,
  },
  tensors: /^model\.safetensors$/,
  async crosscoder(folder) {
    const path = join(folder, CONFIG);
    const config = await readConfig(path, hubSchema, 'dictionary_learning’s crosscoders');
    const { activation_dim: d, dict_size: d_sae, num_layers: places, k = null } = config;
    if (config.num_decoder_layers != null && config.num_decoder_layers !== places)
      throw otherPlaces(path, `${places} places read and ${config.num_decoder_layers} written`);
    if (
      config.encoder_layers?.some((layer, i) => layer !== i) ||
      (config.encoder_layers ?? { length: places }).length !== places
    )
      throw otherPlaces(path, `places ${config.encoder_layers!.join(', ')} of ${places} read`);
    const details = { model_name: null, hook_name: null };
    return opened(join(folder, PUSHED), path, { d, d_sae, places, k, norms: config, details });
  },
});

export const trainedCrosscoder = crosscoderAdapter({
  takes: [],
  files: /^(?:config\.json|ae\.pt|model_final\.pt)$/,
  format: FORMAT,
  mark: {
    folder: (names) => names.includes(CONFIG) && SAVED.some((name) => names.includes(name)),
    says: { file: CONFIG, words: new RegExp(CLASS) },
  },
  tensors: /^(?:ae|model_final)\.pt$/,
  async crosscoder(folder) {
    const path = join(folder, CONFIG);
    const { trainer } = await readConfig(path, trainedSchema, 'dictionary_learning’s crosscoders');
    const names = await readdir(folder);
    const weights = SAVED.find((name) => names.includes(name))!;
    const { activation_dim: d, dict_size: d_sae, k = null, lm_name, layer, submodule_name } = trainer;
    const hook_name = hookOfTrainer({ layer: layer ?? undefined, submodule_name });
    const details = { model_name: lm_name ?? null, hook_name };
    return opened(join(folder, weights), path, { d, d_sae, places: null, k, norms: trainer, details });
  },
});

function otherPlaces(thing: string, found: string): UserError {
  return new UserError({
    thing,
    found: `a crosscoder with ${found}`,
    expected: 'one that reads and writes the same places',
    next: 'Choose another crosscoder.',
  });
}

/** The tensors of a file: of floating types where they lie, of whole numbers as such. */
interface Tensors {
  floats: Map<string, StoredArray>;
  wholes: Map<string, number[]>;
}

async function opened(weights: string, config: string, said: Said): Promise<CrosscoderFile> {
  const source = await openFile(weights);
  try {
    const tensors = await (weights.endsWith('.pt') ? savedTensors(source) : pushedTensors(source));
    return {
      ...(await assembled(source, tensors, said)),
      files: [weights, config],
      close: () => source.close(),
    };
  } catch (error) {
    await source.close();
    throw error;
  }
}

async function pushedTensors(source: ByteSource): Promise<Tensors> {
  const file = await readSafetensors(source);
  const found: Tensors = { floats: new Map(), wholes: new Map() };
  for (const [name, { dtype }] of file.tensors) {
    if (/^[IU]/.test(dtype)) found.wholes.set(name, await readWholes(source, file, name));
    else found.floats.set(name, storedArray(source, file, name));
  }
  return found;
}

async function savedTensors(source: ByteSource): Promise<Tensors> {
  const { value, array, wholes } = await readTorchFile(source);
  const found: Tensors = { floats: new Map(), wholes: new Map() };
  const malformed = new TensorBag(source.name, FORMAT, new Map());
  if (!(value instanceof Map)) throw malformed.malformed('no state dict', 'a dict of tensors');
  for (const [key, tensor] of value) {
    if (!(tensor instanceof TorchTensor))
      throw malformed.malformed('something that is no tensor', 'tensors only');
    // Saved while it was compiled.
    const name = key.replace(/^_orig_mod\./, '');
    if (/^[IU]/.test(tensor.dtype)) found.wholes.set(name, await wholes(tensor));
    else found.floats.set(name, await array(tensor));
  }
  return found;
}

async function assembled(
  { name: thing }: ByteSource,
  { floats, wholes }: Tensors,
  { d, d_sae, k, norms, details, ...said }: Said,
): Promise<Omit<CrosscoderFile, 'files' | 'close'>> {
  const conversions: string[] = [];
  const unnamed = new TensorBag(thing, FORMAT, floats);
  const decoder = floats.get('decoder.weight');
  const places = said.places ?? decoder?.shape[0] ?? 0;
  if (places < 2 || places > PLACE_LIMIT)
    throw unnamed.malformed(`weights of ${places} places`, `2 to ${PLACE_LIMIT}`);
  const scaling = await scalingOf(floats, places, d, unnamed);
  if (scaling !== null) conversions.push('activations centred and scaled as its buffers say');
  const encoder = floats.get('encoder.weight');
  for (const [array, shape] of [
    [encoder, [places, d, d_sae]],
    [decoder, [places, d_sae, d]],
  ] as const) {
    if (array?.shape.join() !== shape.join())
      throw unnamed.malformed(`weights of shape [${array?.shape.join(', ') ?? ''}]`, `[${shape.join(', ')}]`);
  }
  floats.delete('decoder.weight');
  for (let place = 0; place < places; place++)
    floats.set(`decoder.weight ${place}`, slicedAt(decoder!, place));
  try {
    floats.set('encoder.weight', mergedAxes(encoder!, 0));
  } catch {
    throw unnamed.malformed('encoder.weight as a view with gaps', 'numbers side by side');
  }
  const bag = new TensorBag(thing, FORMAT, floats);
  const decoders = Array.from({ length: places }, (_, place) =>
    bag.matrix(`decoder.weight ${place}`, [d_sae, d]),
  );
  conversions.push('decoders of all places side by side');
  const shape = {
    d_in: places * d,
    d_sae,
    apply_b_dec_to_input: false,
    normalisation: { kind: 'none' },
  } as const;
  const parts = {
    ...shape,
    W_enc: bag.matrix('encoder.weight', [places * d, d_sae]),
    W_dec: besideOf(decoders as [StoredMatrix, ...StoredMatrix[]]),
    b_enc: await bag.take('encoder.bias', [d_sae]),
    b_dec: await bag.take('decoder.bias', [places, d]),
  };
  const code = codeNorm(wholes, norms, thing);
  const threshold = bag.has('threshold') ? (await bag.take('threshold', []))[0]! : null;
  const kept = wholes.get('k')?.[0] ?? k;
  bag.rest();
  const sae =
    threshold === null
      ? ({ ...parts, architecture: 'relu' } as const)
      : ({
          ...parts,
          architecture: 'batchtopk',
          k: kept ?? unsaid(unnamed),
          threshold: thresholds(threshold, await normsOf(decoders, code, norms)),
        } as const);
  if (threshold !== null && code !== 'NONE')
    conversions.push(`the threshold of latents times ${normWords[code]} as one for each latent`);
  return { format: FORMAT, details, conversions, places, d, sae: accepted(thing, sae), decoders, scaling };
}

const normWords: Record<Exclude<CodeNorm, 'NONE'>, string> = {
  CROSSCODER: 'the sum of their decoders’ norms',
  SAE: 'the norm of their whole decoder',
  MIXED: 'both norms of their decoders',
  DECOUPLED: 'the norm of each decoder',
};

function unsaid(bag: TensorBag): never {
  throw bag.malformed('a threshold without k', 'a tensor k');
}

/** One place of an array whose first axis they are. */
function slicedAt(array: StoredArray, place: number): StoredArray {
  const bytes = { F16: 2, BF16: 2, F32: 4, F64: 8 }[array.dtype];
  return {
    ...array,
    start: array.start + place * array.stride[0]! * bytes,
    shape: array.shape.slice(1),
    stride: array.stride.slice(1),
  };
}

/** Takes the buffers of activations out of the tensors; not-a-number in them says that nothing is scaled. */
async function scalingOf(
  floats: Map<string, StoredArray>,
  places: number,
  d: number,
  bag: TensorBag,
): Promise<Scaling | null> {
  const taken = async (name: string, shape: readonly number[]): Promise<Float32Array | null> => {
    const array = floats.get(name);
    floats.delete(name);
    if (array === undefined) return null;
    if (array.shape.join() !== shape.join())
      throw bag.malformed(`${name} of shape [${array.shape.join(', ')}]`, `[${shape.join(', ')}]`);
    return readArray(array);
  };
  await taken('target_rms', []);
  const mean = await taken('activation_mean', [places, d]);
  const deviation = await taken('activation_std', [places, d]);
  const by = await taken('activation_global_scale', [places]);
  if (mean === null || deviation === null) return null;
  if (mean.some(Number.isNaN) || deviation.some(Number.isNaN)) return null;
  if (by === null || ![...by, ...mean].every(Number.isFinite) || by.some((scale) => scale <= 0))
    throw bag.malformed('a mean of activations without scales', 'activation_global_scale, numbers above 0');
  return { mean, by, epsilon: EPSILON };
}

/** Added to the scale where it is undone, as its code does. */
const EPSILON = 1e-8;

function codeNorm(
  wholes: ReadonlyMap<string, number[]>,
  { code_normalization }: Said['norms'],
  thing: string,
): CodeNorm {
  const id = wholes.get('code_normalization_id')?.[0];
  const found = id === undefined ? (code_normalization ?? 'CROSSCODER') : codes[id - 1];
  if (found !== undefined && found !== 'DECOUPLED') return found;
  throw new UserError({
    thing,
    found:
      found === undefined
        ? `code normalisation ${id}`
        : 'a crosscoder with decoupled codes: latents of each place by themselves',
    expected: `one code of all places: ${codes.slice(0, -1).join(', ')}`,
    next: 'Choose another crosscoder.',
  });
}

/** Latents whose decoders are read at once. */
const AT_ONCE = 4096;

/** What latents are multiplied by before they are held against the threshold [latents]. */
async function normsOf(
  decoders: readonly StoredMatrix[],
  code: CodeNorm,
  norms: Said['norms'],
): Promise<Float64Array> {
  const latents = decoders[0]!.rows;
  if (code === 'NONE') return new Float64Array(latents).fill(1);
  const sums = new Float64Array(latents);
  const squares = new Float64Array(latents);
  for (const { rows, columns, block } of decoders) {
    for (let from = 0; from < rows; from += AT_ONCE) {
      cancellationPoint();
      const to = Math.min(rows, from + AT_ONCE);
      const part = await block({ rows: [from, to], columns: [0, columns] });
      for (let latent = from; latent < to; latent++) {
        let square = 0;
        for (let i = (latent - from) * columns; i < (latent - from + 1) * columns; i++)
          square += part[i]! ** 2;
        sums[latent]! += Math.sqrt(square);
        squares[latent]! += square;
      }
    }
  }
  const whole = squares.map(Math.sqrt);
  if (code === 'SAE') return whole;
  if (code === 'CROSSCODER') return sums;
  const { code_normalization_alpha_sae: sae, code_normalization_alpha_cc: cc } = norms;
  return whole.map((norm, latent) => (sae ?? 1) * norm + (cc ?? 0.1) * sums[latent]!);
}

/** Beyond any latent: of one without a decoder, which no threshold above 0 lets through. */
const NEVER = 3e38;

/** norm·z > threshold as z > threshold / norm. */
function thresholds(threshold: number, norms: Float64Array): Float32Array {
  return Float32Array.from(norms, (norm) =>
    norm > 0 ? Math.max(-NEVER, Math.min(NEVER, threshold / norm)) : threshold < 0 ? -1 : NEVER,
  );
}
