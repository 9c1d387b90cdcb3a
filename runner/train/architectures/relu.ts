/**
 * z = relu(centred·W_enc + b_enc), sparse by a norm of z in the loss (Bricken et al. 2023). With rows of W_dec of any
 * norm each latent counts times its row's, so that making rows longer and latents smaller gains nothing (Anthropic's
 * update of April 2024, as SAELens and dictionary_learning have it); with unit rows it is the older recipe. p of the
 * norm may be annealed (anneal.ts).
 */
import type { Graph, Value } from '../../onnx/graph.ts';
import { float32 } from '../../onnx/session.ts';
import { checkedSae } from '../../sae/sae.ts';
import { annealSettings, complainAboutAnnealing, pOf } from '../anneal.ts';
import { lossWeight } from '../common-settings.ts';
import { denseReference } from '../dense-reference.ts';
import { activityOf, encoderGradients, positive, rowNorms, sumAll, sumOverTokens } from '../gradients.ts';
import { plainParameters, plainTensors, transcoderParts } from '../plain-parameters.ts';
import { reconstructionLoss } from '../reconstruction-loss.ts';
import { sparsityFeeds, sparsitySettings, sparsityWeight } from '../sparsity.ts';
import { architecture, type ProgramStep, type RecipeWith } from './architecture.ts';

const settings = { ...sparsitySettings, ...annealSettings };

type ReluRecipe = RecipeWith<typeof settings>;

export const relu = architecture({
  name: 'relu',
  summary: 'the latents above 0, sparse by an L1 or Lp loss',
  settings,
  marks: { sparsityPenalty: 'penalty', sparsityNorm: '', sparsityP: 'p', sparsityPEnd: 'pend' },
  check: complainAboutAnnealing,
  parameters: plainParameters,
  initialise: ({ dSae }) => ({ b_enc: new Float32Array(dSae) }),
  feeds(recipe, step) {
    const { now, next } = pOf(recipe, step.updates);
    const scalar = (value: number) => float32(Float32Array.of(value), []);
    return {
      ...sparsityFeeds(recipe, step),
      ...(isAnnealed(recipe) ? { p: scalar(now), next_p: scalar(next ?? now) } : {}),
    };
  },

  select({ graph, recipe, centred, parameters: { W_enc, b_enc } }) {
    const z = graph.node('Relu', [graph.node('Gemm', [centred, W_enc, b_enc!])]);
    const { active, activeLatents, fired } = activityOf(graph, z, recipe.batchTokens);
    return {
      z,
      inner: { active },
      backward: (slopes) => ({ pre: graph.node('Mul', [slopes, active]), own: {} }),
      fired,
      activeLatents,
      least: null,
    };
  },

  loss(step, { z, inner, backward }) {
    const { graph, recipe, centred, parameters } = step;
    const { W_dec } = parameters;
    const main = reconstructionLoss(step, z, [recipe.dSae]);
    const weight = graph.node('Mul', [
      graph.input('sparsity_weight', 'float32', []),
      graph.scalar(1 / recipe.batchTokens),
    ]);
    const norms = recipe.unitNormDecoder ? null : rowNorms(graph, W_dec);
    const weighed = norms === null ? z : graph.node('Mul', [z, norms]);
    const annealed = isAnnealed(recipe);
    const p = annealed ? graph.input('p', 'float32', []) : recipe.sparsityP;
    const norm = normOf(step, weighed, inner!.active!, p);
    const next = annealed
      ? normOf(step, weighed, inner!.active!, graph.input('next_p', 'float32', []))
      : null;
    const slope = graph.node('Mul', [norm.slope, weight]);
    const toLatents = norms === null ? slope : graph.node('Mul', [slope, norms]);
    const { pre } = backward(graph.node('Add', [main.slopes, toLatents]));
    const encoder = encoderGradients(graph, centred, pre, recipe.batchTokens);
    let rows = main.W_dec;
    if (norms !== null) {
      const share = graph.node('Div', [
        sumOverTokens(graph, graph.node('Mul', [z, slope]), recipe.batchTokens),
        norms,
      ]);
      const own = graph.node('Mul', [W_dec, graph.node('Unsqueeze', [share, graph.int64s([1])])]);
      rows = graph.node('Add', [rows, own]);
    }
    const mean = (value: Value): Value => graph.node('Mul', [value, graph.scalar(1 / recipe.batchTokens)]);
    return {
      error: main.error,
      nestedSquares: null,
      gradients: { ...encoder, W_dec: rows, b_dec: main.b_dec, ...main.skip },
      encoderSum: encoder.b_enc,
      aux: null,
      sparsity: graph.node('Mul', [norm.sum, weight]),
      ...(next === null ? {} : { norms: { now: mean(norm.sum), next: mean(next.sum) } }),
    };
  },
  auxWeight: () => 0,

  reference: {
    loss(step) {
      const { recipe, d_in, parameters, updates } = step;
      const { dSae: n, unitNormDecoder, batchTokens, sparsityNorm } = recipe;
      const { W_dec } = parameters;
      const dense = denseReference(step);
      const latents = dense.encode(parameters.b_enc!).map((pre) => pre.map((value) => Math.max(value, 0)));
      const errors = dense.errors(latents);
      const toLatents = dense.throughDecoder(latents, errors, 2 * lossWeight(recipe, d_in));
      const weight = sparsityWeight(recipe, step) / batchTokens;
      const norms = Float64Array.from({ length: n }, (_, j) =>
        unitNormDecoder ? 1 : Math.hypot(...W_dec.subarray(j * d_in, (j + 1) * d_in)),
      );
      const { now, next } = pOf(recipe, updates);
      const sumOf = (p: number, z: Float64Array): number =>
        z.reduce((sum, value, j) => sum + (value > 0 ? (value * norms[j]!) ** p : 0), 0);
      const normOfToken = (p: number, z: Float64Array): number =>
        sparsityNorm === 'lp' ? sumOf(p, z) ** (1 / p) : sumOf(p, z);
      const total = (p: number): number => latents.reduce((sum, z) => sum + normOfToken(p, z), 0);
      const through = latents.map((z, t) => {
        const sum = sumOf(now, z);
        const outer = sparsityNorm === 'lp' ? sum ** (1 / now - 1) : now;
        return z.map((value, j) => {
          if (value <= 0) return 0;
          const slope = weight * outer * (value * norms[j]!) ** (now - 1);
          for (let i = j * d_in; i < (j + 1) * d_in && !unitNormDecoder; i++)
            dense.gradients.W_dec[i]! += (slope * value * W_dec[i]!) / norms[j]!;
          const passed = toLatents[t]![j]! + slope * norms[j]!;
          dense.gradients.b_enc![j]! += passed;
          return passed;
        });
      });
      dense.throughEncoder(through);
      const sparsityLoss = weight * total(now);
      return {
        ...dense.report(latents, errors, { auxLoss: 0, sparsityLoss }),
        ...(isAnnealed(recipe)
          ? { norms: { now: total(now) / batchTokens, next: total(next ?? now) / batchTokens } }
          : {}),
      };
    },
  },

  toSae: ({ dSae: d_sae, applyBDecToInput, transcode }, d_in, parameters, { normalisation }) =>
    checkedSae({
      ...plainTensors(parameters),
      ...transcoderParts({ transcode }, d_in, parameters),
      architecture: 'relu',
      d_in,
      d_sae,
      normalisation,
      apply_b_dec_to_input: applyBDecToInput,
    }),
});

