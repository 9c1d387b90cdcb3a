import { z } from 'zod';

/**
 * The one form in which the project holds an SAE. Field and tensor names are those of the published checkpoints
 * (W_enc, d_sae, apply_b_dec_to_input); every convention is a field, none is inferred from a name.
 *
 *     x' = normalisation of x;  pre = (x' − b_dec, if applied)·W_enc + b_enc
 *     z  = what the architecture makes of pre, never negative
 *     x̂  = z·W_dec + b_dec, the normalisation undone
 *
 * A transcoder has `d_out` (the width of what it predicts) and may have `W_skip`: x̂ gains x·W_skipᵀ. Its x̂ is of another
 * activation than x, so what was done to each token of x is not undone on it; only the one scalar of all tokens is
 * (`undoneOnOutput`).
 */
export type Sae =
  | ReluSae
  | TopKSae
  | JumpReluSae
  | BatchTopKSae
  | MatryoshkaSae
  | GatedSae
  | GroupMaxSae
  | MatchingPursuitSae;

export type Architecture = Sae['architecture'];

export interface SaeShape {
  /** Width of the residual stream. */
  d_in: number;
  /** Number of latents. */
  d_sae: number;
  /** Width of x̂ where it is another's than x (transcoders); default d_in. */
  d_out?: number;
}

/** Row-major float32. */
export interface SaeTensors {
  /** [d_in, d_sae] */
  W_enc: Float32Array;
  /** [d_sae, d_in]; of a transcoder [d_sae, d_out] */
  W_dec: Float32Array;
  /** [d_sae] */
  b_enc: Float32Array;
  /** [d_in]; of a transcoder [d_out] */
  b_dec: Float32Array;
}

/** What is done to x before encoding and undone on x̂; d = d_in. */
export type Normalisation =
  | { kind: 'none' }
  /** x' = scale·x for all tokens alike; scale is √d over the mean norm of the training activations. */
  | { kind: 'expected_average_only_in'; scale: number }
  /** x' = x·√d/‖x‖, a token at a time. */
  | { kind: 'constant_norm_rescale' }
  /** x' = (x − mean)/(std + 1e-5), a token at a time, std over d − 1. */
  | { kind: 'layer_norm' };

/**
 * The normalisation that is undone on x̂. A transcoder's x̂ has no mean or norm of its input to get back (SAELens:
 * `Transcoder.decode` leaves them, while `fold_activation_norm_scaling_factor` divides W_dec and b_dec by the scalar).
 */
export function undoneOnOutput({
  normalisation,
  d_out,
}: Pick<SaeVectors, 'normalisation' | 'd_out'>): Normalisation {
  const ofToken = normalisation.kind === 'constant_norm_rescale' || normalisation.kind === 'layer_norm';
  return d_out !== undefined && ofToken ? { kind: 'none' } : normalisation;
}

/** The same, as it stands in files. */
export const normalisation: z.ZodType<Normalisation> = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('none') }),
  z.strictObject({ kind: z.literal('expected_average_only_in'), scale: z.number().positive() }),
  z.strictObject({ kind: z.literal('constant_norm_rescale') }),
  z.strictObject({ kind: z.literal('layer_norm') }),
]);

/** Added to the standard deviation by layer_norm, and not when it is undone: as SAELens and OpenAI's code do. */
export const LAYER_NORM_EPSILON = 1e-5;

interface Conventions extends SaeShape {
  /** Whether b_dec is subtracted from x' before encoding. It is always added in decoding. */
  apply_b_dec_to_input: boolean;
  normalisation: Normalisation;
  /** [d_out, d_in] */
  W_skip?: Float32Array;
  /** Of a temporal SAE: predicts a token from those before it in its text. The rest is encoded, and x̂ is the prediction plus what is decoded. */
  context?: TemporalContext;
}

/** x·weightᵀ + bias */
export interface LinearMap {
  /** [out, in] */
  weight: Float32Array;
  /** [out] */
  bias: Float32Array;
}

/**
 * The prediction of a temporal SAE (Lubana et al. 2025, arXiv 2511.01836). It starts from r = x' − b_dec. In each layer the latents
 * c = relu(r·W_enc) attend causally: the queries are made from a token's own c, keys and values from the c of the tokens before it
 * (zeros before the first). The relu of o's output times W_dec is a direction; r's projection on it is added to the prediction
 * and taken from r.
 */
