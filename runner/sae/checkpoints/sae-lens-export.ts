/** Writes SAEs in the layout of SAELens version 6, which its `SAE.load_from_disk` reads. */
import { join } from 'node:path';
import { encodeSafetensors } from '../../formats/safetensors.ts';
import { writeAtomic, writeJsonAtomic } from '../../io/write-atomic.ts';
import { type Sae, type SaeVectors, tensorsOf } from '../sae.ts';
import { saeLensFiles } from './sae-lens.ts';
import { foldedPursuit } from './sae-lens-pursuit.ts';

/** The version whose layout is written, and with whose package it was checked (test/fixtures/sae). */
export const SAE_LENS_VERSION = '6.54.12';

export interface SaeLensMetadata {
  model_name: string;
  hook_name: string;
  /** Anything else that SAELens knows: context_size, prepend_bos, dataset_path, … */
  [key: string]: unknown;
}

/**
 * Writes both files, each whole or not at all; the config comes last. BatchTopK and Matryoshka SAEs become jumprelu
 * ones, as SAELens writes them too; a scalar normalisation is folded into the weights, which changes no reconstruction,
 * and no latent but those rescaled by decoder norms: these are over the scalar, as SAELens' own folding leaves them.
 *
 * @throws RangeError for what the layout cannot express
 * @throws UnavailableError when the folder cannot be written
 */
export async function writeSaeLens(folder: string, given: Sae, metadata: SaeLensMetadata): Promise<void> {
  const kind = notInSaeLens(given);
  if (kind !== null) throw new RangeError(`${kind}, expected what SAELens has`);
  const sae = folded(given);
  const tensors = tensorsOf(sae)
    // SAELens has matching pursuit's encoder from W_dec.
    .filter(({ name }) => sae.architecture !== 'matching_pursuit' || name !== 'W_enc')
    .map(({ name, shape, data }) => [name, { dtype: 'F32', shape, data }] as const);
  await writeAtomic(join(folder, saeLensFiles.tensors), encodeSafetensors(Object.fromEntries(tensors)));
  await writeJsonAtomic(join(folder, saeLensFiles.config), configOf(sae, metadata));
}

/** What an SAE is that SAELens' layout has no place for, in words such as "a topk transcoder"; null for those it has. */
export function notInSaeLens(sae: SaeVectors): string | null {
  if (sae.context !== undefined) return 'a temporal SAE';
  const kind = isTranscoder(sae) ? 'transcoder' : 'SAE';
  if (sae.architecture === 'groupmax') return `a groupmax ${kind}`;
  const lacks = isTranscoder(sae) && (sae.architecture === 'topk' || sae.architecture === 'gated');
  return lacks ? `a ${sae.architecture} transcoder` : null;
}

function configOf(sae: Sae, metadata: SaeLensMetadata): Record<string, unknown> {
  return {
    architecture: architectureName(sae),
    d_in: sae.d_in,
    d_sae: sae.d_sae,
    dtype: 'float32',
    device: 'cpu',
    apply_b_dec_to_input: sae.apply_b_dec_to_input,
    normalize_activations: sae.normalisation.kind,
    reshape_activations: 'none',
    metadata: { sae_lens_version: SAE_LENS_VERSION, sae_lens_training_version: null, ...metadata },
    ...(sae.architecture === 'topk'
      ? { k: sae.k, rescale_acts_by_decoder_norm: sae.rescale_acts_by_decoder_norm }
      : {}),
    ...(sae.architecture === 'matching_pursuit'
      ? {
          residual_threshold: sae.residual_threshold,
          max_iterations: sae.max_iterations,
          stop_on_duplicate_support: sae.stop_on_duplicate_support,
        }
      : {}),
    ...(isTranscoder(sae) ? { d_out: sae.d_out ?? sae.d_in } : {}),
  };
}

function isTranscoder(sae: SaeVectors): boolean {
  return sae.d_out !== undefined || sae.W_skip !== undefined;
}

function architectureName(sae: Sae): string {
  const transcoder = isTranscoder(sae);
  const suffix = transcoder ? (sae.W_skip ? 'skip_transcoder' : 'transcoder') : '';
  switch (sae.architecture) {
    case 'relu':
      return transcoder ? suffix : 'standard';
    case 'jumprelu':
    case 'batchtopk':
    case 'matryoshka':
      return transcoder ? `jumprelu_${suffix}` : 'jumprelu';
    case 'topk':
    case 'gated':
    case 'groupmax':
    case 'matching_pursuit':
      return sae.architecture;
  }
}

/** x' = s·x: W_enc times s; W_dec and b_dec over s. */
function folded(sae: Sae): Sae {
  if (sae.normalisation.kind !== 'expected_average_only_in') return sae;
  if (sae.architecture === 'matching_pursuit') return foldedPursuit(sae);
  const { scale } = sae.normalisation;
  return {
    ...sae,
    normalisation: { kind: 'none' },
    W_enc: sae.W_enc.map((value) => value * scale),
    W_dec: sae.W_dec.map((value) => value / scale),
    b_dec: sae.b_dec.map((value) => value / scale),
  };
}
