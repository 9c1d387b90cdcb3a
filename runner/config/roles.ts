/**
 * What each setting decides. A trained SAE follows from the settings of training alone: changing one of them would be
 * another SAE, changing any other is another measurement of the same one. A run that trains none has no use for those
 * that act while training and at no other time: `idle-settings.ts` refuses them.
 */
import { canonicalJson } from '../io/hash.ts';
import { recipe } from '../train/recipe.ts';
import type { RunConfig } from './run-config.ts';

/**
 * - training: the SAE's weights, or what is written along training, and nothing else;
 * - both: the SAE's weights, and what is measured of any SAE;
 * - evaluation: what is measured, or what records say;
 * - along-training: neither, only what else is written or sent while SAEs are trained;
 * - beside: neither, only what else is written, and when and how files are sent.
 */
export type Role = 'training' | 'both' | 'evaluation' | 'along-training' | 'beside';

/** Roles of the settings that a trained SAE follows from. */
const WEIGHTS: readonly Role[] = ['training', 'both'];

/** Roles of settings that do nothing in a run that trains no SAE. */
const TRAINING_ALONE: readonly Role[] = ['training', 'along-training'];

/** A role for a whole section, or for each of its settings. The type asks for one for every setting there is. */
type Roles<T> = { [Key in keyof T]-?: Role | (NonNullable<T[Key]> extends object ? Roles<T[Key]> : never) };

const roles: Roles<RunConfig> = {
  name: 'both',
  // Which model it is follows from its files, which are told apart by their hash; where they lie is only recorded.
  model: { id: 'both', reference: 'evaluation' },
  layers: 'training',
  hooks: 'training',
  // The last bits of the weights depend on what computes them.
  device: 'both',
  precision: 'both',
  backend: 'training',
  threads: 'both',
  spill: 'both',
  corpus: {
    source: 'both',
    heldout: 'evaluation',
    heldoutShare: 'both',
    badRows: 'both',
    boundaries: 'both',
    trainSeed: 'training',
    heldoutSeed: 'evaluation',
    rowTokens: 'both',
  },
  train: 'both',
  saes: 'evaluation',
  // Held-out text goes through the model in batches of that size too.
  sae: { ...sameRole('training', recipe.shape), batchTokens: 'both' },
  sweep: 'training',
  training: {
    tokens: 'training',
    checkpointTokens: 'training',
    logSteps: 'training',
    snapshots: 'training',
    from: 'training',
    resampleTokens: 'training',
    log: 'along-training',
    activations: { type: 'training', gigabytes: 'along-training' },
    shuffle: 'training',
    policy: 'training',
  },
  probing: 'evaluation',
  validation: 'evaluation',
  // Records name the repository.
  upload: { repository: 'evaluation', everyTokens: 'along-training', private: 'beside' },
  live: 'beside',
  evaluation: 'evaluation',
  suites: 'evaluation',
};

function sameRole<T extends object>(role: Role, settings: T): Record<keyof T, Role> {
  return Object.fromEntries(Object.keys(settings).map((name) => [name, role])) as Record<keyof T, Role>;
}

type Section = Record<string, unknown>;

/** The role of a setting, as in `corpus.heldoutSeed`. */
export function roleOf(path: string): Role {
  let at: unknown = roles;
  for (const key of path.split('.')) {
    if (!isSection(at)) break;
    at = at[key];
  }
  if (typeof at !== 'string') throw new RangeError(`${path} is no setting`);
  return at as Role;
}

/** Whether a setting, as in `sae.k`, does nothing where no SAE is trained. */
export function isOfTrainingAlone(path: string): boolean {
  return TRAINING_ALONE.includes(roleOf(path));
}

/** The settings that have one of these roles, sections without any left out. */
function settingsOf(config: Section, roleTable: Section, wanted: readonly Role[]): Section {
  const kept: Section = {};
  for (const [key, value] of Object.entries(config)) {
    const role = roleTable[key];
    if (typeof role === 'string') {
      if (wanted.includes(role as Role)) kept[key] = value;
      continue;
    }
    const inner = settingsOf(value as Section, role as Section, wanted);
    if (Object.keys(inner).length > 0) kept[key] = inner;
  }
  return kept;
}

/** What the SAEs that a run trains follow from; for a run that trains none, that it does not. */
export function trainingSettings(config: RunConfig): Section {
  return config.train ? settingsOf(config, roles as Section, WEIGHTS) : { train: false };
}

/** What a run's records follow from. */
export function recordedSettings(config: RunConfig): Section {
  return settingsOf(config, roles as Section, [...WEIGHTS, 'evaluation']);
}

/** Names of the settings of training, or of others, whose values differ, as in `sae.k`. */
export function differingSettings(
  one: RunConfig,
  other: RunConfig,
  settings: (config: RunConfig) => object = trainingSettings,
): string[] {
  return differences(settings(one), settings(other), '').sort();
}

function differences(one: unknown, other: unknown, path: string): string[] {
  if (canonicalJson(one ?? null) === canonicalJson(other ?? null)) return [];
  if (!isSection(one) || !isSection(other)) return [path];
  const keys = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...keys].flatMap((key) => differences(one[key], other[key], path === '' ? key : `${path}.${key}`));
}

function isSection(value: unknown): value is Section {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
