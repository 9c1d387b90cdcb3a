/**
 * OpenAI's sparse_autoencoder (arXiv 2406.04093): one saved state dict a layer. encoder.weight [d_sae, d_in],
 * decoder.weight [d_in, d_sae], pre_bias [d_in], latent_bias [d_sae], the activation's name and its k. With
 * `normalize`, x is layer-normalised a token at a time and x̂ brought back; the files do not say which, v5 SAEs are.
 */
import { withFile } from '../../io/byte-source.ts';
import { type Sae, topKSae } from '../sae.ts';
import { accepted, type LoadedSae, transposed } from './loaded.ts';
import { readStateDict } from './torch-tensors.ts';

export interface OpenAiOptions {
  /** Whether the SAE was trained with normalised inputs. */
  normalize: boolean;
}

/** @throws UnavailableError @throws MalformedError */
export async function readOpenAi(file: string, { normalize }: OpenAiOptions): Promise<LoadedSae> {
  return withFile(file, async (source) => {
    const { bag, other } = await readStateDict(source, 'openai', ['stats_last_nonzero']);
    const encoder = bag.shaped('encoder.weight', [-1, -1]);
    const [d_sae, d_in] = encoder.shape as [number, number];
    const shared = {
      d_in,
      d_sae,
      apply_b_dec_to_input: true,
      normalisation: { kind: normalize ? 'layer_norm' : 'none' },
      W_enc: transposed(encoder.data, d_sae, d_in),
      W_dec: bag.turned('decoder.weight', [d_in, d_sae]),
      b_enc: bag.take('latent_bias', [d_sae]),
      b_dec: bag.take('pre_bias', [d_in]),
    } as const;
    bag.rest();
    const activation = other.get('activation');
    const settings = other.get('activation_state_dict');
    for (const name of other.keys()) {
      if (name !== 'activation' && name !== 'activation_state_dict')
        throw bag.malformed(`a key ${name}`, 'known keys');
    }
    let sae: Sae;
    if (activation === 'ReLU') sae = { ...shared, architecture: 'relu' };
    else if (activation === 'TopK' && settings instanceof Map) {
      const k = settings.get('k');
      if (typeof k !== 'number' || settings.get('postact_fn') !== 'ReLU') {
        throw bag.malformed('TopK without k, or followed by something else than ReLU', 'k and ReLU');
      }
      if (!(Number.isInteger(k) && k >= 1 && k <= d_sae)) throw bag.malformed(`k ${k}`, `1 to ${d_sae}`);
      sae = topKSae({ ...shared, k });
    } else throw bag.malformed(`the activation ${String(activation)}`, 'ReLU or TopK');
    return {
      format: 'openai',
      sae: accepted(source.name, sae),
      details: { model_name: null, hook_name: null },
      conversions: ['encoder.weight and decoder.weight turned'],
    };
  });
}