export interface TemporalContext {
  heads: number;
  /** Weights of k and q [any multiple of heads, d_sae], of v and o [d_sae, d_sae]. */
  layers: readonly { k: LinearMap; q: LinearMap; v: LinearMap; o: LinearMap }[];
}

/** z = relu(pre). SAELens: "standard". */
export interface ReluSae extends Conventions, SaeTensors {
  architecture: 'relu';
}

/**
 * Gao et al. 2024, arXiv 2406.04093: the k largest pre are kept, of equal ones the lowest index; z = relu of those.
 * With rescale_acts_by_decoder_norm (SAELens), pre_j is multiplied by ‖W_dec_j‖ before the selection and z_j divided
 * by it in decoding.
 */
export interface TopKSae extends Conventions, SaeTensors {
  architecture: 'topk';
  /** Latents kept a token, 1..d_sae. */
  k: number;
  rescale_acts_by_decoder_norm: boolean;
}

/** Rajamanoharan et al. 2024, arXiv 2407.14435: z = relu(pre)·1[pre > threshold]. */
export interface JumpReluSae extends Conventions, SaeTensors {
  architecture: 'jumprelu';
  /** [d_sae] */
  threshold: Float32Array;
}

/** Bussmann et al. 2024, arXiv 2412.06410, as it is used: one threshold for all latents. k holds on average only. */
export interface BatchTopKSae extends Conventions, SaeTensors {
  architecture: 'batchtopk';
  /** [d_sae] */
  threshold: Float32Array;
  k: number;
}

/** Bussmann et al. 2025, arXiv 2503.17547, as it is used: a BatchTopK SAE of which each prefix of groups is one too. */
export interface MatryoshkaSae extends Conventions, SaeTensors {
  architecture: 'matryoshka';
  /** [d_sae] */
  threshold: Float32Array;
  k: number;
  /** Latents of each group; they sum to d_sae. */
  group_sizes: readonly number[];
}

/**
 * Rajamanoharan et al. 2024, arXiv 2404.16014, with c = (x' − b_dec, if applied)·W_enc:
 * z = 1[c + b_gate > 0]·relu(c·exp(r_mag) + b_mag).
 */
export interface GatedSae extends Conventions, Omit<SaeTensors, 'b_enc'> {
  architecture: 'gated';
  /** [d_sae] */
  b_gate: Float32Array;
  /** [d_sae] */
  b_mag: Float32Array;
  /** [d_sae] */
  r_mag: Float32Array;
}

/**
 * sparsify's groupmax: latents stand in k groups of d_sae / k each, in order, and of each group the largest pre is kept, of equal
 * ones the lowest index; z = relu of those.
 */
export interface GroupMaxSae extends Conventions, SaeTensors {
  architecture: 'groupmax';
  /** Groups: a divisor of d_sae. */
  k: number;
}

/**
 * Matching pursuit as SAELens has it (Costa et al. 2025, arXiv 2506.03093): of r, at first x' − b_dec, the latent of largest r·W_dec_j
 * gains relu(r·W_dec_j), and r loses as much of W_dec_j; again and again, until r is short enough, no further latent becomes active,
 * or a number of times. The encoder is W_decᵀ.
 */
export interface MatchingPursuitSae extends Conventions, Omit<SaeTensors, 'b_enc'> {
  architecture: 'matching_pursuit';
  /** ‖r‖ of x' below which it ends; 0 for never. */
  residual_threshold: number;
  max_iterations: number;
  /** Whether it ends where a step makes no further latent active. */
  stop_on_duplicate_support: boolean;
}

/** Latents of T tokens, k slots a token: z[t, indices[t·k + s]] = values[t·k + s], everything else 0. */
export interface Latents {
  /**
   * Slots a token. A topk SAE has its own k; of the others it is the largest number of active latents of any of
   * these tokens, at least 1.
   */
  k: number;
  /** [T, k], largest first, never negative. */
  values: Float32Array;
  /**
   * [T, k]. A slot whose value is 0 is empty; of a topk SAE it still names the latent that was selected, of the
   * others it is 0.
   */
  indices: Int32Array;
}

