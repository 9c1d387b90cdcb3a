/**
 * Gemma Scope (Google DeepMind, arXiv 2408.05147): `params.npz` in a folder such as layer_12/width_16k/average_l0_82,
 * with W_enc [d_in, d_sae] (w_enc in some releases), W_dec, b_enc, b_dec and threshold. JumpReLU, b_dec not subtracted.
 */
import { join } from 'node:path';
import { openNpz } from '../../formats/npy.ts';
import { scaledMatrix } from '../../formats/stored-matrix.ts';
import type { SaeAdapter } from './adapter.ts';
import { accepted, openTensors, type SaeFile, TensorBag } from './loaded.ts';

const FILE = 'params.npz';

export const gemmaScope: SaeAdapter = {
  format: 'gemma-scope',
  mark: { folder: (names) => names.includes(FILE) },
  files: /^params\.npz$/,
  tensors: /^params\.npz$/,
  loaders: ['gemma_2'],
  takes: [],
  open: openGemmaScope,
};

/** @throws UnavailableError @throws MalformedError */
async function openGemmaScope(folder: string): Promise<SaeFile> {
  return openTensors(join(folder, FILE), [], async (source) => {
    const conversions: string[] = [];
    const arrays = new Map(
      [...(await openNpz(source))].map(([name, array]) => [name.replace(/^w_/, 'W_'), array] as const),
    );
    const bag = new TensorBag(source.name, 'Gemma Scope', arrays);
    let W_enc = bag.matrix('W_enc', [-1, -1]);
    const [d_in, d_sae] = [W_enc.rows, W_enc.columns];
    let W_dec = bag.matrix('W_dec', [d_sae, d_in]);
    // SAEs of the embedding were trained on x·√d_in, which the model's own residual stream is not scaled by there.
    if (/(^|[\\/])embedding([\\/]|$)/.test(folder)) {
      conversions.push('W_enc over √d_in and W_dec times it: an SAE of the embedding');
      W_enc = scaledMatrix(W_enc, everywhere(1 / Math.sqrt(d_in)));
      W_dec = scaledMatrix(W_dec, everywhere(Math.sqrt(d_in)));
    }
    const sae = {
      architecture: 'jumprelu',
      d_in,
      d_sae,
      apply_b_dec_to_input: false,
      normalisation: { kind: 'none' },
      W_enc,
      W_dec,
      b_enc: await bag.take('b_enc', [d_sae]),
      b_dec: await bag.take('b_dec', [d_in]),
      threshold: await bag.take('threshold', [d_sae]),
    } as const;
    bag.rest();
    return {
      format: 'gemma-scope',
      sae: accepted(source.name, sae),
      details: { model_name: null, hook_name: null },
      conversions,
    };
  });
}

function everywhere(factor: number): Parameters<typeof scaledMatrix>[1] {
  return { rows: async (from, to) => new Float64Array(to - from).fill(factor), columns: null };
}
