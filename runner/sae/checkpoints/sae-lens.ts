/**
 * SAELens, versions 3 to 6: `cfg.json` and `sae_weights.safetensors`, W_enc [d_in, d_sae] and W_dec [d_sae, d_in] as
 * they are held here.
 */
import { join } from 'node:path';
import { MalformedError } from '../../errors.ts';
import { scaledBy } from '../../formats/stored-matrix.ts';
import type { Normalisation, SaeShape, TopKSae } from '../sae.ts';
import type { Stored, StoredSae } from '../stored-sae.ts';
import type { LoadOptions, SaeAdapter } from './adapter.ts';
import { accepted, openTensors, type SaeFile, storedTensors, TensorBag } from './loaded.ts';
import { readSaeLensConfig, type SaeLensConfig, withK } from './sae-lens-config.ts';
import { foldedPursuit, withoutUnusedBias } from './sae-lens-pursuit.ts';
import { savedScale, scalerFiles, scalingFiles } from './sae-lens-scaler.ts';
import { unwhitened } from './sae-lens-whitening.ts';
import { signedHalves } from './signed-halves.ts';
import { unitRows } from './unit-rows.ts';

export const saeLensFiles = { config: 'cfg.json', tensors: 'sae_weights.safetensors' } as const;

type SaeLensOptions = Pick<LoadOptions, 'normScale' | 'overrides'>;

export const saeLens: SaeAdapter = {
  format: 'sae-lens',
  mark: {
    folder: (names) => names.includes(saeLensFiles.config) && names.includes(saeLensFiles.tensors),
    tensor: { file: saeLensFiles.tensors, name: 'W_dec', without: 'encoder.weight' },
  },
  files: /^(?:cfg\.json|sae_weights\.safetensors|activation_scaler\.json|activation_whitening\.safetensors)$/,
  tensors: /^sae_weights\.safetensors$/,
  loaders: ['sae_lens'],
  // The scalar is not in the files: the registry has it as norm_scaling_factor, and what to read otherwise as config_overrides.
  takes: ['normScale', 'overrides'],
  open: openSaeLens,
};

/**
 * @throws UnavailableError when a file cannot be read
 * @throws MalformedError for an unknown key, an architecture that is not listed, tensors that do not fit, or a missing
 *   normScale
 */
async function openSaeLens(folder: string, options: SaeLensOptions): Promise<SaeFile> {
  const path = join(folder, saeLensFiles.config);
  const conversions: string[] = [];
  const { config, trains } = await readSaeLensConfig(path, options.overrides ?? {}, conversions);
  const others = [path, ...scalingFiles(folder, config.normalize_activations, options.normScale)];
  return openTensors(join(folder, saeLensFiles.tensors), others, async (source) => {
    const bag = new TensorBag(source.name, 'SAELens', await storedTensors(source));
    const read = await assemble(
      path,
      config,
      bag,
      { ...options, ...(await scaleBeside(folder, config, options, conversions)) },
      conversions,
    );
    const whitened = config.normalize_activations === 'covariance_whitening';
    const rescaled = config.rescale_acts_by_decoder_norm && (trains || whitened);
    const saved = rescaled ? await asSaved(read) : read;
    const sae = whitened ? await unwhitened(folder, saved, conversions) : saved;
    bag.rest();
    const { model_name = null, hook_name = null, hook_name_out = null } = config.metadata;
    return {
      format: 'sae-lens',
      sae: accepted(source.name, sae),
      details: { model_name, hook_name, ...(sae.d_out === undefined ? {} : { hook_name_out }) },
      conversions,
    };
  });
}

/** The scalar that lies beside a training checkpoint, unless the caller gave one. */
async function scaleBeside(
  folder: string,
  { normalize_activations }: SaeLensConfig,
  { normScale }: SaeLensOptions,
  conversions: string[],
): Promise<SaeLensOptions> {
  if (normalize_activations !== 'expected_average_only_in' || normScale !== undefined) return {};
  const saved = await savedScale(folder);
  if (saved === null) return {};
  conversions.push(`scaling_factor ${saved} of ${scalerFiles.scaler}`);
  return { normScale: saved };
}