/** The tensors that a trained TopK SAE consists of. */
export const tensorNames = ['W_enc', 'W_dec', 'b_enc', 'b_dec'] as const;

export type TensorName = (typeof tensorNames)[number];

export function tensorShape(name: TensorName, { d_in, d_sae, d_out = d_in }: SaeShape): readonly number[] {
  switch (name) {
    case 'W_enc':
      return [d_in, d_sae];
    case 'W_dec':
      return [d_sae, d_out];
    case 'b_enc':
      return [d_sae];
    case 'b_dec':
      return [d_out];
  }
}

export function tensorLength(name: TensorName, shape: SaeShape): number {
  return tensorShape(name, shape).reduce((product, size) => product * size, 1);
}

export interface NamedTensor {
  name: string;
  shape: readonly number[];
  data: Float32Array;
}

/** Every tensor an SAE has, in a fixed order. */
export function tensorsOf(sae: Sae): NamedTensor[] {
  return [
    { name: 'W_enc', data: sae.W_enc, shape: tensorShape('W_enc', sae) },
    { name: 'W_dec', data: sae.W_dec, shape: tensorShape('W_dec', sae) },
    ...vectorsOf(sae),
  ];
}

type WithoutMatrices<S> = S extends Sae ? Omit<S, 'W_enc' | 'W_dec'> : never;

/** An SAE but for its two large matrices. */
export type SaeVectors = WithoutMatrices<Sae>;

/** The tensors besides W_enc and W_dec, in a fixed order. */
export function vectorsOf(sae: SaeVectors): NamedTensor[] {
  const latents = [sae.d_sae];
  const named = (name: string, data: Float32Array, shape: readonly number[]): NamedTensor => ({
    name,
    shape,
    data,
  });
  const found: NamedTensor[] = [];
  if ('b_enc' in sae) found.push(named('b_enc', sae.b_enc, latents));
  found.push(named('b_dec', sae.b_dec, tensorShape('b_dec', sae)));
  switch (sae.architecture) {
    case 'relu':
    case 'topk':
    case 'groupmax':
    case 'matching_pursuit':
      break;
    case 'jumprelu':
    case 'batchtopk':
    case 'matryoshka':
      found.push(named('threshold', sae.threshold, latents));
      break;
    case 'gated':
      found.push(named('b_gate', sae.b_gate, latents), named('b_mag', sae.b_mag, latents));
      found.push(named('r_mag', sae.r_mag, latents));
      break;
    default:
      sae satisfies never;
  }
  for (const [i, layer] of (sae.context?.layers ?? []).entries()) {
    for (const name of ['k', 'q', 'v', 'o'] as const) {
      const { weight, bias } = layer[name];
      const out = name === 'q' ? layer.k.bias.length : name === 'k' ? bias.length : sae.d_sae;
      found.push(named(`context.${i}.${name}.weight`, weight, [out, sae.d_sae]));
      found.push(named(`context.${i}.${name}.bias`, bias, [out]));
    }
  }
  if (sae.W_skip) found.push(named('W_skip', sae.W_skip, [sae.d_out ?? sae.d_in, sae.d_in]));
  return found;
}

/**
 * The SAE itself, once its parts are known to fit together. Tensors are not copied.
 *
 * @throws RangeError when a tensor's length, k, the groups or the conventions do not fit
 */
export function checkedSae<S extends Sae>(sae: S): S {
  checkConventions(sae);
  for (const name of ['W_enc', 'W_dec'] as const) {
    const expected = tensorLength(name, sae);
    if (sae[name].length !== expected)
      throw new RangeError(`${name}: ${sae[name].length} values, expected ${expected}`);
  }
  return sae;
}

