/**
 * OpenAI's sparse_autoencoder (arXiv 2406.04093): one saved state dict per layer. encoder.weight [d_sae, d_in],
 * decoder.weight [d_in, d_sae], pre_bias [d_in], latent_bias [d_sae], the activation's name and its settings. Its own
 * loader layer-normalises x token by token, and brings x̂ back, where the activation is TopK: the file itself does
 * not say it.
 */
import { quote } from '../../errors.ts';
import type { LoadOptions, SaeAdapter } from './adapter.ts';
import { accepted, type Described, openTensors, type SaeFile } from './loaded.ts';
import { readStateDict } from './torch-tensors.ts';

/** Statistics of the training run. */
const STATISTICS = ['stats_last_nonzero', 'latents_activation_frequency', 'latents_mean_square'];
/** The settings of the activation, which the class writes beside their dict as well. */
const REPEATED = ['activation.k', 'activation.postact_fn'];

export const openAi: SaeAdapter = {
  format: 'openai',
  mark: { stateDict: (keys) => keys.has('latent_bias') && keys.has('pre_bias') },
  // autoencoders/8.pt, a file per layer: the user names one.
  files: /^\d+\.pt$/,
  tensors: /^\d+\.pt$/,
  loaders: [],
  takes: ['normalize'],
  open: openOpenAi,
};

/** @throws UnavailableError @throws MalformedError */
async function openOpenAi(file: string, options: Pick<LoadOptions, 'normalize'>): Promise<SaeFile> {
  return openTensors(file, [], async (source): Promise<Described> => {
    const { bag, other } = await readStateDict(source, 'openai', STATISTICS);
    const encoder = bag.matrix('encoder.weight', [-1, -1]);
    const [d_sae, d_in] = [encoder.rows, encoder.columns];
    const activation = other.get('activation') ?? 'ReLU';
    const settings = other.get('activation_state_dict');
    const normalize = options.normalize ?? activation === 'TopK';
    const shared = {
      d_in,
      d_sae,
      apply_b_dec_to_input: true,
      normalisation: { kind: normalize ? 'layer_norm' : 'none' },
      W_enc: encoder.turned(),
      W_dec: bag.matrix('decoder.weight', [d_in, d_sae]).turned(),
      b_enc: await bag.take('latent_bias', [d_sae]),
      b_dec: await bag.take('pre_bias', [d_in]),
    } as const;
    bag.rest();
    for (const name of other.keys()) {
      if (!['activation', 'activation_state_dict', ...REPEATED].includes(name))
        throw bag.malformed(`a key ${quote(name)}`, 'known keys');
    }
    const described = { format: 'openai', details: { model_name: null, hook_name: null } } as const;
    const conversions = [
      'encoder.weight and decoder.weight turned',
      ...(options.normalize === undefined && normalize
        ? ['x layer-normalised, as its loader does for TopK']
        : []),
    ];
    if (activation === 'ReLU') {
      const sae = accepted(source.name, { ...shared, architecture: 'relu' } as const);
      return { ...described, sae, conversions };
    }
    if (activation !== 'TopK' || !(settings instanceof Map))
      throw bag.malformed(`the activation ${quote(String(activation))}`, 'ReLU or TopK with its settings');
    const k = settings.get('k');
    if (typeof k !== 'number' || settings.get('postact_fn') !== 'ReLU') {
      throw bag.malformed('TopK without k, or followed by something else than ReLU', 'k and ReLU');
    }
    if (!(Number.isInteger(k) && k >= 1 && k <= d_sae)) throw bag.malformed(`k ${k}`, `1 to ${d_sae}`);
    const topk = { ...shared, architecture: 'topk', k, rescale_acts_by_decoder_norm: false } as const;
    return { ...described, sae: accepted(source.name, topk), conversions };
  });
}
