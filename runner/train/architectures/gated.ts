/**
 * Rajamanoharan et al. 2024, arXiv 2404.16014. With c = centred·W_enc, a gate decides which latents are active and a
 * magnitude of the same direction how much:
 *
 *     z = 1[c + b_gate > 0]·relu(c·exp(r_mag) + b_mag)
 *
 * The gate passes no gradient. What trains it is its own activations g = relu(c + b_gate): sparsityPenalty times their
 * L1 norm (each times ‖W_dec_j‖ where rows of W_dec are not kept at unit norm, as SAELens has it), and an auxiliary
 * reconstruction of x from g alone.
 */
import { z } from 'zod';
import { checkedSae } from '../../sae/sae.ts';
import { lossWeight } from '../common-settings.ts';
import { denseReference, squares } from '../dense-reference.ts';
import { activityOf, positive, rowNorms, sumAll, sumOverTokens } from '../gradients.ts';
import { skipShape, transcoderParts } from '../plain-parameters.ts';
import { reconstructionLoss, withSkip } from '../reconstruction-loss.ts';
import { sparsityFeeds, sparsitySettings, sparsityWeight } from '../sparsity.ts';
import { architecture } from './architecture.ts';

const settings = {
  auxDecoder: z
    .enum(['frozen', 'trained'])
    .default('trained')
    .describe(
      'gated: whether the auxiliary reconstruction trains W_dec and b_dec; trained: as SAELens has it, which finds more true features at equal L0 (docs/ground-truth.md); frozen: it does not (Rajamanoharan et al. 2024, dictionary_learning)',
    ),
  ...sparsitySettings,
};

