/** The content hash of an SAE: of its tensors, and of the few settings that it encodes and decodes with besides. */
import { createHash, type Hash } from 'node:crypto';
import { canonicalJson } from '../io/hash.ts';
import type {
  GatedSae,
  GroupMaxSae,
  JumpReluSae,
  MatchingPursuitSae,
  NamedTensor,
  ReluSae,
  Sae,
  SaeShape,
  SaeVectors,
  TopKSae,
} from './sae.ts';
import { tensorsOf } from './sae.ts';

/** By the names that SAELens' configs have for them, where they have one. */
export type EncodingSettings = Record<string, string | number | boolean>;

/** The settings that an SAE encodes and decodes with, besides its tensors and their sizes. */
export function encodingOf(sae: SaeVectors): EncodingSettings {
  const { apply_b_dec_to_input, normalisation, context, d_out } = sae;
  return {
    ...selectionOf(sae),
    apply_b_dec_to_input,
    normalize_activations: normalisation.kind,
    ...('scale' in normalisation ? { scaling_factor: normalisation.scale } : {}),
    // Less of the normalisation is undone on a transcoder's output (`undoneOnOutput`), which no tensor shows.
    ...(d_out === undefined ? {} : { transcoder: true }),
    ...(context === undefined ? {} : { attention_heads: context.heads }),
  };
}

/**
 * What `selectionOf` must name of an SAE S: every field but tensors, their sizes, and those that `encodingOf` puts in itself. A
 * field that is added to an SAE and not to its settings does not compile.
 */
type Selection<S> = { selection: string } & {
  [Field in keyof S as Field extends
    | 'architecture'
    | 'apply_b_dec_to_input'
    | 'normalisation'
    | 'context'
    | keyof SaeShape
    ? never
    : S[Field] extends Float32Array | undefined
      ? never
      : Field]: S[Field];
};

/** Which latents a token keeps. BatchTopK and Matryoshka SAEs encode as JumpReLU ones do: their k and groups are of training alone. */
function selectionOf(sae: SaeVectors): EncodingSettings {
  switch (sae.architecture) {
    case 'relu':
      return { selection: 'above 0' } satisfies Selection<ReluSae>;
    case 'jumprelu':
    case 'batchtopk':
    case 'matryoshka':
      return { selection: 'above a threshold' } satisfies Selection<JumpReluSae>;
    case 'gated':
      return { selection: 'gate' } satisfies Selection<GatedSae>;
    case 'topk':
      return {
        selection: 'k largest',
        k: sae.k,
        rescale_acts_by_decoder_norm: sae.rescale_acts_by_decoder_norm,
      } satisfies Selection<TopKSae>;
    case 'groupmax':
      return { selection: 'largest of each of k groups', k: sae.k } satisfies Selection<GroupMaxSae>;
    case 'matching_pursuit':
      return {
        selection: 'matching pursuit',
        residual_threshold: sae.residual_threshold,
        max_iterations: sae.max_iterations,
        stop_on_duplicate_support: sae.stop_on_duplicate_support,
      } satisfies Selection<MatchingPursuitSae>;
    default:
      return sae satisfies never;
  }
}

/**
 * Content hash of an SAE, whatever files it came from: SHA-256 over, in the order of `tensorsOf`, a line
 * "name F32 [shape]\n" and the little-endian bytes, and a last line "settings {…}\n" of `encodingOf` as canonical JSON.
 */
export function saeSha256(sae: Sae): string {
  const hash = createHash('sha256');
  for (const tensor of tensorsOf(sae)) addTensor(hash, tensor);
  return finished(hash, sae);
}

export function addTensor(hash: Hash, { name, shape, data }: NamedTensor): void {
  hash.update(`${name} F32 [${shape.join(',')}]\n`);
  hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}

/** The hash, once all tensors are in it. */
export function finished(hash: Hash, sae: SaeVectors): string {
  return hash.update(`settings ${canonicalJson(encodingOf(sae))}\n`).digest('hex');
}
