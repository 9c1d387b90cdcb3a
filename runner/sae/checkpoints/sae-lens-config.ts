/**
 * SAELens' `cfg.json`, versions 3 to 6. Configs before version 6 are flat and have other names; they are brought into the form of
 * version 6 by the rules of `before6`.
 */
import { z } from 'zod';
import { MalformedError, quote } from '../../errors.ts';
import { parseConfig, readJson, shortText, size } from './loaded.ts';
import { before6 } from './sae-lens-flat.ts';

const architectures = [
  'standard',
  'topk',
  'jumprelu',
  'gated',
  'transcoder',
  'skip_transcoder',
  'jumprelu_transcoder',
  'jumprelu_skip_transcoder',
  'batchtopk',
  'matryoshka_batchtopk',
  'abstopk',
  'matching_pursuit',
] as const;

/** Of training checkpoints alone: SAELens saves them as jumprelu for use. */
const TRAINING_ONLY: readonly string[] = ['batchtopk', 'matryoshka_batchtopk'];

export const withK: readonly string[] = ['topk', 'abstopk', ...TRAINING_ONLY];

/** What a training checkpoint has beside them, none of which changes what the SAE computes. */
const trainingKeys = new Set(
  `decoder_init_norm l1_coefficient lp_norm l1_warm_up_steps use_sparse_activations aux_loss_coefficient topk_threshold_lr
  use_matryoshka_aux_loss jumprelu_init_threshold jumprelu_bandwidth jumprelu_sparsity_loss_mode l0_coefficient
  l0_warm_up_steps pre_act_loss_coefficient jumprelu_tanh_scale jumprelu_ste_to_input target_l0`.split(/\s+/),
);

const normalisations = [
  'none',
  'expected_average_only_in',
  'constant_norm_rescale',
  'layer_norm',
  'covariance_whitening',
] as const;

const metadataSchema = z.looseObject({
  sae_lens_version: shortText.nullish(),
  model_name: shortText.nullish(),
  hook_name: shortText.nullish(),
  /** Of transcoders. */
  hook_name_out: shortText.nullish(),
});

const configSchema = z.strictObject({
  architecture: z.enum(architectures),
  d_in: size,
  d_sae: size,
  dtype: shortText.optional(),
  device: shortText.optional(),
  apply_b_dec_to_input: z.boolean().optional(),
  normalize_activations: z.enum(normalisations).default('none'),
  /** hook_z: heads are laid side by side before encoding; x comes here as a flat vector already. */
  reshape_activations: z.enum(['none', 'hook_z']).default('none'),
  metadata: metadataSchema.default({}),
  k: size.optional(),
  rescale_acts_by_decoder_norm: z.boolean().default(false),
  d_out: size.optional(),
  /** Ends of the groups of a Matryoshka SAE; the last may be left out. */
  matryoshka_widths: z.array(size).min(1).max(1_000).optional(),
  /** Of matching pursuit; its length is of activations as it is given them. */
  residual_threshold: z.number().nonnegative().optional(),
  max_iterations: size.nullish(),
  stop_on_duplicate_support: z.boolean().optional(),
});

export type SaeLensConfig = z.infer<typeof configSchema>;

/**
 * @param overrides keys set to other values, as a registry may ask for
 * @returns the config in the form of version 6, and whether it is of a training checkpoint
 * @throws UnavailableError when it cannot be read
 * @throws MalformedError for an unknown key or an architecture that is not listed
 */
export async function readSaeLensConfig(
  path: string,
  overrides: Readonly<Record<string, unknown>>,
  conversions: string[],
): Promise<{ config: SaeLensConfig; trains: boolean }> {
  const raw = overridden(await readJson(path), overrides, conversions);
  refuseUnsupported(path, raw);
  const flat = isFlat(raw);
  const trains = !flat && isTraining(raw);
  if (trains) conversions.push('a training checkpoint, as save_inference_model would write it');
  if (flat) conversions.push('config of SAELens before version 6 brought into the form of version 6');
  const config = parseConfig(
    path,
    trains ? withoutTraining(raw) : raw,
    flat ? before6.pipe(configSchema) : configSchema,
    'SAELens',
  );
  return { config, trains };
}

/** SAELens has written its version since 3; a config of a version below 6, or of none, is flat. */
function isFlat(raw: unknown): boolean {
  const config = typeof raw === 'object' && raw !== null ? (raw as Record<string, unknown>) : {};
  const inner = config.metadata as Record<string, unknown> | null | undefined;
  const version = config.sae_lens_version ?? inner?.sae_lens_version;
  return typeof version !== 'string' || !(Number.parseInt(version, 10) >= 6);
}

/** Other architectures have other keys: without this, the error would be about the first key and not about the architecture. */
function refuseUnsupported(path: string, raw: unknown): void {
  const config = typeof raw === 'object' && raw !== null ? (raw as Record<string, unknown>) : {};
  const architecture = typeof config.architecture === 'string' ? config.architecture : 'standard';
  if ((architectures as readonly string[]).includes(architecture)) return;
  throw new MalformedError({
    thing: path,
    found: `the architecture ${quote(architecture)}, which is not supported`,
    expected: `one of ${architectures.join(', ')}`,
    next: 'Choose another SAE.',
  });
}

/** Whether `save_model` of a TrainingSAE wrote it: it has settings of training. */
function isTraining(raw: unknown): boolean {
  return typeof raw === 'object' && raw !== null && Object.keys(raw).some((key) => trainingKeys.has(key));
}

function withoutTraining(raw: unknown): unknown {
  return Object.fromEntries(Object.entries(raw as object).filter(([key]) => !trainingKeys.has(key)));
}

/** A config with some of its keys replaced, as a registry may ask for. */
function overridden(
  raw: unknown,
  overrides: Readonly<Record<string, unknown>>,
  conversions: string[],
): unknown {
  const changes = Object.entries(overrides);
  if (changes.length === 0 || typeof raw !== 'object' || raw === null) return raw;
  for (const [key, value] of changes) conversions.push(`config: ${key} set to ${JSON.stringify(value)}`);
  return { ...raw, ...overrides };
}
