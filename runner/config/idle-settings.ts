/** Settings that would do nothing: those of a preset are left out, those that the user asks for are refused. */
import { UserError } from '../errors.ts';
import { applies, architectureNames, ownSettings } from '../train/architectures/index.ts';
import { nothingTo } from './complaints.ts';
import { isObject, type Json, valueAt } from './json.ts';
import type { RunConfig } from './run-config.ts';
import { sweptArchitectures } from './sweep.ts';
import { trainedPlaces } from './trained-hooks.ts';

/**
 * Takes out what only a preset says of the SAEs and means nothing to the architectures that are trained, such as the k
 * of a JumpReLU SAE. What users set themselves stays, to be refused by name.
 */
export function withoutIdleSettings(merged: Json, given: Json): void {
  const { sae, sweep } = merged;
  if (!isObject(sae)) return;
  const listed =
    isObject(sweep) && Array.isArray(sweep.architecture) ? sweep.architecture : [sae.architecture];
  const names = architectureNames.filter((name) => listed.includes(name));
  if (names.length === 0) return;
  for (const setting of Object.keys(sae)) {
    const own = isObject(given.sae) && Object.hasOwn(given.sae, setting);
    if (!own && !names.some((name) => applies(setting, name))) delete sae[setting];
  }
}

/** Settings that act only beside another one: whether it is there, and what it is. */
const BESIDE: Readonly<Record<string, { here: (config: RunConfig) => boolean; beside: string }>> = {
  'sae.applyBDecToInput': {
    here: (config) => !config.train || trainedPlaces(config).some(({ reads }) => reads === undefined),
    beside: 'a hook whose SAE is no transcoder',
  },
  'training.policy.highNormFactor': {
    here: ({ training }) => training.policy.highNorm !== 'keep',
    beside: 'training.policy.highNorm drop or cap',
  },
  'training.shuffle.onDisk': {
    here: ({ training }) => training.shuffle.megabytes > 0,
    beside: 'training.shuffle.megabytes above 0',
  },
  'evaluation.untrainedProbes': {
    here: ({ evaluation }) => evaluation.controlTokens > 0,
    beside: 'evaluation.controlTokens above 0',
  },
  'validation.seed': {
    here: ({ validation }) => validation.tokens !== null,
    beside: 'validation.tokens',
  },
  'upload.everyTokens': { here: ({ upload }) => upload.repository !== null, beside: 'upload.repository' },
  'upload.private': { here: ({ upload }) => upload.repository !== null, beside: 'upload.repository' },
};

/**
 * @param asked what the command line says: a config file may be that of an earlier run, which says everything
 * @throws UserError for a setting there that would do nothing, whatever its value
 */
export function refuseIdleSettings(config: RunConfig, asked: Json): void {
  const trained = sweptArchitectures(config.sae, config.sweep);
  for (const name of Object.keys(config.train ? ownSettings : {})) {
    if (!has(asked, ['sae', name]) || trained.some((architecture) => applies(name, architecture))) continue;
    throw idle(`sae.${name}`, asked, nothingTo(trained));
  }
  for (const [path, { here, beside }] of Object.entries(BESIDE)) {
    if (has(asked, path.split('.')) && !here(config))
      throw idle(path, asked, `none: it does nothing without ${beside}`);
  }
}

function idle(path: string, asked: Json, expected: string): UserError {
  return new UserError({
    thing: `setting ${path}`,
    found: JSON.stringify(valueAt(asked, path.split('.'))),
    expected,
    next: 'Leave it out, or set what it belongs to.',
  });
}

const has = (settings: Json, path: readonly string[]): boolean => valueAt(settings, path) !== undefined;