/** @throws RangeError when sizes, vectors, k, the groups or the conventions do not fit together */
export function checkConventions(sae: SaeVectors): void {
  const { d_in, d_sae, normalisation } = sae;
  const d_out = sae.d_out ?? d_in;
  for (const [name, size] of Object.entries({ d_in, d_sae, d_out })) {
    if (!(Number.isInteger(size) && size >= 1)) throw new RangeError(`${name} = ${size}, expected 1 or more`);
  }
  for (const { name, shape, data } of vectorsOf(sae)) {
    const expected = shape.reduce((product, size) => product * size, 1);
    if (data.length !== expected)
      throw new RangeError(`${name}: ${data.length} values, expected ${expected}`);
  }
  if ('k' in sae && (!Number.isInteger(sae.k) || sae.k < 1 || sae.k > d_sae)) {
    throw new RangeError(`k = ${sae.k}, expected 1..${d_sae}`);
  }
  if (sae.architecture === 'groupmax' && d_sae % sae.k !== 0)
    throw new RangeError(`k = ${sae.k} groups of ${d_sae} latents, expected a divisor`);
  if (sae.architecture === 'matching_pursuit') {
    const { residual_threshold, max_iterations } = sae;
    if (!(Number.isFinite(residual_threshold) && residual_threshold >= 0))
      throw new RangeError(`residual_threshold = ${residual_threshold}, expected 0 or more`);
    if (!(Number.isInteger(max_iterations) && max_iterations >= 1))
      throw new RangeError(`max_iterations = ${max_iterations}, expected 1 or more`);
    if (sae.d_out !== undefined) throw new RangeError('matching pursuit with d_out, expected an SAE');
  }
  if (sae.architecture === 'matryoshka') {
    const sum = sae.group_sizes.reduce((total, size) => total + size, 0);
    if (sum !== d_sae || sae.group_sizes.some((size) => !Number.isInteger(size) || size < 1)) {
      throw new RangeError(`groups of ${sum} latents together, expected ${d_sae}`);
    }
  }
  if (normalisation.kind === 'expected_average_only_in') {
    const { scale } = normalisation;
    if (!(Number.isFinite(scale) && scale > 0)) throw new RangeError(`scale = ${scale}, expected above 0`);
  }
  if (sae.context !== undefined) checkContext(sae, sae.context);
  if (d_out !== d_in && sae.apply_b_dec_to_input) {
    throw new RangeError('b_dec of another width than x, expected apply_b_dec_to_input false');
  }
}

function checkContext(sae: SaeVectors, { heads, layers }: TemporalContext): void {
  const bare =
    sae.architecture === 'relu' || (sae.architecture === 'topk' && !sae.rescale_acts_by_decoder_norm);
  const scaled = sae.normalisation.kind === 'none' || sae.normalisation.kind === 'expected_average_only_in';
  if (!bare || !scaled || !sae.apply_b_dec_to_input || sae.d_out !== undefined || sae.W_skip !== undefined)
    throw new RangeError(
      'temporal attention before latents of another kind, expected relu or topk, b_dec subtracted',
    );
  if (layers.length === 0) throw new RangeError('temporal attention of 0 layers, expected 1 or more');
  for (const { k } of layers) {
    const divides = (width: number): boolean => width >= heads && width % heads === 0;
    if (!(Number.isInteger(heads) && heads >= 1 && divides(k.bias.length) && divides(sae.d_sae)))
      throw new RangeError(`heads = ${heads}, expected a divisor of ${k.bias.length} and ${sae.d_sae}`);
  }
}

/**
 * A new TopK SAE of the given tensors, which are not copied.
 *
 * @throws RangeError when a tensor's length or k does not fit d_in and d_sae
 */
export function topKSae(
  parts: SaeShape &
    SaeTensors & {
      k: number;
      apply_b_dec_to_input?: boolean;
      rescale_acts_by_decoder_norm?: boolean;
      normalisation?: Normalisation;
      W_skip?: Float32Array;
    },
): TopKSae {
  const { d_in, d_sae, d_out, k, W_enc, W_dec, b_enc, b_dec, W_skip } = parts;
  return checkedSae({
    architecture: 'topk',
    d_in,
    d_sae,
    ...(d_out === undefined ? {} : { d_out }),
    k,
    apply_b_dec_to_input: parts.apply_b_dec_to_input ?? true,
    rescale_acts_by_decoder_norm: parts.rescale_acts_by_decoder_norm ?? false,
    normalisation: parts.normalisation ?? { kind: 'none' },
    W_enc,
    W_dec,
    b_enc,
    b_dec,
    ...(W_skip === undefined ? {} : { W_skip }),
  });
}
