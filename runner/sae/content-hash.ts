/** What an SAE computes follows from its tensors and from a few settings that no tensor holds: both are in its content hash. */
import { createHash, type Hash } from 'node:crypto';
import { canonicalJson } from '../io/hash.ts';
import { type Sae, type SaeVectors, tensorsOf } from './sae.ts';

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
    // Of a transcoder x̂ is no x: less of the normalisation is undone on it.
    ...(d_out === undefined ? {} : { transcoder: true }),
    ...(context === undefined ? {} : { attention_heads: context.heads }),
  };
}

/** Which latents a token keeps. Architectures that differ in training alone are one rule here. */
function selectionOf(sae: SaeVectors): EncodingSettings {
  switch (sae.architecture) {
    case 'relu':
      return { selection: 'above 0' };
    case 'jumprelu':
    case 'batchtopk':
    case 'matryoshka':
      return { selection: 'above a threshold' };
    case 'gated':
      return { selection: 'gate' };
    case 'topk':
      return {
        selection: 'k largest',
        k: sae.k,
        rescale_acts_by_decoder_norm: sae.rescale_acts_by_decoder_norm,
      };
    case 'groupmax':
      return { selection: 'largest of each of k groups', k: sae.k };
    case 'matching_pursuit':
      return {
        selection: 'matching pursuit',
        residual_threshold: sae.residual_threshold,
        max_iterations: sae.max_iterations,
        stop_on_duplicate_support: sae.stop_on_duplicate_support,
      };
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
  for (const { name, shape, data } of tensorsOf(sae)) {
    hash.update(`${name} F32 [${shape.join(',')}]\n`);
    hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return finished(hash, sae);
}

/** The hash, once all tensors are in it. */
export function finished(hash: Hash, sae: SaeVectors): string {
  return hash.update(`settings ${canonicalJson(encodingOf(sae))}\n`).digest('hex');
}
