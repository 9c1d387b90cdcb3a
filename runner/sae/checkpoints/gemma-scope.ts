/**
 * Gemma Scope (Google DeepMind, arXiv 2408.05147): `params.npz` in a folder such as layer_12/width_16k/average_l0_82,
 * with W_enc [d_in, d_sae] (w_enc in some releases), W_dec, b_enc, b_dec and threshold. JumpReLU, b_dec not subtracted.
 *
 * The files of its transcoders are the same; the repository's name tells them apart. They read what SAELens calls
 * ln2.hook_normalized, which for an RMS norm is x/rms(x) without the norm's weight: the residual stream between attention and MLP,
 * every token at length √d. What the norm adds under its root (1e-6 beside a mean square of tens) is below float32's rounding.
 */
import { join } from 'node:path';
import { openNpz } from '../../formats/npy.ts';
import { scaledBy } from '../../formats/stored-matrix.ts';
import { hookPath } from '../published/hook-names.ts';
import type { SaeAdapter } from './adapter.ts';
import { accepted, openTensors, type SaeDetails, type SaeFile, TensorBag } from './loaded.ts';

const FILE = 'params.npz';
const TRANSCODERS = /gemma-scope[\w.-]*-transcoders/i;

export const gemmaScope: SaeAdapter = {
  format: 'gemma-scope',
  mark: { folder: (names) => names.includes(FILE) },
  files: /^params\.npz$/,
  tensors: /^params\.npz$/,
  loaders: ['gemma_2', 'gemma_2_transcoder'],
  takes: [],
  open: openGemmaScope,
};

/** @throws UnavailableError @throws MalformedError */
async function openGemmaScope(folder: string): Promise<SaeFile> {
  return openTensors(join(folder, FILE), [], async (source) => {
    const conversions: string[] = [];
    const transcoder = TRANSCODERS.test(folder);
    if (transcoder)
      conversions.push(
        'a transcoder, by the name of its release; its input x/rms(x) as a normalisation of x',
      );
    const arrays = new Map(
      [...(await openNpz(source))].map(([name, array]) => [name.replace(/^w_/, 'W_'), array] as const),
    );
    const bag = new TensorBag(source.name, 'Gemma Scope', arrays);
    let W_enc = bag.matrix('W_enc', [-1, -1]);
    const [d_in, d_sae] = [W_enc.rows, W_enc.columns];
    let W_dec = bag.matrix('W_dec', [d_sae, d_in]);
    const embedding = /(^|[\\/])embedding([\\/]|$)/.test(folder);
    // SAEs of the embedding were trained on rows of the table; the residual stream begins with them times √d_in.
    if (embedding) {
      conversions.push('W_enc over √d_in and W_dec times it: an SAE of the embedding');
      W_enc = scaledBy(W_enc, 1 / Math.sqrt(d_in));
      W_dec = scaledBy(W_dec, Math.sqrt(d_in));
    }
    const sae = {
      architecture: 'jumprelu',
      d_in,
      d_sae,
      apply_b_dec_to_input: false,
      ...(transcoder
        ? ({ d_out: d_in, normalisation: { kind: 'constant_norm_rescale' } } as const)
        : ({ normalisation: { kind: 'none' } } as const)),
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
      details: { model_name: null, ...hooksOf(folder, { transcoder, embedding }) },
      conversions,
    };
  });
}

/** Of SAEs of the embedding and of transcoders; the others' hooks are read from the path by the rules for any format. */
function hooksOf(
  folder: string,
  { transcoder, embedding }: { transcoder: boolean; embedding: boolean },
): Pick<SaeDetails, 'hook_name' | 'hook_name_out'> {
  if (embedding) return { hook_name: hookPath({ layer: 0, site: 'resid_pre' }) };
  const layer = /layer_(\d{1,4})(?!\d)/.exec(folder)?.[1];
  if (!transcoder || layer === undefined) return { hook_name: null };
  return {
    hook_name: hookPath({ layer: Number(layer), site: 'resid_mid' }),
    hook_name_out: hookPath({ layer: Number(layer), site: 'mlp_out' }),
  };
}