/** Latents as the saved SAE has them: the norms of W_dec's rows, which rescaled them in training, folded into the encoder. */
async function asSaved(sae: StoredSae): Promise<StoredSae> {
  if (sae.architecture !== 'topk' && sae.architecture !== 'batchtopk' && sae.architecture !== 'matryoshka')
    return sae;
  const { W_enc, W_dec, b_enc } = sae;
  const folded = { ...sae, ...(await unitRows({ W_enc, W_dec }, b_enc)) };
  return folded.architecture === 'topk' ? { ...folded, rescale_acts_by_decoder_norm: false } : folded;
}

async function assemble(
  path: string,
  config: SaeLensConfig,
  bag: TensorBag,
  options: SaeLensOptions,
  conversions: string[],
): Promise<StoredSae> {
  const { architecture, d_in, d_sae } = config;
  const transcoder = architecture.endsWith('transcoder');
  const skip = architecture.endsWith('skip_transcoder');
  if (transcoder !== (config.d_out !== undefined)) {
    throw problem(
      path,
      `architecture ${architecture} and d_out ${config.d_out}`,
      'd_out for transcoders only',
    );
  }
  if (transcoder && config.apply_b_dec_to_input === true)
    throw problem(path, `architecture ${architecture} and apply_b_dec_to_input`, 'it for SAEs only');
  if (withK.includes(architecture) && config.k === undefined)
    throw problem(path, `architecture ${architecture} without k`, 'the number of latents kept per token');
  if (withK.includes(architecture) !== (config.k !== undefined)) {
    throw problem(path, `architecture ${architecture} and k ${config.k}`, `k for ${withK.join(', ')} only`);
  }
  const pursues = architecture === 'matching_pursuit';
  const ofPursuit = (['residual_threshold', 'max_iterations', 'stop_on_duplicate_support'] as const).find(
    (key) => config[key] !== undefined,
  );
  if (!pursues && ofPursuit !== undefined)
    throw problem(path, `architecture ${architecture} and ${ofPursuit}`, 'it for matching_pursuit only');
  const d_out = config.d_out ?? d_in;
  await dropOnes(bag, d_sae, conversions);
  const shared = {
    d_in,
    d_sae,
    ...(transcoder ? { d_out } : {}),
    apply_b_dec_to_input: config.apply_b_dec_to_input ?? !transcoder,
    normalisation: normalisation(path, config, options),
    ...matricesOf(bag, { d_in, d_sae, d_out }, pursues),
    b_dec: await bag.take('b_dec', [d_out]),
    ...(skip ? { W_skip: await bag.take('W_skip', [d_out, d_in]) } : {}),
  };
  const perLatent = (name: string): Promise<Float32Array> => bag.take(name, [d_sae]);
  switch (architecture) {
    case 'gated':
      return {
        ...shared,
        architecture: 'gated',
        b_gate: await perLatent('b_gate'),
        b_mag: await perLatent('b_mag'),
        r_mag: await perLatent('r_mag'),
      };
    case 'topk':
    case 'abstopk': {
      const { k = 0, rescale_acts_by_decoder_norm } = config;
      const topk = {
        ...shared,
        architecture: 'topk',
        k,
        rescale_acts_by_decoder_norm,
        b_enc: await perLatent('b_enc'),
      } as const;
      const read = rescale_acts_by_decoder_norm ? foldedScale(topk, conversions) : topk;
      return architecture === 'abstopk' ? signedHalves(read, conversions) : read;
    }
    case 'batchtopk':
    case 'matryoshka_batchtopk': {
      const [threshold] = await bag.take('topk_threshold', []);
      const { k = 0, matryoshka_widths = [] } = config;
      const batch = {
        ...shared,
        k,
        b_enc: await perLatent('b_enc'),
        threshold: new Float32Array(d_sae).fill(threshold!),
      };
      if (architecture === 'batchtopk') return { ...batch, architecture };
      const ends = [...new Set([...matryoshka_widths, d_sae])];
      const group_sizes = ends.map((end, i) => end - (ends[i - 1] ?? 0));
      return { ...batch, architecture: 'matryoshka', group_sizes };
    }
    case 'matching_pursuit': {
      const { residual_threshold = 1e-2, max_iterations, stop_on_duplicate_support = true } = config;
      const pursuit = {
        ...shared,
        architecture,
        residual_threshold,
        max_iterations: max_iterations ?? d_in,
        stop_on_duplicate_support,
      };
      return foldedPursuit(withoutUnusedBias(pursuit, conversions), conversions);
    }
    case 'standard':
    case 'transcoder':
    case 'skip_transcoder':
      return { ...shared, architecture: 'relu', b_enc: await perLatent('b_enc') };
    case 'jumprelu':
    case 'jumprelu_transcoder':
    case 'jumprelu_skip_transcoder':
      return {
        ...shared,
        architecture: 'jumprelu',
        b_enc: await perLatent('b_enc'),
        threshold: await perLatent('threshold'),
      };
  }
}

