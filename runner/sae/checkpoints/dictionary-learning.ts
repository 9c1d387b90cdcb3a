/**
 * dictionary_learning (saprmarks): `config.json` with the trainer's settings, and `ae.pt`, a saved state dict. Classes
 * that are nn.Linear keep encoder.weight [d_sae, d_in] and decoder.weight [d_in, d_sae]; the others W_enc and W_dec as
 * they are held here.
 */
import { join } from 'node:path';
import { z } from 'zod';
import { quote } from '../../errors.ts';
import { readTorchFile, TorchTensor } from '../../formats/torch-file.ts';
import { withFile } from '../../io/byte-source.ts';
import type { Sae } from '../sae.ts';
import { accepted, type LoadedSae, readConfig, type Shaped, shortText, size, TensorBag } from './loaded.ts';

export const dictionaryLearningFiles = { config: 'config.json', tensors: 'ae.pt' } as const;

/** Settings of the training run; none of them changes what the saved dictionary computes. */
const withoutEffect = new Set(
  `trainer_class lr steps seed device layer wandb_name submodule_name l1_penalty warmup_steps resample_steps
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
    }),
  );

const configSchema = z.strictObject({
  trainer: trainerSchema,
  buffer: z.record(z.string(), z.unknown()).nullish(),
});

/** @throws UnavailableError @throws MalformedError */
export async function readDictionaryLearning(folder: string): Promise<LoadedSae> {
  const config = await readConfig(
    join(folder, dictionaryLearningFiles.config),
    configSchema,
    'dictionary_learning',
  );
  return withFile(join(folder, dictionaryLearningFiles.tensors), async (source) => {
    const { value, floats, wholes } = await readTorchFile(source);
    const tensors = new Map<string, Shaped>();
    const counts = new Map<string, number[]>();
    const bag = (): TensorBag => new TensorBag(source.name, 'dictionary_learning', tensors);
    if (!(value instanceof Map)) throw bag().malformed('no state dict', 'a dict of tensors');
    for (const [name, tensor] of value) {
      if (!(tensor instanceof TorchTensor))
        throw bag().malformed(`${quote(name)}, no tensor`, 'tensors only');
      if (name === 'k' || name === 'group_sizes') counts.set(name, await wholes(tensor));
      else tensors.set(name, { shape: tensor.shape, data: await floats(tensor) });
    }
    const conversions: string[] = [];
    const rest = bag();
    const sae = assemble(config.trainer, rest, counts, conversions);
    rest.rest();
    return {
      format: 'dictionary-learning',
      sae: accepted(source.name, sae),
      details: { model_name: config.trainer.lm_name ?? null, hook_name: null },
      conversions,
    };
  });
}

function assemble(
  trainer: z.infer<typeof trainerSchema>,
  bag: TensorBag,
  counts: ReadonlyMap<string, number[]>,
  conversions: string[],
): Sae {
  const { dict_class, activation_dim: d_in, dict_size: d_sae } = trainer;
  const shared = { d_in, d_sae, normalisation: { kind: 'none' }, apply_b_dec_to_input: true } as const;
  const perLatent = (name: string): Float32Array => bag.take(name, [d_sae]);
  const linear = (): { W_enc: Float32Array; W_dec: Float32Array } => {
    conversions.push('encoder.weight and decoder.weight turned');
    return {
      W_enc: bag.turned('encoder.weight', [d_sae, d_in]),
      W_dec: bag.turned('decoder.weight', [d_in, d_sae]),
    };
  };
  const own = (): { W_enc: Float32Array; W_dec: Float32Array } => ({
    W_enc: bag.take('W_enc', [d_in, d_sae]),
    W_dec: bag.take('W_dec', [d_sae, d_in]),
  });
  /** One number for all latents; −1 where training ended before it was set. */
  const scalar = (): Float32Array => {
    conversions.push('one threshold for all latents');
    return new Float32Array(d_sae).fill(bag.take('threshold', [])[0]!);
  };
  const k = (): number => {
    const [stored] = counts.get('k') ?? [];
    if (stored === undefined || (trainer.k !== undefined && trainer.k !== stored)) {
      throw bag.malformed(`k ${stored} in the tensors and ${trainer.k} in the config`, 'the same k');
    }
    return stored;
  };
  switch (dict_class) {
    case 'AutoEncoder': {
      const weights = linear();
      const b_dec = bag.take('bias', [d_in]);
      const b_enc = perLatent('encoder.bias');
      conversions.push('decoder norms folded into the encoder, as its loader does');
      return { ...shared, architecture: 'relu', ...unitRows(weights, b_enc, d_in), b_dec };
    }
    case 'AutoEncoderNew':
      return {
        ...shared,
        apply_b_dec_to_input: false,
        architecture: 'relu',
        ...linear(),
        b_enc: perLatent('encoder.bias'),
        b_dec: bag.take('decoder.bias', [d_in]),
      };
    case 'GatedAutoEncoder':
      return {
        ...shared,
        architecture: 'gated',
        ...linear(),
        b_dec: bag.take('decoder_bias', [d_in]),
        b_gate: perLatent('gate_bias'),
        b_mag: perLatent('mag_bias'),
        r_mag: perLatent('r_mag'),
      };
    case 'JumpReluAutoEncoder':
      return {
        ...shared,
        apply_b_dec_to_input: false,
        architecture: 'jumprelu',
        ...own(),
        b_enc: perLatent('b_enc'),
        b_dec: bag.take('b_dec', [d_in]),
        threshold: perLatent('threshold'),
      };
    case 'AutoEncoderTopK': {
      if (bag.has('threshold')) {
        bag.take('threshold', []);
        conversions.push('threshold dropped: the class selects k a token');
      }
      const biases = { b_enc: perLatent('encoder.bias'), b_dec: bag.take('b_dec', [d_in]) };
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
      const biases = { b_enc: perLatent('encoder.bias'), b_dec: bag.take('b_dec', [d_in]) };
      return { ...shared, architecture: 'batchtopk', ...linear(), ...biases, threshold: scalar(), k: k() };
    }
    case 'MatryoshkaBatchTopKSAE':
      return {
        ...shared,
        architecture: 'matryoshka',
        ...own(),
        b_enc: perLatent('b_enc'),
        b_dec: bag.take('b_dec', [d_in]),
        threshold: scalar(),
        k: k(),
        group_sizes: counts.get('group_sizes') ?? [],
      };
  }
}

/** W_dec's rows over their norms; W_enc's columns and b_enc times them. Reconstructions stay, latents are rescaled. */
function unitRows(
  { W_enc, W_dec }: { W_enc: Float32Array; W_dec: Float32Array },
  b_enc: Float32Array,
  d_in: number,
): { W_enc: Float32Array; W_dec: Float32Array; b_enc: Float32Array } {
  const d_sae = b_enc.length;
  const norms = Float64Array.from({ length: d_sae }, (_, j) => {
    let squares = 0;
    for (let i = 0; i < d_in; i++) squares += W_dec[j * d_in + i]! ** 2;
    return Math.sqrt(squares);
  });
  return {
    W_enc: W_enc.map((value, at) => value * norms[at % d_sae]!),
    W_dec: W_dec.map((value, at) => value / norms[Math.floor(at / d_in)]!),
    b_enc: b_enc.map((value, j) => value * norms[j]!),
  };
}
