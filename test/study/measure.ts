/** Every metric of the report that a synthetic model has, of SAEs beside one another: values by definition, `at k` where it has one. */
import { mean } from '../../runner/math/sum.ts';
import type { DenseFeatures, SparseFeatures } from '../../runner/probes/features.ts';
import { decoderDirections } from '../../runner/sae/directions.ts';
import { openSae } from '../../runner/sae/open-sae.ts';
import type { Latents, Sae } from '../../runner/sae/sae.ts';
import { interpScoreWeights, l0Score } from '../../runner/suites/interpscore/composite.ts';
import { denseProbingSuite } from '../../runner/suites/interpscore/dense-probing.ts';
import { tppSuite } from '../../runner/suites/interpscore/tpp.ts';
import { kSparseProbes } from '../../runner/suites/k-sparse/k-sparse.ts';
import { scrOfPair, scrProbes } from '../../runner/suites/scr/scr.ts';
import { conceptProbes, tppOfSet } from '../../runner/suites/tpp/tpp-saebench.ts';
import type { SyntheticModel } from '../../runner/synthetic/model.ts';
import { type Measured, measure, THREADS } from '../bench/parts/truth.ts';
import { conceptsOf } from './concepts.ts';

const KS = [1, 5] as const;
const NS = [2, 10] as const;
export const COMPOSITE = 'composite_without_loss@v1';

/** What is the same for all SAEs under one seed: the probe sets, and the probes on the residual. */
function prepared(model: SyntheticModel, seed: number) {
  const concepts = conceptsOf(model, seed);
  const residual: DenseFeatures = { values: concepts.x, rows: concepts.rows, columns: model.dModel };
  return {
    ...concepts,
    residual,
    probes: conceptProbes(concepts.classes, residual, seed),
    pairProbes: concepts.pairs.map((plan) => scrProbes(plan, residual, seed)),
  };
}

export interface Evaluation {
  of(saes: readonly Sae[]): Promise<Measured[]>;
}

/** @param seed of the samples, of the rows of probes and of their starts */
export function openEvaluation(model: SyntheticModel, seed: number, samples: number): Evaluation {
  const shared = prepared(model, seed);
  return {
    async of(saes) {
      const base = await measure(model, saes, seed, samples);
      const found: Measured[] = [];
      for (const [i, sae] of saes.entries())
        found.push({ ...base[i]!, ...(await probed(sae, shared, base[i]!)) });
      return found;
    },
  };
}

async function probed(sae: Sae, shared: ReturnType<typeof prepared>, base: Measured): Promise<Measured> {
  const { x, rows, residual, classes, probes, pairs, pairProbes, dense } = shared;
  const open = await openSae(sae, { threads: THREADS });
  const latents = sparse(await open.encode(x, rows), rows, sae.d_sae);
  await open.close();
  const directions = await decoderDirections(sae);
  const values: Measured = {};
  for (const [k, quality] of kSparseProbes(classes, latents, KS)) {
    values[`probe_acc_k@saebench at ${k}`] = quality.accuracy.value;
    values[`probe_auc_k@saebench at ${k}`] = quality.auroc.value;
  }
  for (const { n, value } of tppOfSet(classes, { latents, residual }, probes, directions, NS).points)
    values[`tpp@saebench-N at ${n}`] = value.value;
  // Of a pair without a direction that is worse SAEBench has no score.
  const removed = pairs.flatMap(
    (plan, i) => scrOfPair(plan, { latents, residual }, pairProbes[i]!, directions, NS).counted ?? [],
  );
  for (const [at, n] of NS.entries())
    values[`scr@saebench-N at ${n}`] = meanOfAll(removed.map(({ points }) => points[at]!.value.value));
  const tasks = dense.map(({ task, rows: of, labels }) => ({
    task,
    data: 'samples of the synthetic model',
    labels,
    features: { rows: of.length, columns: sae.d_sae, entries: [...of].map((row) => latents.entries[row]!) },
    texts: [...of].map(String),
  }));
  const options = { resamples: 1 };
  const auroc = denseProbingSuite(tasks, options).metrics['probe_auc_dense@interpscore-0.0.1'].value;
  const tpp = meanOfAll(tasks.map((task) => tppSuite(task, options).metrics['tpp@interpscore-0.0.1'].value));
  const l0_score = l0Score(base['l0@v1'] ?? 0);
  values['probe_auc_dense@interpscore-0.0.1'] = auroc;
  values['tpp@interpscore-0.0.1'] = tpp;
  values['l0_score@interpscore-0.0.1'] = l0_score;
  values[COMPOSITE] = compositeWithoutLoss({
    alive: base['alive@v1'] ?? null,
    l0_score,
    sparse_probing: auroc,
    tpp,
  });
  return values;
}

/** The weighted mean of InterpScore's components but loss recovered, which needs a language model. */
export function compositeWithoutLoss(
  parts: Record<'alive' | 'l0_score' | 'sparse_probing' | 'tpp', number | null>,
): number | null {
  let [sum, weight] = [0, 0];
  for (const name of ['alive', 'l0_score', 'sparse_probing', 'tpp'] as const) {
    const value = parts[name];
    if (value === null) return null;
    sum += interpScoreWeights[name] * value;
    weight += interpScoreWeights[name];
  }
  return sum / weight;
}

/** Null where one is. */
function meanOfAll(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 || known.length < values.length ? null : mean(known);
}

function sparse({ k, indices, values }: Latents, rows: number, columns: number): SparseFeatures {
  const entries = Array.from({ length: rows }, (_, row) => {
    const slots = Array.from({ length: k }, (_, slot) => row * k + slot)
      .filter((at) => values[at] !== 0)
      .sort((a, b) => indices[a]! - indices[b]!);
    return {
      indices: Int32Array.from(slots, (at) => indices[at]!),
      values: Float32Array.from(slots, (at) => values[at]!),
    };
  });
  return { rows, columns, entries };
}
