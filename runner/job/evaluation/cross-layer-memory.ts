/** What a cross-layer transcoder's evaluation takes beside the language model: what `plan` says is what the run asks for. */
import type { SuitesSettings } from '../../config/sections.ts';
import type { Device } from '../../onnx/devices.ts';
import { kSparse } from '../../suites/k-sparse/suite.ts';
import type { Suite } from '../../suites/suite.ts';
import { evaluationNeeds, type PooledSae } from './pooled-memory.ts';

/** Of a run's suites those that are made of the latents of one layer after the other. */
export function crossLayerSuites(suites: readonly Suite[]): Suite[] {
  return suites.filter((suite) => suite === kSparse);
}

/** Of every layer, for a batch: the MLP's output, what stands for it on the model left alone, and what stands for it in its place. */
const HELD = 3;

/**
 * All layers lie on the first device. Latents of a batch are not counted, of which few fire; nor are ablations, which it has
 * none of.
 *
 * @param suites of the run
 * @param layers as `pooledOf` has them
 */
export function crossLayerNeeds(
  config: SuitesSettings & { sae: { batchTokens: number } },
  suites: readonly Suite[],
  layers: readonly PooledSae[],
  [device]: readonly [Device, ...Device[]],
): ReturnType<typeof evaluationNeeds> & { ablations: boolean } {
  const evaluation = { ...config.evaluation, untrainedProbes: false };
  const needs = evaluationNeeds({ ...config, evaluation }, crossLayerSuites(suites), layers, [device]);
  const held = layers.reduce((sum, { d_in }) => sum + HELD * 4 * config.sae.batchTokens * d_in, 0);
  return { ...needs, host: (needs.host ?? 0) + held, ablations: false };
}
