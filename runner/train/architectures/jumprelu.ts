/**
 * Rajamanoharan et al. 2024, arXiv 2407.14435: z = pre·1[pre > threshold], a threshold a latent. The threshold is
 * learned through straight-through estimators: a rectangle as wide as `bandwidth` stands in for the derivative of the
 * step at it.
 *
 *     d z_j / d threshold_j        = −(threshold_j / bandwidth)·1[|pre_j − threshold_j| < bandwidth / 2]
 *     d 1[pre_j > threshold_j] / d threshold_j = −(1 / bandwidth)·1[|pre_j − threshold_j| < bandwidth / 2]
 *
 * No estimator passes anything to pre. The threshold itself is trained, not its logarithm (as SAELens and
 * dictionary_learning do), and kept at 0 or above.
 */
import { z } from 'zod';
import type { Graph, Value } from '../../onnx/graph.ts';
import { elementTypes } from '../../onnx/graph.ts';
import { checkedSae } from '../../sae/sae.ts';
import { lossWeight } from '../common-settings.ts';
import { denseReference } from '../dense-reference.ts';
import { activityOf, encoderGradients, sumAll, sumOverTokens } from '../gradients.ts';
import { plainParameters, plainTensors, transcoderParts } from '../plain-parameters.ts';
import { reconstructionLoss } from '../reconstruction-loss.ts';
import { sparsityFeeds, sparsitySettings, sparsityWeight } from '../sparsity.ts';
import { architecture } from './architecture.ts';

const settings = {
  sparsityLoss: z
    .enum(['l0', 'l0-target', 'l0-target-token'])
    .default('l0-target')
    .describe(
      'jumprelu: what sparsityPenalty weighs; l0: the mean L0 (Rajamanoharan et al. 2024); l0-target: (L0 / l0Target - 1)^2 of the batch’s mean L0 (dictionary_learning); l0-target-token: 2 / l0Target (L0 - l0Target)^2 of each token (Gemma Scope 2, as in SAELens)',
    ),
  l0Target: z
    .number()
    .positive()
    .max(2 ** 26)
    .default(20)
    .describe('jumprelu with an L0 target: latents active per token'),
  bandwidth: z
    .number()
    .positive()
    .max(1e6)
    .default(0.001)
    .describe('jumprelu: width of the rectangle that stands in for the derivative at the threshold'),
  initialThreshold: z
    .number()
    .nonnegative()
    .max(1e6)
    .default(0.001)
    .describe('jumprelu: threshold of every latent before the first step'),
  ...sparsitySettings,
};

