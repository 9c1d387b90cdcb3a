/** Bussmann et al. 2024, arXiv 2412.06410. */
import { z } from 'zod';
import type { Value } from '../../onnx/graph.ts';
import { smallest } from '../../onnx/reductions.ts';
import { largest } from '../../sae/reference.ts';
import { checkedSae } from '../../sae/sae.ts';
import { auxKFeeds } from '../aux-k.ts';
import { activityOf } from '../gradients.ts';
import { plainParameters, plainTensors, transcoderParts } from '../plain-parameters.ts';
import { topKLoss } from '../top-k-loss.ts';
import { topKReference } from '../top-k-reference.ts';
import { architecture, type ProgramStep, type RecipeWith, type Selection } from './architecture.ts';
import { complainAboutTopK, topKMarks, topKSettings } from './topk.ts';

export const batchTopKSettings = {
  ...topKSettings,
  thresholdDecay: z
    .number()
    .min(0)
    .lt(1)
    .default(0.999)
    .describe(
      'batchtopk, matryoshka: decay per step of the average of the smallest kept latent, which becomes the threshold',
    ),
};

export const batchtopk = architecture({
  name: 'batchtopk',
  summary: 'k per token on average, the largest of a batch; saved with a threshold',
  settings: batchTopKSettings,
  marks: topKMarks,
  check: complainAboutTopK,
  parameters: plainParameters,
  initialise: ({ dSae }) => ({ b_enc: new Float32Array(dSae) }),
  feeds: (recipe, { dead }) => auxKFeeds(recipe, dead),
  select: (step) => selectOfBatch(step),
  loss: (step, selection) => topKLoss(step, selection, [step.recipe.dSae]),
  auxWeight: ({ alphaAux }) => alphaAux,
  reference: {
    loss: (step) => topKReference(step, (pres) => largestOfBatch(pres, step.recipe.k), [step.recipe.dSae]),
  },
  toSae: ({ dSae: d_sae, k, applyBDecToInput, transcode }, d_in, parameters, { normalisation, threshold }) =>
    checkedSae({
      ...plainTensors(parameters),
      ...transcoderParts({ transcode }, d_in, parameters),
      architecture: 'batchtopk',
      d_in,
      d_sae,
      k,
      normalisation,
      apply_b_dec_to_input: applyBDecToInput,
      threshold: new Float32Array(d_sae).fill(threshold),
    }),
});

/** The k·B largest of the whole batch; those above 0 have fired. */
export function selectOfBatch({
  graph,
  recipe: { dSae: n, k, batchTokens: B },
  centred,
  parameters,
  zero,
}: ProgramStep<RecipeWith<typeof batchTopKSettings>>): Selection {
  const pre = graph.node('Gemm', [centred, parameters.W_enc, parameters.b_enc!]);
  const flat = graph.node('Reshape', [pre, graph.int64s([B * n])]);
  const [top, at] = graph.nodes('TopK', [flat, graph.int64s([B * k])], {
    outputs: 2,
    attributes: { sorted: 0 },
  }) as [Value, Value];
  const zeros = graph.node('Expand', [zero, graph.int64s([B * n])]);
  const kept = graph.node('Relu', [top]);
  const scattered = graph.node('ScatterElements', [zeros, at, kept], { attributes: { axis: 0 } });
  const dense = graph.node('Reshape', [scattered, graph.int64s([B, n])]);
  const { active, activeLatents, fired } = activityOf(graph, dense, B);
  const infinite = graph.scalar(Number.POSITIVE_INFINITY);
  const above = graph.node('Where', [graph.node('Greater', [kept, graph.scalar(0)]), kept, infinite]);
  return {
    z: dense,
    backward: (slopes) => ({ pre: graph.node('Mul', [slopes, active]), own: {} }),
    fired,
    activeLatents,
    least: graph.node('Squeeze', [smallest(graph, above)]),
  };
}

/** Latents kept of each token: k per token, the largest of all, if above 0. */
export function largestOfBatch(pres: readonly Float64Array[], k: number): number[][] {
  const n = pres[0]!.length;
  const all = pres.flatMap((pre) => Array.from(pre));
  const kept = pres.map((): number[] => []);
  for (const at of largest(all, k * pres.length)) if (all[at]! > 0) kept[Math.floor(at / n)]!.push(at % n);
  return kept;
}
