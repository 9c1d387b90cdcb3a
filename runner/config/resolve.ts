import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { quote, UserError } from '../errors.ts';
import { AUTO, parseDevices } from '../onnx/devices.ts';
import { suites } from '../suites/index.ts';
import { type Asked, refuseIdleSettings, withoutIdleSettings } from './idle-settings.ts';
import { isObject, type Json } from './json.ts';
import { didYouMean } from './nearest.ts';
import type { LoadedSuite } from './own-suites.ts';
import { type RunConfig, runConfig } from './run-config.ts';
import { hooksOfWords } from './trained-hooks.ts';
import { wrongSetting } from './wrong-setting.ts';

const presetsFolder = fileURLToPath(new URL('./presets/', import.meta.url));
const defaultPreset = 'small-world';

/** A config file larger than this is not one. */
const CONFIG_LIMIT = 1_000_000;

/** What the command line says about the run. */
export interface RunFlags {
  config?: string | undefined;
  set?: readonly string[] | undefined;
  name?: string | undefined;
  model?: string | undefined;
  layers?: string | undefined;
  /** Without `layers` the run has none but these. */
  hooks?: string | undefined;
  /** SAEs of others; without `train` the run trains none of its own. */
  sae?: readonly string[] | undefined;
  train?: boolean | undefined;
  /** The own model of the SAEs of others. */
  transfer?: string | undefined;
  /** The second model of a crosscoder. */
  'other-model'?: string | undefined;
  /** SAEs that training starts from. */
  from?: readonly string[] | undefined;
  /** Suites from the files that --suite names. */
  suites?: readonly LoadedSuite[] | undefined;
  device?: string | undefined;
  precision?: string | undefined;
  backend?: string | undefined;
  log?: string | undefined;
  threads?: string | undefined;
}

export async function listPresets(): Promise<string[]> {
  const files = await readdir(presetsFolder);
  return files.filter((file) => file.endsWith('.json')).map((file) => basename(file, '.json'));
}

/**
 * The resolved configuration: preset, then config file, then flags, each replacing what the earlier ones say.
 *
 * @throws UserError naming the preset, file, flag or field that is wrong
 */
export async function resolveRun(
  positionals: readonly string[],
  flags: RunFlags,
  verb: 'eval' | 'plan' = 'eval',
): Promise<RunConfig> {
  if (positionals.length > 1) {
    throw new UserError({
      thing: `arguments of ${verb}`,
      found: positionals.map(quote).join(' '),
      expected: 'one preset at most',
      next: `Put settings behind --set, as in --set training.tokens=100000, and in npm run a -- before options: npm run ${verb} -- ${defaultPreset} --layers 2.`,
    });
  }
  const chosen = await readPreset(positionals[0] ?? defaultPreset);
  const fromFile = flags.config === undefined ? {} : await readConfigFile(resolve(flags.config));
  const flagged = askedSettings(flags);
  const asked = flagged.map(({ settings }) => settings).reduce(merge, {});
  const merged = [chosen, fromFile, asked].reduce(merge);
  withoutIdleSettings(merged, merge(fromFile, asked));
  const parsed = runConfig.safeParse(merged);
  if (!parsed.success) throw wrongSetting(parsed.error.issues[0]!, runConfig, merged);
  const own = flags.suites ?? [];
  refuseIdleSettings(
    parsed.data,
    flagged,
    own.map(({ suite }) => suite),
  );
  // Checked here, so that a mistyped device is reported before anything starts.
  if (parsed.data.device !== AUTO) parseDevices(parsed.data.device);
  return withOwnSuites(parsed.data, own);
}

/**
 * @throws UserError for a suite of the settings that no file is given for, and for settings of a suite that is not there
 */
function withOwnSuites(config: RunConfig, loaded: readonly LoadedSuite[]): RunConfig {
  const missing = config.evaluation.ownSuites.find(
    ({ id }) => !loaded.some(({ suite }) => suite.declaration.id === id),
  );
  if (missing !== undefined) {
    throw new UserError({
      thing: `suite ${missing.id}`,
      found: 'settings that name it, and no file',
      expected: `its file ${missing.file}, SHA-256 ${missing.sha256.slice(0, 12)}…`,
      next: 'Give it with --suite.',
    });
  }
  const settings: Record<string, unknown> = { ...config.suites };
  for (const { suite } of loaded) {
    const { id } = suite.declaration;
    const own = z.strictObject(suite.settings.own ?? {}).prefault({});
    const parsed = own.safeParse(settings[id]);
    if (!parsed.success) throw wrongSetting(parsed.error.issues[0]!, own, settings[id], ['suites', id]);
    settings[id] = parsed.data;
  }
  const known = [...suites, ...loaded.map(({ suite }) => suite)].map(({ declaration }) => declaration.id);
  const unknown = Object.keys(settings).find((id) => !known.includes(id));
  if (unknown !== undefined) {
    throw new UserError({
      thing: `setting suites.${unknown}`,
      found: 'no such suite',
      expected: `one of ${known.join(', ')}`,
      next: didYouMean(unknown, known, 'Correct the name, or give the suite’s file with --suite.'),
    });
  }
  const ownSuites = loaded.map(({ suite, file, sha256 }) => ({ id: suite.declaration.id, file, sha256 }));
  return {
    ...config,
    suites: settings as RunConfig['suites'],
    evaluation: { ...config.evaluation, ownSuites },
  };
}

