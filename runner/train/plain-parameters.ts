/** The tensors of an SAE whose pre-activations are centred·W_enc + b_enc, as most have them. */
import type { SaeTensors } from '../sae/sae.ts';
import type { ParameterShapes, Parameters } from './state.ts';

export function plainParameters({ dSae }: { dSae: number }, d_in: number): ParameterShapes {
  return { W_enc: [d_in, dSae], W_dec: [dSae, d_in], b_enc: [dSae], b_dec: [d_in] };
}

export function plainTensors({ W_enc, W_dec, b_enc, b_dec }: Parameters): SaeTensors {
  return { W_enc, W_dec, b_enc: b_enc!, b_dec };
}
