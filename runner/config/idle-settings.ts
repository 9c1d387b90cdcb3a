/** Settings that would do nothing: those of a preset are left out, those that the user asks for are refused. */
import { quote, UserError } from '../errors.ts';
import { suites } from '../suites/index.ts';
import type { Suite } from '../suites/suite.ts';
import { applies, architectureNames, ownSettings } from '../train/architectures/index.ts';
import { nothingTo } from './complaints.ts';
import { isObject, type Json } from './json.ts';
import { isOfTrainingAlone } from './roles.ts';
import { inputsOf, type RunConfig, suitesOf } from './run-config.ts';
import { settingsOf } from './suite-settings.ts';
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

/** A run whose settings are known. */
interface AskedRun {
  config: RunConfig;
  /** Those that its model can be asked. */
  suites: readonly Suite[];
}

/** What a setting needs, to act: null where the run has it, else why the setting does nothing. */
type Need = (run: AskedRun) => string | null;

const without =
  (missing: string, isThere: (config: RunConfig) => boolean): Need =>
  ({ config }) =>
    isThere(config) ? null : `it does nothing without ${missing}`;

const training = without('SAEs that the run trains (--train)', ({ train }) => train);
const languageModel = without('a language model', ({ corpus }) => corpus.source !== 'samples');
const dataFiles = without(
  'text from data files',
  ({ corpus: { source, heldout } }) => heldout !== null || (source !== 'small-world' && source !== 'samples'),
);
const drawn = without(
  'weights that are drawn: training.from says others',
  (run) => run.training.from.length === 0,
);
const repository = without('upload.repository', ({ upload }) => upload.repository !== null);
const validation = without('validation.tokens', ({ validation: { tokens } }) => tokens !== null);
const tasks = aSuite('that reads probing.tasks', (suite, config) => reads(suite, config, 'tasks'));
const readsSets = aSuite('that reads probing.sets', (suite, config) => reads(suite, config, 'sets'));
const sets = [readsSets, without('probing.sets', ({ probing }) => probing.sets.length > 0)];
const controls = aSuite('with controls', ({ controlled }) => controlled);

/** Of a setting, or of all in a section, what it needs that no run is sure to have. */
const NEEDS: Readonly<Record<string, readonly Need[]>> = {
  precision: [languageModel],
  spill: [languageModel],
  'corpus.source': [
    without(
      'SAEs that the run trains (--train): evaluation reads corpus.heldout',
      ({ train, corpus }) => train || corpus.heldout === null,
    ),
  ],
  'corpus.heldoutShare': [dataFiles],
  'corpus.badRows': [dataFiles],
  'corpus.boundaries': [languageModel, (run) => training(run) && validation(run)],
  'sae.applyBDecToInput': [
    without('a hook whose SAE is no transcoder', (config) =>
      trainedPlaces(config).some((place) => place.reads === undefined),
    ),
  ],
  'sae.biasInit': [drawn],
  'sae.decoderInitNorm': [drawn],
  'sae.weiszfeldIterations': [
    drawn,
    without('sae.biasInit geometric-median', ({ sae }) => sae.biasInit === 'geometric-median'),
  ],
  'training.activations.gigabytes': [languageModel],
  'training.policy.highNormFactor': [
    without('training.policy.highNorm drop or cap', (run) => run.training.policy.highNorm !== 'keep'),
  ],
  'training.shuffle.onDisk': [
    without('training.shuffle.megabytes above 0', (run) => run.training.shuffle.megabytes > 0),
  ],
  'probing.tasks': [tasks],
  'probing.sets': [readsSets],
  'validation.seed': [validation],
  'upload.everyTokens': [repository],
  'upload.private': [repository],
  live: [languageModel],
  'evaluation.controlTokens': [controls],
  'evaluation.untrainedProbes': [
    controls,
    without('evaluation.controlTokens above 0', ({ evaluation }) => evaluation.controlTokens > 0),
  ],
  'evaluation.documentTokens': [languageModel],
  'evaluation.probeTexts': [tasks],
  'evaluation.probeTokens': [tasks],
  'evaluation.probeSeed': [aSuite('of language models', ({ needs }) => needs === 'text')],
  'evaluation.setTrainTexts': sets,
  'evaluation.setTestTexts': sets,
  'evaluation.setTokens': sets,
  'evaluation.pairEvery': [
    without(
      'evaluation.transferFrom null: it is true beside one',
      ({ evaluation }) => evaluation.transferFrom === null,
    ),
  ],
};