async function readPreset(name: string): Promise<Json> {
  const known = await listPresets();
  if (!known.includes(name)) {
    throw new UserError({
      thing: 'preset',
      found: quote(name),
      expected: `one of ${known.join(', ')}`,
      next: didYouMean(name, known, 'Choose one of these, or give your settings with --config FILE.'),
    });
  }
  return readConfigFile(join(presetsFolder, `${name}.json`));
}

async function readConfigFile(path: string): Promise<Json> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new UserError({
      thing: `config file ${path}`,
      found: error.code === 'ENOENT' ? 'no such file' : error.message,
      expected: 'a readable JSON file',
      next: 'Check the path.',
    });
  });
  let parsed: unknown;
  let reason = `${text.length} characters`;
  if (text.length <= CONFIG_LIMIT) {
    try {
      parsed = JSON.parse(text);
      reason = 'something that is not an object';
    } catch (error) {
      reason = error instanceof Error ? error.message : String(error);
    }
  }
  if (!isObject(parsed)) {
    throw new UserError({
      thing: `config file ${path}`,
      found: reason,
      expected: `a JSON object of at most ${CONFIG_LIMIT} characters`,
      next: 'Correct the file; runner/config/presets holds examples.',
    });
  }
  return parsed;
}

/** What the command line says, each option's settings by themselves, those that come later over those before. */
function askedSettings(flags: RunFlags): Asked[] {
  const asked: Asked[] = (flags.set ?? []).map((setting) => ({
    option: null,
    settings: parseSetting(setting),
  }));
  const add = <T>(name: keyof RunFlags, value: T | undefined, settings: (value: T) => Json): void => {
    if (value !== undefined) asked.push({ option: `--${name}`, settings: settings(value) });
  };
  add('name', flags.name, (name) => ({ name }));
  add('device', flags.device, (device) => ({ device }));
  add('precision', flags.precision, (precision) => ({ precision }));
  add('backend', flags.backend, (backend) => ({ backend }));
  add('log', flags.log, (log) => ({ training: { log } }));
  add('threads', flags.threads, (threads) => ({ threads: Number(threads) }));
  add('sae', flags.sae, (saes) => ({ saes: [...saes], train: false }));
  add('transfer', flags.transfer, (transferFrom) => ({ evaluation: { transferFrom } }));
  add('other-model', flags['other-model'], (otherModel) => ({ evaluation: { otherModel } }));
  add('from', flags.from, (from) => ({ training: { from: [...from] }, train: true }));
  add('train', flags.train, (train) => ({ train }));
  add('hooks', flags.hooks, (hooks) => ({ layers: [], hooks: hooksOfWords(hooks) }));
  add('layers', flags.layers, (layers) => ({ layers: layers.split(',').map(Number) }));
  add('model', flags.model, (reference) => ({ model: { id: modelIdOf(reference), reference } }));
  return asked;
}

/** What records call a model: a folder is known by its last name, a repository by its whole one. */
export function modelIdOf(reference: string): string {
  const name = reference.replace(/[/\\]+$/, '');
  return existsSync(name) || /^[./~]/.test(name) ? basename(resolve(name)) : name;
}

/** `a.b=value` as an object; the value is JSON where it can be read as such, else text. */
function parseSetting(setting: string): Json {
  const at = setting.indexOf('=');
  const path = setting.slice(0, at).split('.');
  if (at < 1 || path.some((key) => !/^[A-Za-z][A-Za-z0-9_-]*$/.test(key))) {
    throw new UserError({
      thing: '--set',
      found: quote(setting),
      expected: 'path=value, as in training.tokens=100000',
      next: 'Run npx interpboard eval --help for the paths.',
    });
  }
  const text = setting.slice(at + 1);
  let value: unknown = text;
  try {
    value = JSON.parse(text);
  } catch {
    // Plain text needs no quotes.
  }
  return path.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as Json;
}

function merge(base: Json, over: Json): Json {
  const out: Json = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const old = Object.hasOwn(out, key) ? out[key] : undefined;
    // defineProperty semantics: a key named __proto__ stays a key, and the strict schema refuses it.
    Object.defineProperty(out, key, {
      value: isObject(old) && isObject(value) ? merge(old, value) : value,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return out;
}