/**
 * SAELens folds the scalar into the weights, W_enc·s, W_dec/s and b_dec/s, before it takes the norms of W_dec that
 * rescale the latents; of every other SAE the folded weights compute the same.
 */
function foldedScale(sae: Stored<TopKSae>, conversions: string[]): Stored<TopKSae> {
  if (sae.normalisation.kind !== 'expected_average_only_in') return sae;
  const { scale } = sae.normalisation;
  conversions.push(`the scalar ${scale} folded into W_enc, W_dec and b_dec, as its loader does`);
  return {
    ...sae,
    normalisation: { kind: 'none' },
    W_enc: scaledBy(sae.W_enc, scale),
    W_dec: scaledBy(sae.W_dec, 1 / scale),
    b_dec: sae.b_dec.map((value) => value / scale),
  };
}

/** Of matching pursuit W_dec alone is stored: the encoder is its transpose. */
function matricesOf(
  bag: TensorBag,
  { d_in, d_sae, d_out }: Required<SaeShape>,
  tied: boolean,
): Pick<StoredSae, 'W_enc' | 'W_dec'> {
  if (!tied) return { W_enc: bag.matrix('W_enc', [d_in, d_sae]), W_dec: bag.matrix('W_dec', [d_sae, d_out]) };
  const W_dec = bag.matrix('W_dec', [d_sae, d_out]);
  return { W_enc: W_dec.turned(), W_dec };
}

/** For a time SAELens wrote a scaling_factor of ones; another one was fine-tuning, which version 6 dropped. */
async function dropOnes(bag: TensorBag, d_sae: number, conversions: string[]): Promise<void> {
  if (!bag.has('scaling_factor')) return;
  if ((await bag.take('scaling_factor', [d_sae])).some((value) => value !== 1)) {
    throw bag.malformed('a fine-tuned scaling_factor', 'one of ones, or none');
  }
  conversions.push('scaling_factor of ones dropped');
}

function normalisation(
  path: string,
  { normalize_activations }: SaeLensConfig,
  { normScale }: SaeLensOptions,
): Normalisation {
  // `unwhitened` folds it into the weights.
  if (normalize_activations === 'covariance_whitening') return { kind: 'none' };
  if (normalize_activations !== 'expected_average_only_in') return { kind: normalize_activations };
  if (normScale === undefined) {
    throw problem(
      path,
      'normalize_activations expected_average_only_in without its scalar',
      'the scalar √d/mean‖x‖',
    );
  }
  return { kind: 'expected_average_only_in', scale: normScale };
}

function problem(path: string, found: string, expected: string): MalformedError {
  return new MalformedError({
    thing: path,
    found,
    expected,
    next: 'Take the SAE by its registry name, or give what its files do not say (after its name: #normScale=…).',
  });
}
