/** What a crosscoder's evaluation takes beside its language models: computed here for `plan` and for the run. */
import type { Device } from '../../onnx/devices.ts';
import { type EvaluationNeeds, evaluationNeeds, type PooledSae } from './pooled-memory.ts';

/** Arrays [tokens, places · d] of a batch: activations, the same scaled, what latents stand for, and the same as it is put back. */
const HELD = 4;

/**
 * Of one of its models, which share the run's memory and what the crosscoder takes of it. Not counted are the latents of a batch,
 * since few of them fire, and ablations, since none are made.
 *
 * @param sae its code: d_in is that of all places side by side
 * @param models of the crosscoder
 */
export function crosscoderNeeds(
  config: Parameters<typeof evaluationNeeds>[0],
  sae: PooledSae,
  models: number,
  [device]: readonly [Device, ...Device[]],
): EvaluationNeeds {
  const evaluation = { ...config.evaluation, untrainedProbes: false };
  const needs = evaluationNeeds({ ...config, evaluation }, [], [sae], [device]);
  const held = HELD * 4 * config.sae.batchTokens * sae.d_in;
  return {
    ...needs,
    saes: needs.saes / models,
    host: ((needs.host ?? 0) + held) / models,
    ablated: 0,
  };
}