export const gated = architecture({
  name: 'gated',
  summary: 'a gate for which latents are active and a magnitude of its own, sparse by an L1 loss',
  settings,
  marks: { sparsityPenalty: 'penalty', auxDecoder: '' },
  parameters: ({ dSae: n, transcode }, d_in) => ({
    W_enc: [d_in, n],
    W_dec: [n, d_in],
    b_gate: [n],
    b_mag: [n],
    r_mag: [n],
    b_dec: [d_in],
    ...skipShape({ transcode }, d_in),
  }),
  initialise: ({ dSae }) => ({
    b_gate: new Float32Array(dSae),
    b_mag: new Float32Array(dSae),
    r_mag: new Float32Array(dSae),
  }),
  feeds: (recipe, step) => sparsityFeeds(recipe, step),

  select({ graph, recipe, centred, parameters: { W_enc, b_gate, b_mag, r_mag } }) {
    const c = graph.node('MatMul', [centred, W_enc]);
    const gate = graph.node('Add', [c, b_gate!]);
    const scale = graph.node('Exp', [r_mag!]);
    const magnitude = graph.node('Add', [graph.node('Mul', [c, scale]), b_mag!]);
    const z = graph.node('Mul', [positive(graph, gate), graph.node('Relu', [magnitude])]);
    const { active, activeLatents, fired } = activityOf(graph, z, recipe.batchTokens);
    return {
      z,
      inner: { gate },
      backward(slopes) {
        const through = graph.node('Mul', [slopes, active]);
        const pre = graph.node('Mul', [through, scale]);
        return {
          pre,
          own: {
            b_mag: sumOverTokens(graph, through, recipe.batchTokens),
            r_mag: sumOverTokens(graph, graph.node('Mul', [pre, c]), recipe.batchTokens),
          },
        };
      },
      fired,
      activeLatents,
      least: null,
    };
  },

  loss(step, { z, inner, backward }) {
    const { graph, recipe, d_in, x, centred, parameters } = step;
    const { W_dec, b_dec } = parameters;
    const main = reconstructionLoss(step, z, [recipe.dSae]);
    const { pre, own } = backward(main.slopes);
    const g = graph.node('Relu', [inner!.gate!]);
    const auxError = withSkip(step, graph.node('Sub', [graph.node('Gemm', [g, W_dec, b_dec]), step.target]));
    const auxSlope = graph.node('Mul', [auxError, graph.scalar(2 * lossWeight(recipe, d_in))]);
    const toGate = graph.node('Gemm', [auxSlope, W_dec], { attributes: { transB: 1 } });
    const weight = graph.node('Mul', [
      graph.input('sparsity_weight', 'float32', []),
      graph.scalar(1 / recipe.batchTokens),
    ]);
    const norms = recipe.unitNormDecoder ? null : rowNorms(graph, W_dec);
    const perLatent = norms === null ? weight : graph.node('Mul', [norms, weight]);
    const throughGate = graph.node('Mul', [graph.node('Add', [toGate, perLatent]), positive(graph, g)]);
    const slopes = graph.node('Add', [pre, throughGate]);
    const encoderSum = sumOverTokens(graph, slopes, recipe.batchTokens);
    const gradients = {
      W_enc: graph.node('Gemm', [centred, slopes], { attributes: { transA: 1 } }),
      W_dec: main.W_dec,
      b_gate: sumOverTokens(graph, throughGate, recipe.batchTokens),
      b_mag: own.b_mag!,
      r_mag: own.r_mag!,
      b_dec: main.b_dec,
      ...main.skip,
    };
    if (recipe.auxDecoder === 'trained') {
      const rows = graph.node('Gemm', [g, auxSlope], { attributes: { transA: 1 } });
      gradients.W_dec = graph.node('Add', [gradients.W_dec, rows]);
      gradients.b_dec = graph.node('Add', [
        gradients.b_dec,
        sumOverTokens(graph, auxSlope, recipe.batchTokens),
      ]);
      if (gradients.W_skip !== undefined) {
        const share = graph.node('Gemm', [auxSlope, x], { attributes: { transA: 1 } });
        gradients.W_skip = graph.node('Add', [gradients.W_skip, share]);
      }
    }
    if (norms !== null) {
      const share = graph.node('Mul', [
        graph.node('Div', [sumOverTokens(graph, g, recipe.batchTokens), norms]),
        weight,
      ]);
      const rows = graph.node('Mul', [W_dec, graph.node('Unsqueeze', [share, graph.int64s([1])])]);
      gradients.W_dec = graph.node('Add', [gradients.W_dec, rows]);
    }
    const squared = sumAll(graph, 'ReduceSumSquare', auxError);
    return {
      error: main.error,
      nestedSquares: null,
      gradients,
      encoderSum,
      aux: graph.node('Mul', [squared, graph.scalar(lossWeight(recipe, d_in))]),
      sparsity: sumAll(graph, 'ReduceSum', graph.node('Mul', [g, perLatent])),
    };
  },
  auxWeight: () => 1,

  reference: {
    loss(step) {
      const { recipe, d_in, parameters } = step;
      const { b_gate, b_mag, r_mag, W_dec } = parameters;
      const dense = denseReference(step);
      const { gradients } = dense;
      const cs = dense.encode(new Float32Array(recipe.dSae));
      const gates = cs.map((c) => c.map((value, j) => Math.max(value + b_gate![j]!, 0)));
      const latents = cs.map((c, t) =>
        c.map((value, j) => (gates[t]![j]! > 0 ? Math.max(value * Math.exp(r_mag![j]!) + b_mag![j]!, 0) : 0)),
      );
      const errors = dense.errors(latents);
      const auxErrors = dense.errors(gates);
      const factor = 2 * lossWeight(recipe, d_in);
      const toLatents = dense.throughDecoder(latents, errors, factor);
      const toGates = dense.throughDecoder(gates, auxErrors, factor, recipe.auxDecoder === 'frozen');
      const weight = sparsityWeight(recipe, step) / recipe.batchTokens;
      const norms = Float64Array.from({ length: recipe.dSae }, (_, j) =>
        recipe.unitNormDecoder ? 1 : Math.hypot(...W_dec.subarray(j * d_in, (j + 1) * d_in)),
      );
      let sparsityLoss = 0;
      const through = cs.map((c, t) =>
        c.map((value, j) => {
          const gate = gates[t]![j]!;
          sparsityLoss += weight * gate * norms[j]!;
          if (gate <= 0) return 0;
          if (!recipe.unitNormDecoder) {
            for (let i = j * d_in; i < (j + 1) * d_in; i++)
              gradients.W_dec[i]! += (weight * gate * W_dec[i]!) / norms[j]!;
          }
          const toGate = toGates[t]![j]! + weight * norms[j]!;
          gradients.b_gate![j]! += toGate;
          if (latents[t]![j]! <= 0) return toGate;
          const toMagnitude = toLatents[t]![j]!;
          const scale = Math.exp(r_mag![j]!);
          gradients.b_mag![j]! += toMagnitude;
          gradients.r_mag![j]! += toMagnitude * scale * value;
          return toGate + toMagnitude * scale;
        }),
      );
      dense.throughEncoder(through);
      const auxLoss = auxErrors.reduce((sum, error) => sum + squares(error), 0) * lossWeight(recipe, d_in);
      return dense.report(latents, errors, { auxLoss, sparsityLoss });
    },
  },

  toSae: ({ dSae: d_sae, applyBDecToInput, transcode }, d_in, parameters, { normalisation }) =>
    checkedSae({
      ...transcoderParts({ transcode }, d_in, parameters),
      architecture: 'gated',
      d_in,
      d_sae,
      normalisation,
      apply_b_dec_to_input: applyBDecToInput,
      W_enc: parameters.W_enc,
      W_dec: parameters.W_dec,
      b_dec: parameters.b_dec,
      b_gate: parameters.b_gate!,
      b_mag: parameters.b_mag!,
      r_mag: parameters.r_mag!,
    }),
});
