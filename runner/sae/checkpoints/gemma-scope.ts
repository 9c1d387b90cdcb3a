/**
 * Gemma Scope (Google DeepMind, arXiv 2408.05147): `params.npz` in a folder such as layer_12/width_16k/average_l0_82,
 * with W_enc [d_in, d_sae] (w_enc in some releases), W_dec, b_enc, b_dec and threshold. JumpReLU, b_dec not subtracted.
 */
import { join } from 'node:path';
import { readNpz } from '../../formats/npy.ts';
import { withFile } from '../../io/byte-source.ts';
import { accepted, type LoadedSae, TensorBag } from './loaded.ts';

export const gemmaScopeFile = 'params.npz';

/** @throws UnavailableError @throws MalformedError */
export async function readGemmaScope(folder: string): Promise<LoadedSae> {
  return withFile(join(folder, gemmaScopeFile), async (source) => {
    const conversions: string[] = [];
    const arrays = new Map(
      [...(await readNpz(source))].map(([name, array]) => [name.replace(/^w_/, 'W_'), array] as const),
    );
    const bag = new TensorBag(source.name, 'Gemma Scope', arrays);
    const { data: W_enc, shape } = bag.shaped('W_enc', [-1, -1]);
    const [d_in, d_sae] = shape as [number, number];
    const sae = {
      architecture: 'jumprelu',
      d_in,
      d_sae,
      apply_b_dec_to_input: false,
      normalisation: { kind: 'none' },
      W_enc,
      W_dec: bag.take('W_dec', [d_sae, d_in]),
      b_enc: bag.take('b_enc', [d_sae]),
      b_dec: bag.take('b_dec', [d_in]),
      threshold: bag.take('threshold', [d_sae]),
    } as const;
    bag.rest();
    // SAEs of the embedding were trained on x·√d_in, which the model's own residual stream is not scaled by there.
    if (/(^|[\\/])embedding([\\/]|$)/.test(folder)) {
      const root = Math.sqrt(d_in);
      conversions.push('W_enc over √d_in and W_dec times it: an SAE of the embedding');
      for (let i = 0; i < W_enc.length; i++) W_enc[i]! /= root;
      for (let i = 0; i < sae.W_dec.length; i++) sae.W_dec[i]! *= root;
    }
    return {
      format: 'gemma-scope',
      sae: accepted(source.name, sae),
      details: { model_name: null, hook_name: null },
      conversions,
    };
  });
}
