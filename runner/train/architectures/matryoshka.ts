/** Bussmann et al. 2025, arXiv 2503.17547: a BatchTopK SAE of which each prefix of groups reconstructs by itself. */
import { z } from 'zod';
import { checkedSae } from '../../sae/sae.ts';
import { auxKFeeds } from '../aux-k.ts';
import { plainParameters, plainTensors, transcoderParts } from '../plain-parameters.ts';
import { topKLoss } from '../top-k-loss.ts';
import { topKReference } from '../top-k-reference.ts';
import { architecture, type Complaint } from './architecture.ts';
import { batchTopKSettings, largestOfBatch, selectOfBatch } from './batchtopk.ts';
import { complainAboutTopK, topKMarks } from './topk.ts';

const settings = {
  ...batchTopKSettings,
  groupFractions: z
    .array(z.number().positive().lt(1))
    .min(1)
    .max(32)
    .default([1 / 32, 1 / 16, 1 / 8, 1 / 4, 17 / 32])
    .describe('matryoshka: share of the latents in each group, summing to 1'),
};

export const matryoshka = architecture({
  name: 'matryoshka',
  summary: 'the same, each prefix of groups reconstructing by itself',
  settings,
  marks: topKMarks,
  check: (recipe) => [...complainAboutTopK(recipe), ...complainAboutGroups(recipe)],
  parameters: plainParameters,
  initialise: ({ dSae }) => ({ b_enc: new Float32Array(dSae) }),
  feeds: (recipe, { dead }) => auxKFeeds(recipe, dead),
  select: (step) => selectOfBatch(step),
  loss: (step, selection) => topKLoss(step, selection, groupSizes(step.recipe)),
  auxWeight: ({ alphaAux }) => alphaAux,
  reference: {
    loss: (step) =>
      topKReference(step, (pres) => largestOfBatch(pres, step.recipe.k), groupSizes(step.recipe)),
  },
  toSae: (recipe, d_in, parameters, { normalisation, threshold }) =>
    checkedSae({
      ...plainTensors(parameters),
      ...transcoderParts(recipe, d_in, parameters),
      architecture: 'matryoshka',
      d_in,
      d_sae: recipe.dSae,
      k: recipe.k,
      normalisation,
      apply_b_dec_to_input: recipe.applyBDecToInput,
      threshold: new Float32Array(recipe.dSae).fill(threshold),
      group_sizes: groupSizes(recipe),
    }),
});

interface Groups {
  dSae: number;
  groupFractions: readonly number[];
}

/** Latents of each group, in order: every fraction but the last rounded down, the last takes the rest. */
function groupSizes({ dSae, groupFractions }: Groups): number[] {
  const sizes = groupFractions.slice(0, -1).map((fraction) => Math.floor(fraction * dSae));
  return [...sizes, dSae - sizes.reduce((sum, size) => sum + size, 0)];
}

function complainAboutGroups(recipe: Groups): Complaint[] {
  const sum = recipe.groupFractions.reduce((total, fraction) => total + fraction, 0);
  const message =
    Math.abs(sum - 1) > 1e-6
      ? `expected fractions that sum to 1, received ${sum}`
      : groupSizes(recipe).some((size) => size < 1)
        ? `expected groups of at least one of the ${recipe.dSae} latents`
        : undefined;
  return message === undefined ? [] : [{ setting: 'groupFractions', message }];
}