export const jumprelu = architecture({
  name: 'jumprelu',
  summary: 'the latents above a learned threshold each, their number held by the loss',
  settings,
  marks: {
    l0Target: 'target',
    sparsityPenalty: 'penalty',
    bandwidth: 'bw',
    sparsityLoss: '',
    initialThreshold: 'threshold',
  },
  check: ({ sparsityLoss, l0Target }) =>
    sparsityLoss === 'l0' && l0Target !== settings.l0Target.parse(undefined)
      ? [{ setting: 'l0Target', message: 'expected none: sparsityLoss l0 has no target' }]
      : [],
  parameters: (recipe, d_in) => ({ ...plainParameters(recipe, d_in), threshold: [recipe.dSae] }),
  initialise: ({ dSae, initialThreshold }) => ({
    b_enc: new Float32Array(dSae),
    threshold: new Float32Array(dSae).fill(initialThreshold),
  }),
  feeds: (recipe, step) => sparsityFeeds(recipe, step),

  select({ graph, recipe, centred, parameters }) {
    const { bandwidth } = recipe;
    const threshold = parameters.threshold!;
    const pre = graph.node('Gemm', [centred, parameters.W_enc, parameters.b_enc!]);
    const over = cast(graph, graph.node('Greater', [pre, threshold]));
    const z = graph.node('Mul', [pre, over]);
    const { activeLatents, fired } = activityOf(graph, z, recipe.batchTokens);
    return {
      z,
      inner: { pre, over },
      backward(slopes) {
        const near = nearThreshold(graph, pre, threshold, bandwidth);
        const share = sumOverTokens(graph, graph.node('Mul', [near, slopes]), recipe.batchTokens);
        const factor = graph.node('Mul', [threshold, graph.scalar(-1 / bandwidth)]);
        return {
          pre: graph.node('Mul', [slopes, over]),
          own: { threshold: graph.node('Mul', [share, factor]) },
        };
      },
      fired,
      activeLatents,
      least: null,
    };
  },

  loss(step, { z, inner, backward }) {
    const { graph, recipe, centred, parameters } = step;
    const threshold = parameters.threshold!;
    const { bandwidth, batchTokens, sparsityLoss, l0Target: target } = recipe;
    const main = reconstructionLoss(step, z, [recipe.dSae]);
    const { pre, own } = backward(main.slopes);
    const encoder = encoderGradients(graph, centred, pre, recipe.batchTokens);

    const weight = graph.input('sparsity_weight', 'float32', []);
    const l0 = graph.node('ReduceSum', [inner!.over!, graph.int64s([1])], { attributes: { keepdims: 1 } });
    const penalty = penaltyOf(graph, sparsityLoss, l0, { target, tokens: batchTokens });
    // dictionary_learning takes the step of z, not of pre: a latent that is not active is near its threshold where
    // that is near 0.
    const stepOf = sparsityLoss === 'l0-target' ? z : inner!.pre!;
    const near = nearThreshold(graph, stepOf, threshold, bandwidth);
    const share = sumOverTokens(graph, graph.node('Mul', [near, penalty.slope]), recipe.batchTokens);
    const factor = graph.node('Mul', [weight, graph.scalar(-1 / bandwidth)]);
    return {
      error: main.error,
      nestedSquares: null,
      gradients: {
        W_enc: encoder.W_enc,
        W_dec: main.W_dec,
        b_enc: encoder.b_enc,
        b_dec: main.b_dec,
        ...main.skip,
        threshold: graph.node('Add', [own.threshold!, graph.node('Mul', [share, factor])]),
      },
      encoderSum: encoder.b_enc,
      aux: null,
      sparsity: graph.node('Mul', [penalty.value, weight]),
    };
  },
  afterStep: (graph, name, updated) =>
    name === 'threshold' ? graph.node('Max', [updated, graph.scalar(0)]) : updated,
  auxWeight: () => 0,

  reference: {
    loss(step) {
      const { recipe, d_in, parameters } = step;
      const { bandwidth, batchTokens: tokens, sparsityLoss, l0Target: target } = recipe;
      const threshold = parameters.threshold!;
      const dense = denseReference(step);
      const { gradients } = dense;
      const pres = dense.encode(parameters.b_enc!);
      const latents = pres.map((pre) => pre.map((value, j) => (value > threshold[j]! ? value : 0)));
      const errors = dense.errors(latents);
      const slopes = dense.throughDecoder(latents, errors, 2 * lossWeight(recipe, d_in));
      const l0 = pres.map((pre) => pre.reduce((sum, value, j) => sum + Number(value > threshold[j]!), 0));
      const mean = l0.reduce((sum, each) => sum + each, 0) / tokens;
      const weight = sparsityWeight(recipe, step);
      const isNear = (value: number, j: number): boolean =>
        Math.abs((value - threshold[j]!) / bandwidth) < 0.5;
      let sparsity = 0;
      const through = slopes.map((slope, t) => {
        const penalty = {
          l0: { value: l0[t]!, slope: 1 },
          'l0-target': { value: (mean / target - 1) ** 2, slope: (2 * (mean / target - 1)) / target },
          'l0-target-token': {
            value: (2 / target) * (l0[t]! - target) ** 2,
            slope: (4 / target) * (l0[t]! - target),
          },
        }[sparsityLoss];
        sparsity += (weight * penalty.value) / tokens;
        const steps = sparsityLoss === 'l0-target' ? latents[t]! : pres[t]!;
        return slope.map((value, j) => {
          if (isNear(pres[t]![j]!, j)) gradients.threshold![j]! -= (threshold[j]! / bandwidth) * value;
          if (isNear(steps[j]!, j)) gradients.threshold![j]! -= (weight * penalty.slope) / tokens / bandwidth;
          const passed = pres[t]![j]! > threshold[j]! ? value : 0;
          gradients.b_enc![j]! += passed;
          return passed;
        });
      });
      dense.throughEncoder(through);
      return dense.report(latents, errors, { auxLoss: 0, sparsityLoss: sparsity });
    },
    afterStep({ threshold }) {
      threshold!.forEach((value, j) => {
        threshold![j] = Math.max(value, 0);
      });
    },
  },

  toSae: ({ dSae: d_sae, applyBDecToInput, transcode }, d_in, parameters, { normalisation }) =>
    checkedSae({
      ...plainTensors(parameters),
      ...transcoderParts({ transcode }, d_in, parameters),
      architecture: 'jumprelu',
      d_in,
      d_sae,
      normalisation,
      apply_b_dec_to_input: applyBDecToInput,
      threshold: parameters.threshold!,
    }),
});

function cast(graph: Graph, flags: Value): Value {
  return graph.node('Cast', [flags], { attributes: { to: elementTypes.float32 } });
}

/** 1 where |value − threshold| is less than half the bandwidth [B, n]. */
function nearThreshold(graph: Graph, value: Value, threshold: Value, bandwidth: number): Value {
  const distance = graph.node('Abs', [graph.node('Sub', [value, threshold])]);
  const scaled = graph.node('Div', [distance, graph.scalar(bandwidth)]);
  return cast(graph, graph.node('Less', [scaled, graph.scalar(0.5)]));
}

/** Of the L0 of each token [B, 1]: the sparsity loss without its weight, and what it owes to each latent's step. */
function penaltyOf(
  graph: Graph,
  form: z.output<typeof settings.sparsityLoss>,
  l0: Value,
  { target, tokens }: { target: number; tokens: number },
): { value: Value; slope: Value } {
  const mean = graph.node('Mul', [sumAll(graph, 'ReduceSum', l0), graph.scalar(1 / tokens)]);
  switch (form) {
    case 'l0':
      return { value: mean, slope: graph.scalar(1 / tokens) };
    case 'l0-target': {
      const off = graph.node('Sub', [graph.node('Div', [mean, graph.scalar(target)]), graph.scalar(1)]);
      return {
        value: graph.node('Mul', [off, off]),
        slope: graph.node('Mul', [off, graph.scalar(2 / (target * tokens))]),
      };
    }
    case 'l0-target-token': {
      const off = graph.node('Sub', [l0, graph.scalar(target)]);
      return {
        value: graph.node('Mul', [
          sumAll(graph, 'ReduceSumSquare', off),
          graph.scalar(2 / (target * tokens)),
        ]),
        slope: graph.node('Mul', [off, graph.scalar(4 / (target * tokens))]),
      };
    }
    default:
      return form satisfies never;
  }
}
