/** Makes a synthetic model from its configuration alone, and saves it in the layout that it is read in. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeSafetensors, type TensorToWrite } from '../formats/safetensors.ts';
import { sha256 } from '../io/hash.ts';
import { writeAtomic } from '../io/write-atomic.ts';
import { random } from '../math/random.ts';
import type { SyntheticConfig } from './config.ts';
import { gaussianRows, orthogonalise } from './dictionary.ts';
import { CONFIG_FILE, readConfig, TREE_FILE, WEIGHTS_FILE } from './layout.ts';
import { firingProbabilities } from './per-feature.ts';
import { compensated, forestOf, growTrees } from './tree.ts';

/** Changes when the same configuration gives another model. */
const GENERATOR = 'synthetic/1';

/** Least variance of its own that a feature keeps beside what it shares. */
const LEAST_OWN = 0.01;

/**
 * The model of a configuration file, in a folder below `cache` named by the file's hash; made there unless it is.
 *
 * @throws MalformedError for a configuration that is none
 */
export async function generated(configFile: string, cache: string, onMake: () => void): Promise<string> {
  const config = await readConfig(configFile);
  const text = await readFile(configFile, 'utf8');
  const folder = join(cache, sha256(`${GENERATOR}\n${text}`).slice(0, 32));
  if (existsSync(join(folder, CONFIG_FILE))) return folder;
  onMake();
  const { tensors, roots } = generate(config);
  await writeAtomic(join(folder, WEIGHTS_FILE), encodeSafetensors(tensors));
  if (roots !== null) await writeAtomic(join(folder, TREE_FILE), JSON.stringify({ roots }));
  // Last: it says that the others are whole.
  await writeAtomic(join(folder, CONFIG_FILE), text);
  return folder;
}

/** The same distributions as SAELens', by streams of our own. */
export function generate(config: SyntheticConfig) {
  const { num_features: n, hidden_dim: d, hierarchy, correlation, orthogonalization } = config;
  const seed = config.seed ?? 0;
  const roots = hierarchy === null ? null : growTrees(n, hierarchy, seed + 3);
  const base = firingProbabilities(config);
  const firing =
    roots !== null && hierarchy!.compensate_probabilities
      ? compensated(base, forestOf(roots, n, CONFIG_FILE))
      : base;
  const vectors = gaussianRows(n, d, random('feature vectors', seed));
  if (orthogonalization !== null) {
    orthogonalise(vectors, d, { steps: orthogonalization.num_steps, rate: orthogonalization.lr });
  }
  const norm = Number(config.bias);
  const bias = gaussianRows(1, d, random('bias', seed)).map((value) => value * norm);
  const f32 = (data: Float32Array, shape: number[]): TensorToWrite => ({ dtype: 'F32', shape, data });
  const tensors: Record<string, TensorToWrite> = {
    feature_vectors: f32(vectors, [n, d]),
    bias: f32(bias, [d]),
    firing_probabilities: f32(Float32Array.from(firing), [n]),
  };
  if (correlation !== null) {
    const { rank, correlation_scale: scale } = correlation;
    const stream = random('correlation', correlation.seed ?? seed);
    const factor = Float32Array.from({ length: n * rank }, () => scale * stream.gaussian());
    const own = new Float32Array(n);
    for (let i = 0; i < n; i++) {
      const row = factor.subarray(i * rank, (i + 1) * rank);
      const shared = row.reduce((sum, value) => sum + value * value, 0);
      const fits = Math.min(1, Math.sqrt((1 - LEAST_OWN) / shared));
      for (let j = 0; j < rank; j++) row[j] = row[j]! * fits;
      own[i] = 1 - shared * fits * fits;
    }
    tensors.correlation_factor = f32(factor, [n, rank]);
    tensors.correlation_diag = f32(own, [n]);
  }
  return { tensors, roots };
}
