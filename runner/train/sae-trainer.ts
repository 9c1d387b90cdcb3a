/** Trains one SAE: what a pass of activations does to it, and what is kept between passes. */
import { MalformedError, UserError } from '../errors.ts';
import { hookWords, type Place } from '../hook.ts';
import { type Random, type RandomState, randomFrom, shuffle } from '../math/random.ts';
import type { TrajectoryPoint } from '../report/schema.ts';
import type { Normalisation, Sae } from '../sae/sae.ts';
import { type AnnealState, anneal, notAnnealed } from './anneal.ts';
import { architectureOf } from './architectures/index.ts';
import type { StepResult, TrainingBackend, TrainingSession } from './backends/backend.ts';
import { type DeadClock, deadClock } from './dead-clock.ts';
import { type Activations, type Batch, batchOf, hostRows, tokensOf } from './device-rows.ts';
import { initialParameters } from './init.ts';
import { estimateNormalisation, normalise, scaleOf } from './normalise.ts';
import type { Recipe } from './recipe.ts';
import { hasVariance, usualVariance } from './scale.ts';
import { learningRate } from './schedule.ts';
import { type SmoothedState, smooth, smoothed, unsmoothed } from './smoothed.ts';
import { freshState, mapParameters, type OptimiserState, type Parameters } from './state.ts';
import { hookStream } from './streams.ts';
import { isLogged } from './trajectory.ts';

/** Decay per step of the var_exp that the trajectory shows. */
const VAR_EXP_DECAY = 0.98;

/**
 * A reconstruction by the mean has an error of 1 variance. A thousand times that is not noise: the weights have blown
 * up, though every number may still be finite.
 */
const DIVERGED = 1_000;

export interface SaePlan {
  /** Name of the SAE in files and messages; unique in the run. */
  id: string;
  /** Whose activations it is trained on. A transcoder's recipe says `transcode`. */
  hook: Place;
  /** Width of the hook, and of what a transcoder reads. */
  d_in: number;
  recipe: Recipe;
}

/** All that resuming needs of one SAE, besides its plan. */
export interface SaeTrainingState {
  steps: number;
  tokens: number;
  optimiser: OptimiserState;
  /** The dead clock. */
  silent: Int32Array;
  /** The stream that shuffles tokens. */
  shuffling: RandomState;
  varExp: SmoothedState;
  /** Of the smallest latent kept of each batch, where latents are selected over the batch. */
  threshold: SmoothedState;
  /** Of the sparsity loss, where its p is annealed. */
  annealing: AnnealState;
  normalisation: Normalisation;
  trajectory: TrajectoryPoint[];
  /** The last step, logged or not. */
  latest: TrajectoryPoint | null;
}

/** What training starts from where an SAE exists already. */
export interface StartingWeights {
  parameters: Parameters;
  normalisation: Normalisation;
  /** Of an SAE with one threshold for all latents. */
  threshold: number | null;
}

/** As in `TrainerOptions`. */
export interface LogOptions {
  logEverySteps: number;
  now: () => number;
  onPoint: (id: string, point: TrajectoryPoint) => void;
}

export class SaeTrainer {
  readonly plan: SaePlan;
  readonly #session: TrainingSession;
  readonly #clock: DeadClock;
  readonly #shuffling: Random;
  readonly #options: LogOptions;
  #steps: number;
  #tokens: number;
  #varExp: SmoothedState;
  #threshold: SmoothedState;
  #annealing: AnnealState;
  readonly #normalisation: Normalisation;
  #trajectory: TrajectoryPoint[];
  #latest: TrajectoryPoint | null;
  /** When and where the rate of the next logged point starts. */
  #mark: { time: number; tokens: number };

  constructor(
    plan: SaePlan,
    session: TrainingSession,
    state: Omit<SaeTrainingState, 'optimiser'>,
    options: LogOptions,
  ) {
    this.plan = plan;
    this.#session = session;
    this.#clock = deadClock(plan.recipe.dSae, plan.recipe.deadThresholdTokens, state.silent);
    this.#shuffling = randomFrom(state.shuffling);
    this.#options = options;
    this.#steps = state.steps;
    this.#tokens = state.tokens;
    this.#varExp = state.varExp;
    this.#threshold = state.threshold;
    this.#annealing = state.annealing;
    this.#normalisation = state.normalisation;
    this.#trajectory = state.trajectory;
    this.#latest = state.latest;
    this.#mark = { time: options.now(), tokens: state.tokens };
  }

