/** The tensors of an SAE whose pre-activations are centred·W_enc + b_enc, as most have them, and of a transcoder. */
import type { SaeTensors } from '../sae/sae.ts';
import type { CommonRecipe } from './common-settings.ts';
import type { ParameterShapes, Parameters } from './state.ts';

type Transcoding = Pick<CommonRecipe, 'transcode'>;

export function plainParameters(recipe: Transcoding & { dSae: number }, d_in: number): ParameterShapes {
  const { dSae } = recipe;
  return {
    W_enc: [d_in, dSae],
    W_dec: [dSae, d_in],
    b_enc: [dSae],
    b_dec: [d_in],
    ...skipShape(recipe, d_in),
  };
}

/** What a transcoder's skip connection adds; it reads and reconstructs one width. */
export function skipShape({ transcode }: Transcoding, d_in: number): { W_skip?: readonly number[] } {
  return transcode === 'skip' ? { W_skip: [d_in, d_in] } : {};
}

export function plainTensors({ W_enc, W_dec, b_enc, b_dec }: Parameters): SaeTensors {
  return { W_enc, W_dec, b_enc: b_enc!, b_dec };
}

/** What sets a trained transcoder apart from an SAE, in its canonical form. */
export function transcoderParts(
  { transcode }: Transcoding,
  d_in: number,
  { W_skip }: Parameters,
): { d_out?: number; W_skip?: Float32Array } {
  if (transcode === undefined) return {};
  return { d_out: d_in, ...(W_skip === undefined ? {} : { W_skip }) };
}
