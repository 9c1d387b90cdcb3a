/**
 * Goodfire, and qresearch's of DeepSeek R1, which are named alike: one saved state dict of two nn.Linear, encoder_linear.weight
 * (or encoder.weight) [d_sae, d_in] and decoder_linear.weight (or decoder.weight)
 * [d_in, d_sae] with their biases, and ReLU between them. b_dec is not subtracted (as SAELens reads them). The file's
 * name alone says model and block: Llama-3.1-8B-Instruct-SAE-l19.pth.
 */
import { basename } from 'node:path';
import { hookOf } from '../../hook.ts';
import { hookPath } from '../published/hook-names.ts';
import type { SaeAdapter } from './adapter.ts';
import { accepted, openTensors, type SaeFile } from './loaded.ts';
import { readStateDict } from './torch-tensors.ts';

const NAME = /^(?<model>.+)-SAE-l(?<layer>\d{1,4})\.pth?$/;

export const goodfire: SaeAdapter = {
  format: 'goodfire',
  mark: {
    file: (name) => NAME.test(name),
    stateDict: (keys) => keys.has('encoder_linear.weight') && keys.has('decoder_linear.weight'),
  },
  files: NAME,
  tensors: NAME,
  loaders: ['goodfire', 'deepseek_r1'],
  takes: [],
  open: openGoodfire,
};

/** @throws UnavailableError @throws MalformedError */
async function openGoodfire(file: string): Promise<SaeFile> {
  return openTensors(file, [], async (source) => {
    const { bag, other } = await readStateDict(source, 'goodfire');
    const part = bag.has('encoder.weight') ? '' : '_linear';
    const encoder = bag.matrix(`encoder${part}.weight`, [-1, -1]);
    const [d_sae, d_in] = [encoder.rows, encoder.columns];
    const sae = {
      architecture: 'relu',
      d_in,
      d_sae,
      normalisation: { kind: 'none' },
      apply_b_dec_to_input: false,
      W_enc: encoder.turned(),
      W_dec: bag.matrix(`decoder${part}.weight`, [d_in, d_sae]).turned(),
      b_enc: await bag.take(`encoder${part}.bias`, [d_sae]),
      b_dec: await bag.take(`decoder${part}.bias`, [d_in]),
    } as const;
    bag.rest();
    if (other.size > 0)
      throw bag.malformed(`keys ${[...other.keys()].join(', ').slice(0, 100)}`, 'tensors only');
    const { model = null, layer } = NAME.exec(basename(file))?.groups ?? {};
    return {
      format: 'goodfire',
      sae: accepted(source.name, sae),
      details: { model_name: model, hook_name: layer === undefined ? null : hookPath(hookOf(Number(layer))) },
      conversions: [
        `encoder${part}.weight and decoder${part}.weight turned`,
        ...(layer === undefined ? [] : [`model and block ${layer} from the file’s name`]),
      ],
    };
  });
}
