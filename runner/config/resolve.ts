import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { quote, UserError } from '../errors.ts';
import { AUTO, parseDevices } from '../onnx/devices.ts';
import { applies, architectureNames } from '../train/architectures/index.ts';
import { type RunConfig, runConfig } from './run-config.ts';

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
  /** SAEs of others; without `train` the run trains none of its own. */
  sae?: readonly string[] | undefined;
  train?: boolean | undefined;
  device?: string | undefined;
  backend?: string | undefined;
  threads?: string | undefined;
}

type Json = Record<string, unknown>;

export async function listPresets(): Promise<string[]> {
  const files = await readdir(presetsFolder);
  return files.filter((file) => file.endsWith('.json')).map((file) => basename(file, '.json'));
}

/**
 * The resolved configuration: preset, then config file, then flags, each replacing what the earlier ones say.
 *
 * @throws UserError naming the preset, file, flag or field that is wrong
 */
export async function resolveRun(positionals: readonly string[], flags: RunFlags): Promise<RunConfig> {
  if (positionals.length > 1) {
    throw new UserError({
      thing: 'arguments of eval',
      found: positionals.map(quote).join(' '),
      expected: 'one preset at most',
      next: 'Put settings behind --set, as in --set training.tokens=100000.',
    });
  }
  const chosen = await readPreset(positionals[0] ?? defaultPreset);
  const fromFile = flags.config === undefined ? {} : await readConfigFile(resolve(flags.config));
  const merged = [chosen, fromFile, ...flagSettings(flags)].reduce(merge);
  withoutIdleSettings(merged, [fromFile, ...flagSettings(flags)].reduce(merge, {}));
  const parsed = runConfig.safeParse(merged);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new UserError({
      thing: `setting ${issue?.path.join('.') || '(top level)'}`,
      found: issue?.message ?? 'another shape',
      expected: 'a value that --help describes',
      next: 'Correct it in the config file or the command line.',
    });
  }
  // Checked here, so that a mistyped device is reported before anything starts.
  if (parsed.data.device !== AUTO) parseDevices(parsed.data.device);
  return parsed.data;
}

/**
 * Takes out what only a preset says of the SAEs and means nothing to the architectures that are trained, such as the k
 * of a JumpReLU SAE. What the user says himself stays, to be refused by name.
 */
function withoutIdleSettings(merged: Json, given: Json): void {
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

async function readPreset(name: string): Promise<Json> {
  const known = await listPresets();
  if (!known.includes(name)) {
    throw new UserError({
      thing: 'preset',
      found: quote(name),
      expected: `one of ${known.join(', ')}`,
      next: 'Choose one of these, or give your settings with --config FILE.',
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

function flagSettings(flags: RunFlags): Json[] {
  const settings: Json[] = (flags.set ?? []).map(parseSetting);
  if (flags.name !== undefined) settings.push({ name: flags.name });
  if (flags.device !== undefined) settings.push({ device: flags.device });
  if (flags.backend !== undefined) settings.push({ backend: flags.backend });
  if (flags.threads !== undefined) settings.push({ threads: Number(flags.threads) });
  if (flags.sae !== undefined) settings.push({ saes: [...flags.sae], train: false });
  if (flags.train !== undefined) settings.push({ train: flags.train });
  if (flags.layers !== undefined) settings.push({ layers: flags.layers.split(',').map(Number) });
  if (flags.model !== undefined) {
    const name = flags.model.replace(/[/\\]+$/, '');
    // A folder is known by its last name, a repository by its whole one.
    const id = existsSync(name) || /^[./~]/.test(name) ? basename(resolve(name)) : name;
    settings.push({ model: { id, reference: flags.model } });
  }
  return settings;
}

/** `a.b=value` as an object; the value is JSON where it can be read as such, else text. */
function parseSetting(setting: string): Json {
  const at = setting.indexOf('=');
  const path = setting.slice(0, at).split('.');
  if (at < 1 || path.some((key) => !/^[A-Za-z][A-Za-z0-9_]*$/.test(key))) {
    throw new UserError({
      thing: '--set',
      found: quote(setting),
      expected: 'path=value, as in training.tokens=100000',
      next: 'Run npm run eval -- --help for the paths.',
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

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
