/**
 * dictionary_learning (saprmarks): `config.json` with the trainer's settings, and `ae.pt`, a saved state dict. Classes
 * that are nn.Linear keep encoder.weight [d_sae, d_in] and decoder.weight [d_in, d_sae]; the others W_enc and W_dec as
 * they are held here.
 */
import { join } from 'node:path';
import { z } from 'zod';
import { quote } from '../../errors.ts';
import type { StoredArray } from '../../formats/stored-array.ts';
import { readTorchFile, TorchTensor } from '../../formats/torch-file.ts';
import type { StoredSae } from '../stored-sae.ts';
import type { SaeAdapter } from './adapter.ts';
import { accepted, openTensors, readConfig, type SaeFile, shortText, size, TensorBag } from './loaded.ts';
import { type Matrices, unitRows } from './unit-rows.ts';

const FILES = { config: 'config.json', tensors: 'ae.pt' } as const;

/** Settings of the training run; none of them changes what the saved dictionary computes. */
const withoutEffect = new Set(
  `trainer_class lr steps seed device wandb_name l1_penalty warmup_steps resample_steps
  sparsity_warmup_steps decay_start auxk_alpha threshold_beta threshold_start_step top_k_aux bandwidth sparsity_penalty
  target_l0 sparsity_function p_start p_end anneal_start sparsity_queue_length n_sparsity_updates group_fractions
  group_weights group_sizes dead_feature_threshold lp_norm norm_factor`.split(/\s+/),
);

const trainerSchema = z
  .record(z.string(), z.unknown())
  .transform((all) => Object.fromEntries(Object.entries(all).filter(([key]) => !withoutEffect.has(key))))
  .pipe(
    z.strictObject({
      dict_class: z.enum([
        'AutoEncoder',
        'AutoEncoderNew',
        'GatedAutoEncoder',
        'JumpReluAutoEncoder',
        'AutoEncoderTopK',
        'BatchTopKSAE',
        'MatryoshkaBatchTopKSAE',
      ]),
      activation_dim: size,
      dict_size: size,
      k: size.optional(),
      lm_name: shortText.nullish(),
      layer: z.int().nonnegative().max(10_000).optional(),
      submodule_name: shortText.nullish(),
    }),
  );

const configSchema = z.strictObject({
  trainer: trainerSchema,
  buffer: z.record(z.string(), z.unknown()).nullish(),
});

export const dictionaryLearning: SaeAdapter = {
  format: 'dictionary-learning',
  mark: {
    folder: (names) => names.includes(FILES.config) && names.includes(FILES.tensors),
    says: { file: FILES.config, words: /^(?!.*"dict_class"\s*:\s*"(?:BatchTopK)?CrossCoder")/s },
  },
  files: /^(?:config\.json|ae\.pt)$/,
  tensors: /^ae\.pt$/,
  loaders: ['dictionary_learning_1'],
  takes: [],
  open: openDictionaryLearning,
};

/** @throws UnavailableError @throws MalformedError */
async function openDictionaryLearning(folder: string): Promise<SaeFile> {
  const path = join(folder, FILES.config);
  const config = await readConfig(path, configSchema, 'dictionary_learning');
  return openTensors(join(folder, FILES.tensors), [path], async (source) => {
    const { value, array, wholes } = await readTorchFile(source);
    const tensors = new Map<string, StoredArray>();
    const counts = new Map<string, number[]>();
    const bag = (): TensorBag => new TensorBag(source.name, 'dictionary_learning', tensors);
    if (!(value instanceof Map)) throw bag().malformed('no state dict', 'a dict of tensors');
    for (const [name, tensor] of value) {
      if (!(tensor instanceof TorchTensor))
        throw bag().malformed(`${quote(name)}, no tensor`, 'tensors only');
      if (name === 'k' || name === 'group_sizes') counts.set(name, await wholes(tensor));
      else tensors.set(name, await array(tensor));
    }
    const conversions: string[] = [];
    const rest = bag();
    const sae = await assemble(config.trainer, rest, counts, conversions);
    rest.rest();
    return {
      format: 'dictionary-learning',
      sae: accepted(source.name, sae),
      details: { model_name: config.trainer.lm_name ?? null, hook_name: hookOfTrainer(config.trainer) },
      conversions,
    };
  });
}

