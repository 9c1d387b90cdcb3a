/** Formats that are recognised and cannot be evaluated: an error says what they are, before their weights are downloaded. */
import { UserError } from '../../errors.ts';
import type { SaeAdapter } from './adapter.ts';

export interface Refusal {
  found: string;
  next: string;
}

const EXPECTED = 'an SAE or a transcoder of one model and one hook';
const CHOOSE = 'Choose another SAE of the model: npx interpboard inspect saes --model NAME lists them.';

const CROSSCODER: Refusal = {
  found: 'a crosscoder, whose latents read and write the activations of several models or layers at once',
  next: CHOOSE,
};

/** Entries of SAELens' registry that no adapter reads, by the loader that they name. */
export const refusedLoaders: Readonly<Record<string, Refusal>> = {
  mntss_clt_layer_transcoder: {
    found: 'one layer of a cross-layer transcoder, whose latents write to every later layer too',
    next: 'Evaluate all its layers: npx interpboard eval --sae with the name of its repository.',
  },
};

export function refusedAs(thing: string, { found, next }: Refusal): UserError {
  return new UserError({ thing, found, expected: EXPECTED, next });
}

function refusing(
  refused: NonNullable<SaeAdapter['refused']>,
  adapter: Pick<SaeAdapter, 'format' | 'mark' | 'tensors'>,
): SaeAdapter {
  return {
    ...adapter,
    refused,
    files: /(?!)/,
    loaders: [],
    takes: [],
    async open(path) {
      throw refusedAs(path, refused);
    },
  };
}

export const refusedAdapters: readonly SaeAdapter[] = [
  // ckkissane/crosscoder-model-diff-replication: W_enc [models, d, latents]
  refusing(CROSSCODER, {
    format: 'crosscoder',
    mark: { folder: (names) => names.includes('cfg.json') && names.includes('cc_weights.pt') },
    tensors: /^cc_weights\.pt$/,
  }),
  // science-of-finetuning's dictionary_learning: encoder.weight [layers, d, latents]. A language model's files have these names too.
  refusing(
    { ...CROSSCODER, repository: /crosscoder/i },
    {
      format: 'crosscoder of dictionary_learning',
      mark: {
        folder: (names) => names.includes('config.json') && names.includes('model.safetensors'),
        tensor: { file: 'model.safetensors', name: 'encoder.weight' },
      },
      tensors: /(?!)/,
    },
  ),
];
