/**
 * The norm of a token's latents that a sparsity loss weighs, and how its p falls while training goes on (Karvonen et
 * al. 2024, arXiv 2408.00113; as dictionary_learning has it): at `annealUpdates` steps, spread evenly, p goes a step
 * further, and the weight is multiplied by the ratio of the loss at the p before to the loss at the p after, so that
 * the pull on the latents stays as strong. Both are means over the last `annealQueue` batches.
 */
import { z } from 'zod';
import type { Complaint } from './architectures/architecture.ts';

/**
 * Of the Lp norm: a million latents that are active, each at 1, have the norm 1e30, and a batch of thousands of such
 * tokens a loss that is still below float32's 3e38. At 0.1 seven thousand latents would be beyond it.
 */
const LEAST_LP = 0.2;

const power = z.number().positive().max(4);
const step = z.int().nonnegative();

export const annealSettings = {
  sparsityNorm: z
    .enum(['lp', 'powers'])
    .default('lp')
    .describe(
      'relu: sparsity loss of a token, of its latents each times the norm of its row of W_dec; lp: (sum of z^p)^(1/p); powers: the sum of z^p; at p = 1 both are the L1 norm',
    ),
  sparsityP: power
    .default(1)
    .describe(
      'relu: p of that norm, before it is annealed; with lp 0.2 at least, below which it is beyond float32',
    ),
  sparsityPEnd: power
    .nullable()
    .default(null)
    .describe('relu: p that sparsityP is annealed to (p-annealing); null leaves it where it is'),
  annealStartStep: step.default(0).describe('relu: step, counted from 0, up to which p stays sparsityP'),
  annealEndStep: step
    .nullable()
    .default(null)
    .describe(
      'relu: step, counted from 0, after which p is sparsityPEnd, at most the number of steps that are trained; null is scheduleSteps',
    ),
  annealUpdates: z
    .int()
    .min(2)
    .max(10_000_000)
    .default(10)
    .describe('relu: changes of p, the first and the last included, the first being to sparsityP itself'),
  annealQueue: z
    .int()
    .positive()
    .max(10_000)
    .default(10)
    .describe('relu: batches whose losses before and after a change of p set the weight anew'),
};

type Annealed = z.output<z.ZodObject<typeof annealSettings>>;
type AnnealRecipe = Annealed & { scheduleSteps: number };

export interface AnnealState {
  /** What the weight of the sparsity loss is multiplied by. */
  scale: number;
  /** Of the last batches: the loss without its weight at the p in force, and at the one after it; oldest first. */
  losses: readonly (readonly [now: number, next: number])[];
}

export const notAnnealed: AnnealState = { scale: 1, losses: [] };

/** p of a step, counted from 0, and the p after it; null before the first change, and where p stays. */
export function pOf(recipe: AnnealRecipe, step: number): { now: number; next: number | null } {
  const { sparsityP: start, sparsityPEnd: end, annealUpdates: count } = recipe;
  const done = changesBefore(recipe, step);
  if (end === null || done === 0) return { now: start, next: null };
  // The last is sparsityPEnd itself, not a number that rounding has moved.
  const at = (i: number): number => (i >= count - 1 ? end : start + ((end - start) * i) / (count - 1));
  return { now: at(done - 1), next: at(done) };
}

/** The state after a step, and the losses that it measured. */
export function anneal(
  recipe: AnnealRecipe,
  state: AnnealState,
  step: number,
  measured: { now: number; next: number } | null,
): AnnealState {
  if (measured === null || pOf(recipe, step).next === null) return state;
  const losses = [...state.losses, [measured.now, measured.next] as const].slice(-recipe.annealQueue);
  const changes = changesBefore(recipe, step + 1) > changesBefore(recipe, step);
  if (!changes) return { ...state, losses };
  const sumOf = (i: 0 | 1): number => losses.reduce((sum, pair) => sum + pair[i], 0);
  const scale = (state.scale * sumOf(0)) / sumOf(1);
  // Without an active latent both sums are 0 and say nothing: a weight of 0 or NaN would stay so for good.
  return { scale: scale > 0 && Number.isFinite(scale) ? scale : state.scale, losses };
}

/** What of the settings does not fit together. */
export function complainAboutAnnealing(recipe: AnnealRecipe): Complaint[] {
  const { annealStartStep: start, annealUpdates, sparsityNorm, sparsityPEnd } = recipe;
  const low = (['sparsityP', 'sparsityPEnd'] as const).filter((name) => (recipe[name] ?? 1) < LEAST_LP);
  if (sparsityNorm === 'lp' && low.length > 0) {
    const message = `expected at least ${LEAST_LP} with sparsityNorm lp: (sum of z^p)^(1/p) of many latents is beyond float32 below`;
    return low.map((setting) => ({ setting, message }));
  }
  const idle = (['annealStartStep', 'annealEndStep', 'annealUpdates', 'annealQueue'] as const).filter(
    (name) => recipe[name] !== annealSettings[name].parse(undefined),
  );
  if (sparsityPEnd === null)
    return idle.map((setting) => ({ setting, message: 'expected none: sparsityPEnd null anneals nothing' }));
  const end = annealEnd(recipe);
  if (end - start >= annealUpdates - 1) return [];
  return [
    {
      setting: 'annealUpdates',
      message: `expected at most one a step from annealStartStep (${start}) to annealEndStep (${end})`,
    },
  ];
}

/** Training that ends before p has reached its end would train another SAE than its settings say. */
export function complainAboutLength(recipe: AnnealRecipe, steps: number): Complaint[] {
  if (recipe.sparsityPEnd === null || annealEnd(recipe) <= steps) return [];
  const end = recipe.annealEndStep === null ? `; null is scheduleSteps, ${recipe.scheduleSteps}` : '';
  const message = `expected at most ${steps}, the steps of training.tokens, or p ends above sparsityPEnd${end}`;
  return [{ setting: 'annealEndStep', message }];
}

function annealEnd({ annealEndStep, scheduleSteps }: AnnealRecipe): number {
  return annealEndStep ?? scheduleSteps;
}

function changesBefore(recipe: AnnealRecipe, step: number): number {
  const { sparsityPEnd, annealStartStep: from, annealUpdates: count } = recipe;
  if (sparsityPEnd === null) return 0;
  const to = annealEnd(recipe);
  const width = (to - from) / (count - 1);
  // Each half from its own end, as torch.linspace rounds whole numbers.
  const changeAt = (i: number): number =>
    Math.trunc(i < Math.floor(count / 2) ? from + width * i : to - width * (count - 1 - i));
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (changeAt(middle) < step) low = middle + 1;
    else high = middle;
  }
  return low;
}