/** Some suite of the run that a setting acts on; the error names this program's. */
function aSuite(text: string, acts: (suite: Suite, config: RunConfig) => boolean): Need {
  return ({ config, suites: asked }) => {
    if (asked.some((suite) => acts(suite, config))) return null;
    const names = suites.filter((suite) => acts(suite, config)).map(({ declaration }) => declaration.id);
    return `it does nothing without a suite ${text}: ${names.join(', ')}`;
  };
}

/** One from a file, which alone has a version, may read more than it declares. */
function reads(suite: Suite, config: RunConfig, name: string): boolean {
  if (suite.version !== '') return true;
  return suite.reads(settingsOf(suite, config), inputsOf(config)).some((reading) => reading.name === name);
}

/** What the suite, the architecture or the training that a setting belongs to needs, and what stands in the table. */
function needsOf(path: string): readonly Need[] {
  const [section = '', name = ''] = path.split('.');
  const found: Need[] = isOfTrainingAlone(path) ? [training] : [];
  if (section === 'sae' && Object.hasOwn(ownSettings, name)) found.push(architectureWith(name));
  if (suites.some((suite) => declares(suite, section, name)))
    found.push(aSuite('with that setting', (suite) => declares(suite, section, name)));
  return [...found, ...(NEEDS[section] ?? []), ...(NEEDS[path] ?? [])];
}

function architectureWith(setting: string): Need {
  return ({ config: { sae, sweep } }) => {
    const trained = sweptArchitectures(sae, sweep);
    return trained.some((architecture) => applies(setting, architecture)) ? null : nothingTo(trained);
  };
}

function declares({ declaration, settings }: Suite, section: string, name: string): boolean {
  if (section === 'suites') return declaration.id === name;
  return (section === 'evaluation' || section === 'probing') && Object.hasOwn(settings[section] ?? {}, name);
}

/** Settings that the command line asks for, by --set or by an option of their own. */
export interface Asked {
  /** As `--layers`; null: by --set. */
  option: string | null;
  settings: Json;
}

/**
 * @param asked what the command line says: a config file may be that of an earlier run, which says everything
 * @param own suites from files
 * @throws UserError for a setting there that would do nothing, whatever its value
 */
export function refuseIdleSettings(config: RunConfig, asked: readonly Asked[], own: readonly Suite[]): void {
  const known = config.corpus.source === 'samples' ? 'truth' : 'text';
  const run: AskedRun = {
    config,
    suites: [...suitesOf(config), ...own].filter(({ needs }) => needs === known),
  };
  for (const { option, settings } of asked) {
    for (const [path, value] of leaves(settings)) {
      if (asksForNothing(path, value)) continue;
      for (const need of needsOf(path)) {
        const why = need(run);
        if (why === null) continue;
        throw new UserError({
          thing: option ?? `setting ${path}`,
          found: typeof value === 'string' && option !== null ? quote(value) : JSON.stringify(value),
          expected: `none: ${why}`,
          next: HOOKS.includes(path)
            ? 'Leave it out, add --train, or say the hook of an SAE behind its name, as in --sae NAME#layer=2.'
            : 'Leave it out, or set what it belongs to.',
        });
      }
    }
  }
}

/** Amounts of which 0 is none. */
const AMOUNTS: readonly string[] = ['evaluation.controlTokens', 'live.budget'];

/** What is left out needs nothing, and may undo what a config file says. */
export function asksForNothing(path: string, value: unknown): boolean {
  return (
    value === null || (Array.isArray(value) && value.length === 0) || (value === 0 && AMOUNTS.includes(path))
  );
}

const HOOKS: readonly string[] = ['layers', 'hooks'];

/** Every value with its path. */
function leaves(settings: Json, prefix = ''): [path: string, value: unknown][] {
  return Object.entries(settings).flatMap(([key, value]): [string, unknown][] =>
    isObject(value) ? leaves(value, `${prefix}${key}.`) : [[`${prefix}${key}`, value]],
  );
}
