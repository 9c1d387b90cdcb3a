/** What a cross-layer transcoder's evaluation takes beside the language model: computed here for `plan` and for the run. */
import type { Device } from '../../onnx/devices.ts';
import { kSparse } from '../../suites/k-sparse/suite.ts';
import type { Suite } from '../../suites/suite.ts';
import { type EvaluationNeeds, evaluationNeeds, type PooledSae } from './pooled-memory.ts';

/** Of a run's suites those that are made of the latents of one layer after the other. */
export function crossLayerSuites(suites: readonly Suite[]): Suite[] {
  return suites.filter((suite) => suite === kSparse);
}

/** Arrays [tokens, d] of each layer and batch: the MLP's output, the transcoder's of the model left alone, and that with all MLPs replaced. */
const HELD = 3;

/**
 * All layers lie on the first device. Not counted are the latents of a batch, since few of them fire, and ablations, since none are
 * made.
 *
 * @param suites of the run
 * @param layers as `pooledOf` has them
 */
export function crossLayerNeeds(
  config: Parameters<typeof evaluationNeeds>[0],
  suites: readonly Suite[],
  layers: readonly PooledSae[],
  [device]: readonly [Device, ...Device[]],
): EvaluationNeeds {
  const evaluation = { ...config.evaluation, untrainedProbes: false };
  const needs = evaluationNeeds({ ...config, evaluation }, crossLayerSuites(suites), layers, [device]);
  const held = layers.reduce((sum, { d_in }) => sum + HELD * 4 * config.sae.batchTokens * d_in, 0);
  return { ...needs, host: (needs.host ?? 0) + held, ablated: 0 };
}
