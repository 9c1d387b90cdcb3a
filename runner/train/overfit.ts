/**
 * The check that practitioners run first: train on one batch, over and over. A training step that works overfits it,
 * whatever the data are; one that does not will not learn a corpus either.
 */
import { MalformedError, UserError } from '../errors.ts';
import { hookWords } from '../hook.ts';
import type { TrainingBackend } from './backends/backend.ts';
import { deadClock } from './dead-clock.ts';
import { normalise } from './normalise.ts';
import type { Recipe } from './recipe.ts';
import { newTrainingState, type SaePlan } from './sae-trainer.ts';
import { hasVariance } from './scale.ts';
import { learningRate } from './schedule.ts';

/** Steps a batch is trained on at most. */
export const OVERFIT_STEPS = 2_000;
/** var_exp of the batch from which on it counts as learned. */
export const OVERFIT_TARGET = 0.98;
/** Latents for each token of the batch, so that every token could have its own: the batch can be learned. */
const LATENTS_A_TOKEN = 4;
/** Longer warm-ups would be most of the check. */
const WARMUP_STEPS = 10;
/** By then the loss is below where it began, or the step does not work. */
const PATIENCE_STEPS = 100;
/** A loss that never left this share of itself has not moved. */
const FLAT_SHARE = 0.01;
/** Worse than the batch's mean by this factor: the weights have blown up. */
const DIVERGED_VAR_EXP = -1_000;

export type OverfitOutcome =
  /** Overfitted, as it should be. */
  | 'learned'
  /** The loss does not move. */
  | 'flat'
  /** The loss is no number, or jumps about without falling. */
  | 'diverged'
  /** It fell, and not far enough. */
  | 'short';

export interface OverfitResult {
  id: string;
  outcome: OverfitOutcome;
  steps: number;
  /** Tokens of the batch. */
  tokens: number;
  /** Of the batch, plain: not smoothed, of the weights before the step. */
  varExp: { first: number; last: number };
  /** Without AuxK, which comes and goes with the dead latents. */
  loss: { first: number; last: number };
}

/** The recipe with a batch that its latents can hold, and its peak learning rate from the tenth step on. */
export function overfitRecipe(recipe: Recipe): Recipe {
  const tokens = Math.max(1, Math.min(recipe.batchTokens, Math.floor(recipe.dSae / LATENTS_A_TOKEN)));
  const warmupSteps = Math.min(recipe.warmupSteps, WARMUP_STEPS);
  return { ...recipe, batchTokens: tokens, warmupSteps, decay: 'none', decayStartStep: null };
}

/**
 * Trains one SAE on the first tokens of a batch until it has learned them or cannot.
 *
 * @param start activations [count, d_in] that b_dec is initialised from, and the batch [tokens, d_in]; of a transcoder
 *   the targets of that batch, and the first are of its target
 * @param onStep called after each step; true ends the check early
 * @throws UserError when the batch has no variance; MalformedError when it holds no finite numbers
 */
export async function overfitOneBatch(
  backend: TrainingBackend,
  plan: SaePlan,
  start: {
    samples: Float32Array;
    read?: Float32Array | undefined;
    batch: Float32Array;
    targets?: Float32Array | undefined;
  },
  onStep: (step: number, varExp: number, loss: number) => boolean = () => false,
): Promise<OverfitResult> {
  const { d_in } = plan;
  const recipe = overfitRecipe(plan.recipe);
  const { normalisation, optimiser } = newTrainingState({ ...plan, recipe }, start.samples, start.read);
  const wanted = recipe.batchTokens * d_in;
  if (start.batch.length < wanted) throw new RangeError(`a batch of ${start.batch.length / d_in} tokens`);
  const batch = normalise(normalisation, start.batch.subarray(0, wanted), d_in);
  const targets = start.targets?.subarray(0, wanted);
  checkBatch(plan, targets ?? batch);
  const clock = deadClock(recipe.dSae, recipe.deadThresholdTokens);
  const session = await backend.init(recipe, d_in, optimiser);
  const result: OverfitResult = {
    id: plan.id,
    outcome: 'short',
    steps: 0,
    tokens: recipe.batchTokens,
    varExp: { first: Number.NaN, last: Number.NaN },
    loss: { first: Number.NaN, last: Number.NaN },
  };
  let flat = true;
  try {
    for (let step = 0; step < OVERFIT_STEPS; step++) {
      const dead = clock.dead(recipe.deadCounting === 'with-step' ? recipe.batchTokens : 0);
      const found = await session.step(
        batch,
        {
          learningRate: learningRate(recipe, step),
          dead: recipe.alphaAux === 0 ? new Int32Array(0) : dead,
        },
        targets,
      );
      clock.advance(found.fired, recipe.batchTokens);
      const varExp = 1 - found.errorSquares / found.centredSquares;
      const loss = found.reconstructionLoss;
      if (step === 0) {
        result.varExp.first = varExp;
        result.loss.first = loss;
      }
      result.steps = step + 1;
      result.varExp.last = varExp;
      result.loss.last = loss;
      flat &&= Math.abs(loss - result.loss.first) <= FLAT_SHARE * result.loss.first;
      const finite = Number.isFinite(loss) && Number.isFinite(varExp) && Number.isFinite(found.gradientNorm);
      if (!finite || varExp < DIVERGED_VAR_EXP) return { ...result, outcome: 'diverged' };
      if (varExp >= OVERFIT_TARGET) return { ...result, outcome: 'learned' };
      if (step + 1 >= PATIENCE_STEPS && loss > (1 - FLAT_SHARE) * result.loss.first)
        return { ...result, outcome: flat ? 'flat' : 'diverged' };
      if (onStep(result.steps, varExp, loss)) return result;
    }
    return result;
  } finally {
    await session.close();
  }
}

function checkBatch({ hook, d_in: d }: SaePlan, batch: Float32Array): void {
  const tokens = batch.length / d;
  let centred = 0;
  let squares = 0;
  for (let i = 0; i < d; i++) {
    let sum = 0;
    for (let at = i; at < batch.length; at += d) sum += batch[at]!;
    const mean = sum / tokens;
    for (let at = i; at < batch.length; at += d) {
      centred += (batch[at]! - mean) ** 2;
      squares += batch[at]! ** 2;
    }
  }
  const next = 'Check the text and the language model.';
  const thing = `one batch of ${hookWords(hook)}`;
  if (!Number.isFinite(centred))
    throw new MalformedError({
      thing,
      found: 'NaN, infinity or numbers too large to square',
      expected: 'finite numbers',
      next,
    });
  if (!hasVariance(centred, squares))
    throw new UserError({
      thing,
      found: 'the same activation at every token',
      expected: 'tokens that differ',
      next,
    });
}