/** Its scripts call a submodule resid_post_layer_12 or so; where they name none, it is the residual stream. */
export function hookOfTrainer({
  layer,
  submodule_name,
}: Pick<z.infer<typeof trainerSchema>, 'layer' | 'submodule_name'>): string | null {
  if (submodule_name != null && !submodule_name.includes('resid_post')) return submodule_name;
  return layer === undefined ? null : `blocks.${layer}.hook_resid_post`;
}

async function assemble(
  trainer: z.infer<typeof trainerSchema>,
  bag: TensorBag,
  counts: ReadonlyMap<string, number[]>,
  conversions: string[],
): Promise<StoredSae> {
  const { dict_class, activation_dim: d_in, dict_size: d_sae } = trainer;
  const shared = { d_in, d_sae, normalisation: { kind: 'none' }, apply_b_dec_to_input: true } as const;
  const perLatent = (name: string): Promise<Float32Array> => bag.take(name, [d_sae]);
  const linear = (): Matrices => {
    conversions.push('encoder.weight and decoder.weight turned');
    return {
      W_enc: bag.matrix('encoder.weight', [d_sae, d_in]).turned(),
      W_dec: bag.matrix('decoder.weight', [d_in, d_sae]).turned(),
    };
  };
  const own = (): Matrices => ({
    W_enc: bag.matrix('W_enc', [d_in, d_sae]),
    W_dec: bag.matrix('W_dec', [d_sae, d_in]),
  });
  /** One number for all latents; −1 where training ended before it was set. */
  const scalar = async (): Promise<Float32Array> => {
    conversions.push('one threshold for all latents');
    return new Float32Array(d_sae).fill((await bag.take('threshold', []))[0]!);
  };
  const k = (): number => {
    const [stored] = counts.get('k') ?? [];
    if (stored === undefined) throw bag.malformed(`${dict_class} without k`, 'a tensor k');
    if (trainer.k !== undefined && trainer.k !== stored) {
      throw bag.malformed(`k ${stored} in the tensors and ${trainer.k} in the config`, 'the same k');
    }
    return stored;
  };
  switch (dict_class) {
    case 'AutoEncoder': {
      const weights = linear();
      const b_dec = await bag.take('bias', [d_in]);
      const b_enc = await perLatent('encoder.bias');
      conversions.push('decoder norms folded into the encoder, as its loader does');
      return { ...shared, architecture: 'relu', ...(await unitRows(weights, b_enc)), b_dec };
    }
    case 'AutoEncoderNew':
      return {
        ...shared,
        apply_b_dec_to_input: false,
        architecture: 'relu',
        ...linear(),
        b_enc: await perLatent('encoder.bias'),
        b_dec: await bag.take('decoder.bias', [d_in]),
      };
    case 'GatedAutoEncoder':
      return {
        ...shared,
        architecture: 'gated',
        ...linear(),
        b_dec: await bag.take('decoder_bias', [d_in]),
        b_gate: await perLatent('gate_bias'),
        b_mag: await perLatent('mag_bias'),
        r_mag: await perLatent('r_mag'),
      };
    case 'JumpReluAutoEncoder':
      return {
        ...shared,
        apply_b_dec_to_input: false,
        architecture: 'jumprelu',
        ...own(),
        b_enc: await perLatent('b_enc'),
        b_dec: await bag.take('b_dec', [d_in]),
        threshold: await perLatent('threshold'),
      };
    case 'AutoEncoderTopK': {
      if (bag.has('threshold')) {
        await bag.take('threshold', []);
        conversions.push('threshold dropped: the class selects k per token');
      }
      const biases = { b_enc: await perLatent('encoder.bias'), b_dec: await bag.take('b_dec', [d_in]) };
      return {
        ...shared,
        architecture: 'topk',
        ...linear(),
        ...biases,
        k: k(),
        rescale_acts_by_decoder_norm: false,
      };
    }
    case 'BatchTopKSAE': {
      const biases = { b_enc: await perLatent('encoder.bias'), b_dec: await bag.take('b_dec', [d_in]) };
      return {
        ...shared,
        architecture: 'batchtopk',
        ...linear(),
        ...biases,
        threshold: await scalar(),
        k: k(),
      };
    }
    case 'MatryoshkaBatchTopKSAE':
      return {
        ...shared,
        architecture: 'matryoshka',
        ...own(),
        b_enc: await perLatent('b_enc'),
        b_dec: await bag.take('b_dec', [d_in]),
        threshold: await scalar(),
        k: k(),
        group_sizes: counts.get('group_sizes') ?? [],
      };
  }
}