  get latest(): TrajectoryPoint | null {
    return this.#latest;
  }

  get trajectory(): readonly TrajectoryPoint[] {
    return this.#trajectory;
  }

  /**
   * Trains on one forward pass: its tokens in random order, `batchTokens` a step.
   *
   * @param activations [tokens, d_in], tokens a multiple of batchTokens
   * @param targets of a transcoder what it reconstructs, of the same shape
   * @throws UserError naming the step, when the loss is no number or has blown up
   * @throws MalformedError when the activations hold NaN, infinity or numbers beyond about 1e19
   */
  async pass(activations: Activations, targets?: Activations): Promise<void> {
    const d = this.plan.d_in;
    const { batchTokens } = this.plan.recipe;
    const tokens = tokensOf(activations, d);
    if (tokens === 0 || tokens % batchTokens !== 0) {
      throw new RangeError(
        `${this.plan.id}: a pass of ${tokens} tokens, expected a multiple of batchTokens = ${batchTokens}`,
      );
    }
    const order = shuffle(
      Uint32Array.from({ length: tokens }, (_, i) => i),
      this.#shuffling,
    );
    const [x, scale] = await this.#normalised(activations);
    for (let from = 0; from < tokens; from += batchTokens) {
      const some = order.subarray(from, from + batchTokens);
      await this.#step(batchOf(x, some, d, scale), targets && batchOf(targets, some, d, 1));
    }
  }

