/**
 * Qwen-Scope: one `layer{n}.sae.pt` per layer, W_enc [d_sae, d_in], W_dec [d_in, d_sae], b_enc, b_dec. TopK; k stands in
 * the repository's name only (…-W32K-L0_50), so the caller gives it. b_dec is not subtracted (as SAELens reads them).
 */
import { UserError } from '../../errors.ts';
import type { LoadOptions, SaeAdapter } from './adapter.ts';
import { accepted, openTensors, type SaeFile } from './loaded.ts';
import { readStateDict } from './torch-tensors.ts';

export const qwenScope: SaeAdapter = {
  format: 'qwen-scope',
  mark: {
    stateDict: (keys) => keys.has('W_enc') && keys.has('b_dec') && !keys.has('threshold'),
  },
  files: /\.sae\.pt$/,
  tensors: /\.sae\.pt$/,
  loaders: ['qwen_scope'],
  takes: ['k'],
  fromRepository(repo) {
    const k = /\/SAE-Res-.*-L0_(\d+)$/.exec(repo)?.[1];
    return k === undefined
      ? null
      : { options: { k: Number(k) }, conversion: `k ${k} from the repository’s name` };
  },
  open: openQwenScope,
};

/** @throws UnavailableError @throws MalformedError @throws UserError without k, or for one that the SAE cannot have */
async function openQwenScope(file: string, { k }: Pick<LoadOptions, 'k'>): Promise<SaeFile> {
  if (k === undefined) {
    throw new UserError({
      thing: file,
      found: 'no k',
      expected: 'the number after L0_ in the repository’s name',
      next: 'Give k after its name (#k=…): the file does not say it.',
    });
  }
  return openTensors(file, [], async (source) => {
    const { bag, other } = await readStateDict(source, 'qwen-scope');
    const encoder = bag.matrix('W_enc', [-1, -1]);
    const [d_sae, d_in] = [encoder.rows, encoder.columns];
    if (!(Number.isInteger(k) && k >= 1 && k <= d_sae)) {
      throw new UserError({
        thing: `k of ${source.name}`,
        found: String(k),
        expected: `1 to ${d_sae}`,
        next: 'Take k from the repository’s name (L0_50 means 50).',
      });
    }
    const sae = {
      architecture: 'topk',
      d_in,
      d_sae,
      k,
      rescale_acts_by_decoder_norm: false,
      normalisation: { kind: 'none' },
      apply_b_dec_to_input: false,
      W_enc: encoder.turned(),
      W_dec: bag.matrix('W_dec', [d_in, d_sae]).turned(),
      b_enc: await bag.take('b_enc', [d_sae]),
      b_dec: await bag.take('b_dec', [d_in]),
    } as const;
    bag.rest();
    if (other.size > 0)
      throw bag.malformed(`keys ${[...other.keys()].join(', ').slice(0, 100)}`, 'tensors only');
    return {
      format: 'qwen-scope',
      sae: accepted(source.name, sae),
      details: { model_name: null, hook_name: null },
      conversions: ['W_enc and W_dec turned', `k ${k}, which the file does not say`],
    };
  });
}
