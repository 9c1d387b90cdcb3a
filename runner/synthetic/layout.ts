/** A synthetic model's folder, as SAELens saves it: configuration, vectors and probabilities, and its hierarchy. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { z } from 'zod';
import { MalformedError, unreadable } from '../errors.ts';
import { parseJson } from '../formats/json.ts';
import { readFloats, readSafetensors } from '../formats/safetensors.ts';
import { withFile } from '../io/byte-source.ts';
import { type SyntheticConfig, syntheticConfig } from './config.ts';
import { magnitudes } from './per-feature.ts';
import { type Forest, forestOf, treeFile } from './tree.ts';

export const CONFIG_FILE = 'synthetic_model_config.json';
export const WEIGHTS_FILE = 'synthetic_model.safetensors';
export const TREE_FILE = 'hierarchy.json';
export const SYNTHETIC_FILES = [CONFIG_FILE, WEIGHTS_FILE, TREE_FILE] as const;

/** Largest JSON file read: the benchmark's hierarchy has 3 MB. */
const JSON_LIMIT = 64_000_000;

/** Everything that samples follow from. */
export interface SyntheticParts {
  features: number;
  d: number;
  /** Directions, [features, d]. */
  vectors: Float32Array;
  /** [d] */
  bias: Float32Array;
  /** Probabilities at which features are drawn, before parents and siblings, [features]. */
  firing: Float32Array;
  /** Of the magnitude of a feature that fires, [features] each. */
  means: Float32Array;
  deviations: Float32Array;
  /** What features share: [features, rank], and the variance of each that is its own; null where they are independent. */
  correlation: { rank: number; factor: Float32Array; own: Float32Array } | null;
  forest: Forest | null;
  /** What a reader of results should know. */
  notes: readonly string[];
}

export function isSynthetic(folder: string): boolean {
  return existsSync(join(folder, CONFIG_FILE));
}

/** Names of the files that a synthetic model in this folder is read from. */
export function syntheticFiles(folder: string): string[] {
  return SYNTHETIC_FILES.filter((name) => name !== TREE_FILE || existsSync(join(folder, name)));
}

/** @throws MalformedError, UnavailableError */
export async function readConfig(path: string): Promise<SyntheticConfig> {
  return readJson(path, syntheticConfig);
}

/** @param thing names the text in errors */
export function parseConfig(text: string, thing: string): SyntheticConfig {
  return parse(text, thing, syntheticConfig);
}

/** @throws MalformedError, UnavailableError */
export async function readSynthetic(folder: string): Promise<SyntheticParts> {
  const config = await readConfig(join(folder, CONFIG_FILE));
  const { num_features: features, hidden_dim: d, seed } = config;
  const path = join(folder, WEIGHTS_FILE);
  const weights = await withFile(path, async (source) => {
    const file = await readSafetensors(source);
    const floats = async (name: string, shape: number[]): Promise<Float32Array> =>
      finite(await readFloats(source, file, name, shape), `${path}, tensor ${name}`);
    const correlated = file.tensors.has('correlation_factor');
    const rank = file.tensors.get('correlation_factor')?.shape[1] ?? 0;
    return {
      vectors: await floats('feature_vectors', [features, d]),
      bias: await floats('bias', [d]),
      firing: await floats('firing_probabilities', [features]),
      correlation: correlated
        ? {
            rank,
            factor: await floats('correlation_factor', [features, rank]),
            own: await floats('correlation_diag', [features]),
          }
        : null,
    };
  });
  if (
    weights.firing.some((each) => each < 0 || each > 1) ||
    weights.correlation?.own.some((each) => each <= 0)
  ) {
    throw malformed(
      path,
      'a probability outside 0 to 1 or a variance of 0 or less',
      'those of a synthetic model',
    );
  }
  const treePath = join(folder, TREE_FILE);
  const forest = existsSync(treePath)
    ? forestOf((await readJson(treePath, treeFile)).roots, features, treePath)
    : null;
  const drawn = [config.mean_firing_magnitudes, config.std_firing_magnitudes].some(
    (each) => typeof each === 'object' && each.generator_name === 'folded_normal',
  );
  return {
    features,
    d,
    ...weights,
    means: magnitudes(features, config.mean_firing_magnitudes, seed === null ? null : seed + 2),
    deviations: magnitudes(features, config.std_firing_magnitudes, seed === null ? null : seed + 1),
    forest,
    notes:
      drawn && seed === null
        ? ['The synthetic model has no seed, and its files do not hold its magnitudes: they were drawn anew.']
        : [],
  };
}

async function readJson<T>(path: string, schema: z.ZodType<T>): Promise<T> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw unreadable(path, error);
  });
  return parse(text, path, schema);
}

function parse<T>(text: string, thing: string, schema: z.ZodType<T>): T {
  if (text.length > JSON_LIMIT) throw malformed(thing, `${text.length} characters`, `at most ${JSON_LIMIT}`);
  let value: unknown;
  try {
    value = parseJson(text);
  } catch (error) {
    throw malformed(thing, error instanceof Error ? error.message : String(error), 'JSON');
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const found = `${issue!.path.join('.') || 'the whole'}: ${issue!.message}`;
  throw malformed(thing, found, 'the layout of SAELens 6.54');
}

function finite(values: Float32Array, thing: string): Float32Array {
  const at = values.findIndex((value) => !Number.isFinite(value));
  if (at >= 0) throw malformed(thing, `${values[at]} at ${at}`, 'finite numbers');
  return values;
}

function malformed(thing: string, found: string, expected: string): MalformedError {
  return new MalformedError({ thing, found, expected, next: 'Download or save the synthetic model again.' });
}
