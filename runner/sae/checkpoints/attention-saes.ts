/**
 * The attention SAEs of GPT-2 small (Kissane et al. 2024, arXiv 2406.17759): one saved state dict of a ReLU SAE with
 * W_enc [d_in, d_sae], W_dec [d_sae, d_in], b_enc and b_dec, which is subtracted. They read what the heads have mixed; the file's
 * name alone says the block: gpt2-small_L5_Hcat_z_….pt.
 */
import { basename } from 'node:path';
import { hookPath } from '../published/hook-names.ts';
import type { SaeAdapter } from './adapter.ts';
import { accepted, openTensors, type SaeFile } from './loaded.ts';
import { readStateDict } from './torch-tensors.ts';

const NAME = /^(?<model>[\w.-]+)_L(?<layer>\d{1,4})_Hcat_z_[\w.+-]*\.pt$/;

export const attentionSaes: SaeAdapter = {
  format: 'attention-saes',
  mark: { file: (name) => NAME.test(name) },
  files: NAME,
  tensors: NAME,
  loaders: ['connor_rob_hook_z'],
  takes: [],
  open: openAttentionSae,
};

/** @throws UnavailableError @throws MalformedError */
async function openAttentionSae(file: string): Promise<SaeFile> {
  return openTensors(file, [], async (source) => {
    const { bag, other } = await readStateDict(source, 'attention-saes');
    const W_enc = bag.matrix('W_enc', [-1, -1]);
    const [d_in, d_sae] = [W_enc.rows, W_enc.columns];
    const sae = {
      architecture: 'relu',
      d_in,
      d_sae,
      normalisation: { kind: 'none' },
      apply_b_dec_to_input: true,
      W_enc,
      W_dec: bag.matrix('W_dec', [d_sae, d_in]),
      b_enc: await bag.take('b_enc', [d_sae]),
      b_dec: await bag.take('b_dec', [d_in]),
    } as const;
    bag.rest();
    if (other.size > 0)
      throw bag.malformed(`keys ${[...other.keys()].join(', ').slice(0, 100)}`, 'tensors only');
    const { model = '', layer = '' } = NAME.exec(basename(file))!.groups!;
    return {
      format: 'attention-saes',
      sae: accepted(source.name, sae),
      details: {
        model_name: model,
        hook_name: hookPath({ layer: Number(layer), site: 'attn_z' }),
      },
      conversions: [`model and block ${layer} from the file’s name`],
    };
  });
}