function isAnnealed({ sparsityPEnd }: Pick<ReluRecipe, 'sparsityPEnd'>): boolean {
  return sparsityPEnd !== null;
}

/** Of values [B, n], none below 0: their norms, summed over the tokens, and d sum / d value [B, n] or a scalar. */
function normOf(
  { graph, recipe }: Pick<ProgramStep<ReluRecipe>, 'graph' | 'recipe'>,
  values: Value,
  active: Value,
  p: Value | number,
): { sum: Value; slope: Value } {
  const one = graph.scalar(1);
  if (p === 1) return { sum: sumAll(graph, 'ReduceSum', values), slope: one };
  const exponent = typeof p === 'number' ? graph.scalar(p) : p;
  // Where nothing is active 1 stands in, whose powers are finite; the mask takes it out again.
  const masked = (value: Value, mask: Value, power: Value): Value => {
    const safe = graph.node('Add', [value, graph.node('Sub', [one, mask])]);
    return graph.node('Mul', [graph.node('Pow', [safe, power]), mask]);
  };
  const parts = {
    masked,
    exponent,
    powers: masked(values, active, exponent),
    slopes: masked(values, active, graph.node('Sub', [exponent, one])),
  };
  return recipe.sparsityNorm === 'powers' ? sumOfPowers(graph, parts) : rootOfPowers(graph, parts);
}

/** z^p and z^(p-1) of values [B, n], 0 where nothing is active. */
interface Powers {
  exponent: Value;
  powers: Value;
  slopes: Value;
  /** A power of a value where a mask of 0 and 1 has 1, and 0 elsewhere. */
  masked: (value: Value, mask: Value, power: Value) => Value;
}

/** sum of z^p, whose derivative is p·z^(p-1). */
function sumOfPowers(graph: Graph, { exponent, powers, slopes }: Powers): { sum: Value; slope: Value } {
  return { sum: sumAll(graph, 'ReduceSum', powers), slope: graph.node('Mul', [slopes, exponent]) };
}

/** S^(1/p) of S = sum of z^p, whose derivative is z^(p-1)·S^(1/p-1). */
function rootOfPowers(
  graph: Graph,
  { exponent, powers, slopes, masked }: Powers,
): { sum: Value; slope: Value } {
  const one = graph.scalar(1);
  const sums = graph.node('ReduceSum', [powers, graph.int64s([1])], { attributes: { keepdims: 1 } });
  const root = graph.node('Div', [one, exponent]);
  const some = positive(graph, sums);
  const outer = masked(sums, some, graph.node('Sub', [root, one]));
  return {
    sum: sumAll(graph, 'ReduceSum', masked(sums, some, root)),
    slope: graph.node('Mul', [slopes, outer]),
  };
}
