/** Gao et al. 2024, arXiv 2406.04093. */
import { elementTypes, type Graph, type Value } from '../../onnx/graph.ts';
import { largest } from '../../sae/reference.ts';
import { topKSae } from '../../sae/sae.ts';
import { auxKFeeds, auxKSettings } from '../aux-k.ts';
import { size } from '../common-settings.ts';
import { positive, scatterColumns, sumAll } from '../gradients.ts';
import { plainParameters, plainTensors, transcoderParts } from '../plain-parameters.ts';
import { topKLoss } from '../top-k-loss.ts';
import { topKReference } from '../top-k-reference.ts';
import { architecture, type Complaint } from './architecture.ts';

/** Of every architecture that keeps the k largest. */
export const topKSettings = {
  k: size.default(128).describe('latents kept for each token; batchtopk, matryoshka: on average'),
  ...auxKSettings,
};

export const topKMarks = { k: 'k', kAux: 'kaux', alphaAux: 'alpha', auxVariant: 'aux-' } as const;

export function complainAboutTopK(recipe: { dSae: number; k: number; kAux: number }): Complaint[] {
  return (['k', 'kAux'] as const)
    .filter((setting) => recipe[setting] > recipe.dSae)
    .map((setting) => ({ setting, message: `expected at most dSae (${recipe.dSae})` }));
}

export const topk = architecture({
  name: 'topk',
  summary: 'the k largest latents of each token',
  settings: topKSettings,
  marks: topKMarks,
  check: complainAboutTopK,
  parameters: plainParameters,
  initialise: ({ dSae }) => ({ b_enc: new Float32Array(dSae) }),
  feeds: (recipe, { dead }) => auxKFeeds(recipe, dead),
  /** Selected latents at or below 0 count as fired too, though relu makes them 0. */
  select({ graph, recipe: { dSae: n, k, batchTokens: B }, centred, parameters, zero }) {
    const pre = graph.node('Gemm', [centred, parameters.W_enc, parameters.b_enc!]);
    const [top, at] = graph.nodes('TopK', [pre, graph.int64s([k])], {
      outputs: 2,
      attributes: { sorted: 0 },
    }) as [Value, Value];
    const z = graph.node('Relu', [top]);
    const zeros = graph.node('Expand', [zero, graph.int64s([B, n])]);
    return {
      z: scatterColumns(graph, zeros, at, z),
      backward(slopes) {
        // Selected columns are gathered and scattered, which is cheaper than masking all of [B, n].
        const selected = graph.node('GatherElements', [slopes, at], { attributes: { axis: 1 } });
        const through = graph.node('Mul', [selected, positive(graph, z)]);
        return { pre: scatterColumns(graph, zeros, at, through), own: {} };
      },
      fired: flagsAt(graph, at, n, B * k),
      activeLatents: sumAll(graph, 'ReduceSum', positive(graph, z)),
      least: null,
    };
  },
  loss: (step, selection) => topKLoss(step, selection, [step.recipe.dSae]),
  auxWeight: ({ alphaAux }) => alphaAux,
  reference: {
    loss(step) {
      const select = (pres: readonly Float64Array[]) => pres.map((pre) => largest(pre, step.recipe.k));
      return { ...topKReference(step, select, [step.recipe.dSae]), leastActive: null };
    },
  },
  toSae: ({ dSae: d_sae, k, applyBDecToInput, transcode }, d_in, parameters, { normalisation }) =>
    topKSae({
      ...plainTensors(parameters),
      ...transcoderParts({ transcode }, d_in, parameters),
      d_in,
      d_sae,
      k,
      normalisation,
      apply_b_dec_to_input: applyBDecToInput,
    }),
});

/** Of n flags those that `at` names, whatever order and however often. */
function flagsAt(graph: Graph, at: Value, n: number, selected: number): Value {
  const cleared = graph.floats(new Float32Array(n), [n]);
  const ones = graph.node('Expand', [graph.scalar(1), graph.int64s([selected])]);
  // Looked up rather than cast: devices do no arithmetic on int64.
  const latents = graph.int32s(Array.from({ length: n }, (_, j) => j));
  const narrow = graph.node('Gather', [latents, at]);
  const flat = graph.node('Reshape', [narrow, graph.int64s([selected])]);
  const flags = graph.node('ScatterElements', [cleared, flat, ones], { attributes: { axis: 0 } });
  return graph.node('Cast', [flags], { attributes: { to: elementTypes.bool } });
}