  /** Activations, and what is still to be multiplied into them. */
  async #normalised(activations: Activations): Promise<[Activations, number]> {
    const scale = scaleOf(this.#normalisation);
    if (!(activations instanceof Float32Array) && scale !== null) return [activations, scale];
    return [normalise(this.#normalisation, await hostRows(activations), this.plan.d_in), 1];
  }

  async #step(batch: Batch, target: Batch | undefined): Promise<void> {
    const { recipe } = this.plan;
    const rate = learningRate(recipe, this.#steps);
    const dead = this.#clock.dead(recipe.deadCounting === 'with-step' ? recipe.batchTokens : 0);
    const controls = {
      learningRate: rate,
      dead: recipe.alphaAux === 0 ? new Int32Array(0) : dead,
      sparsityScale: this.#annealing.scale,
    };
    const result = await this.#session.step(batch, controls, target);
    this.#checkFinite(result);
    const { centredSquares, errorSquares, squares } = result;
    const varExp = hasVariance(centredSquares, squares) ? 1 - errorSquares / centredSquares : null;
    this.#annealing = anneal(recipe, this.#annealing, this.#steps, result.norms ?? null);
    this.#steps += 1;
    this.#tokens += recipe.batchTokens;
    this.#clock.advance(result.fired, recipe.batchTokens);
    if (result.leastActive !== null)
      this.#threshold = smooth(this.#threshold, result.leastActive, recipe.thresholdDecay);
    if (varExp !== null) this.#varExp = smooth(this.#varExp, varExp, VAR_EXP_DECAY);
    this.#log(result, rate);
  }

  #log(result: StepResult, rate: number): void {
    const { recipe } = this.plan;
    const time = this.#options.now();
    const seconds = (time - this.#mark.time) / 1_000;
    this.#latest = {
      tokens: this.#tokens,
      step: this.#steps,
      var_exp: smoothed(this.#varExp),
      loss:
        result.reconstructionLoss +
        architectureOf(recipe).auxWeight(recipe) * result.auxLoss +
        result.sparsityLoss,
      aux_loss: result.auxLoss,
      ...(result.sparsityLoss > 0 ? { sparsity_loss: result.sparsityLoss } : {}),
      dead: this.#clock.dead().length,
      l0: result.activeLatents / recipe.batchTokens,
      learning_rate: rate,
      gradient_norm: result.gradientNorm,
      ...(seconds > 0 ? { tokens_per_second: (this.#tokens - this.#mark.tokens) / seconds } : {}),
    };
    if (!isLogged(this.#steps, this.#options.logEverySteps)) return;
    this.#trajectory.push(this.#latest);
    this.#options.onPoint(this.plan.id, this.#latest);
    this.#mark = { time, tokens: this.#tokens };
  }

  #checkFinite(result: StepResult): void {
    const { mse, auxLoss, sparsityLoss, gradientNorm, errorSquares, centredSquares, squares } = result;
    const { id, hook, recipe } = this.plan;
    const step = this.#steps + 1;
    if (!Number.isFinite(centredSquares)) {
      throw new MalformedError({
        thing: `activations of ${hookWords(hook)} at training step ${step}`,
        found: 'NaN, infinity or numbers too large to square',
        expected: 'finite numbers',
        next: 'Check the language model’s weights; what was saved before is intact.',
      });
    }
    const finite = [mse, auxLoss, sparsityLoss, gradientNorm].every(Number.isFinite);
    const weighsAux = architectureOf(recipe).auxWeight(recipe) > 0;
    if (finite && errorSquares <= DIVERGED * centredSquares) return;
    const variance = usualVariance(centredSquares, squares);
    if (finite && errorSquares <= DIVERGED * variance) return;
    throw new UserError({
      thing: `training of ${id} at step ${step}`,
      found: finite
        ? `a loss of ${mse.toPrecision(3)}, ${(errorSquares / variance).toPrecision(3)} times the variance`
        : [
            `loss ${mse}`,
            ...(weighsAux ? [`auxiliary loss ${auxLoss}`] : []),
            ...(sparsityLoss === 0 ? [] : [`sparsity loss ${sparsityLoss}`]),
            `gradient norm ${gradientNorm}`,
          ].join(', '),
      expected: 'a loss that stays finite and below the variance',
      next: 'Lower learningRate or raise warmupSteps; what was saved before is intact.',
    });
  }

  /** A copy of the SAE as it is now. */
  async sae(): Promise<Sae> {
    const { parameters } = await this.#session.state();
    const copies = mapParameters(parameters, (tensor) => tensor.slice());
    const { recipe } = this.plan;
    return architectureOf(recipe).toSae(recipe, this.plan.d_in, copies, {
      normalisation: this.#normalisation,
      threshold: smoothed(this.#threshold) ?? 0,
    });
  }

  /** Arrays are the trainer's own: read them before the next pass. */
  async state(): Promise<SaeTrainingState> {
    return {
      steps: this.#steps,
      tokens: this.#tokens,
      optimiser: await this.#session.state(),
      silent: this.#clock.silent,
      shuffling: this.#shuffling.state(),
      varExp: this.#varExp,
      threshold: this.#threshold,
      annealing: this.#annealing,
      normalisation: this.#normalisation,
      trajectory: this.#trajectory,
      latest: this.#latest,
    };
  }

  close(): Promise<void> {
    return this.#session.close();
  }
}

/**
 * @param samples activations [count, d_in] that b_dec is initialised from, at least `biasInitSamples`: of a transcoder
 *   those that it reconstructs, beside `read`, as many that it reads
 * @param given the weights of an SAE that is trained on, with an optimiser's state of its own
 */
export function newTrainingState(
  plan: SaePlan,
  samples: Float32Array,
  read: Float32Array = samples,
  given?: StartingWeights,
): SaeTrainingState {
  const { recipe, hook, d_in } = plan;
  const normalisation = given?.normalisation ?? estimateNormalisation(recipe.normalisation, samples, d_in);
  const initial = (): Parameters =>
    initialParameters(recipe, d_in, hook, normalise(normalisation, samples, d_in), hook.reads && read);
  const threshold = given?.threshold ?? null;
  return {
    steps: 0,
    tokens: 0,
    optimiser: freshState(given?.parameters ?? initial()),
    silent: new Int32Array(recipe.dSae),
    shuffling: hookStream('token order', recipe.seed, hook).state(),
    varExp: unsmoothed,
    threshold: threshold === null ? unsmoothed : { sum: threshold, weight: 1 },
    annealing: notAnnealed,
    normalisation,
    trajectory: [],
    latest: null,
  };
}

/** Starts, or goes on with, one SAE on a backend. The state belongs to the trainer from then on. */
export async function openSaeTrainer(
  backend: TrainingBackend,
  plan: SaePlan,
  state: SaeTrainingState,
  options: LogOptions,
): Promise<SaeTrainer> {
  const session = await backend.init(plan.recipe, plan.d_in, state.optimiser);
  return new SaeTrainer(plan, session, state, options);
}
