/** One SAE's steps on the sparse-cpu backend. */

import { discard } from '../../../onnx/session.ts';
import { leastDead } from '../../aux-k.ts';
import { momentSeed } from '../../bfloat-moments.ts';
import { lossWeight } from '../../common-settings.ts';
import { type Batch, hostRows } from '../../device-rows.ts';
import type { Recipe } from '../../recipe.ts';
import type { OptimiserState } from '../../state.ts';
import type { StepControls, StepResult, TrainingSession } from '../backend.ts';
import { DenseParts, type Runtime, type Views } from './dense.ts';
import { controlNames, makeRoom, padded } from './layout.ts';
import { chunksOf, type Phase, type Workplace } from './phases.ts';
import { copyRows, readState } from './sae-memory.ts';
import { Screen } from './screen.ts';
import type { WorkerPool } from './worker-pool.ts';

/** torch.nn.utils.clip_grad_norm_ divides by the norm plus this. */
const CLIP_EPSILON = 1e-6;

export class SparseCpuSession implements TrainingSession {
  readonly #recipe: Recipe;
  readonly #place: Workplace;
  readonly #views: Views;
  readonly #dense: DenseParts;
  readonly #pool: WorkerPool;
  readonly #runtime: Runtime;
  readonly #id: number;
  #screen: Screen | undefined;
  #updates: number;
  #open = true;

  /** @param place holds the state already */
  constructor(recipe: Recipe, place: Workplace, updates: number, pool: WorkerPool, runtime: Runtime) {
    this.#recipe = recipe;
    this.#place = place;
    this.#updates = updates;
    this.#views = viewsOf(place);
    this.#dense = new DenseParts(place.layout, this.#views, runtime);
    this.#pool = pool;
    this.#runtime = runtime;
    this.#id = pool.open(place);
  }

  /** @throws UnavailableError when onnxruntime cannot take the encoder */
  async start(): Promise<void> {
    const { screen } = this.#place.layout;
    if (screen === null) return this.#dense.open();
    this.#screen = await Screen.open(
      this.#place,
      screen,
      this.#runtime,
      {
        run: (phase) => this.#run(phase),
        sum: (phase) => this.#sumResults(phase),
        control: (values) => this.#control(values),
      },
      this.#dense,
    );
  }

  async step(given: Batch, { learningRate, dead: candidates }: StepControls): Promise<StepResult> {
    const x = await hostRows(given);
    const { kernels, layout } = this.#place;
    const { tokens, latents, width, d_in, k } = layout;
    if (x.length !== tokens * d_in) {
      throw new RangeError(`x: ${x.length} values, expected ${tokens} tokens × ${d_in}`);
    }
    const weight = lossWeight(this.#recipe, d_in);
    copyRows(x, d_in, this.#views.centred, width, tokens);
    this.#run('centre');
    const squares = this.#sumResults('centre');
    const mean = this.#sumRows(layout.tokenSums, 'centre').map((s) => s / tokens);
    this.#floats(layout.mean, width).set(mean);
    const b_dec = this.#floats(layout.parameters.b_dec, width);
    const meanSquare = mean.reduce((sum, value, i) => sum + (value + b_dec[i]!) ** 2, 0);
    const auxiliary = candidates.length >= leastDead(this.#recipe);
    const deadPre = await this.#encode(auxiliary ? candidates : new Int32Array(0), squares);

    this.#bytes(layout.fired).fill(0);
    this.#bytes(layout.auxiliary).fill(0);
    this.#runtime.mark('alone');
    kernels.index(layout.at, tokens * k, latents, layout.starts, layout.order);
    this.#runtime.mark('order');
    this.#run('decode');
    const activeLatents = this.#sumResults('decode');
    const [errorSquares, centredSquares] = this.#squares();
    const throughDecoder = this.#sumRows(layout.tokenSums, 'decode');
    const auxLoss = auxiliary ? await this.#auxiliary(candidates, deadPre, errorSquares, throughDecoder) : 0;

    this.#run('collect');
    const throughEncoder = this.#sumRows(layout.latentSums, 'collect');
    const biasGradient = throughDecoder.map((sum, i) => 2 * weight * sum + throughEncoder[i]!);
    const biasSquares = biasGradient.reduce((sum, g) => sum + g * g, 0);
    const gradientNorm = Math.sqrt(this.#sumResults('collect') + biasSquares);
    this.#update(learningRate, gradientNorm, biasGradient);
    this.#runtime.mark('alone');
    return {
      mse: errorSquares / (tokens * d_in),
      reconstructionLoss: errorSquares * weight,
      auxLoss,
      sparsityLoss: 0,
      errorSquares,
      centredSquares,
      squares: centredSquares + tokens * meanSquare,
      gradientNorm,
      activeLatents,
      leastActive: null,
      fired: this.#bytes(layout.fired).slice(),
    };
  }

  /**
   * The k largest pre-activations of each token, to where the kernels look for them.
   *
   * @returns the pre-activations of `dead` [tokens, dead]
   */
  async #encode(dead: Int32Array, squares: number): Promise<Float32Array> {
    const { tokens, k, at, pre } = this.#place.layout;
    if (this.#screen !== undefined) await this.#screen.encode(squares);
    else {
      const { buffer } = this.#place.memory;
      await this.#dense.encode(new Int32Array(buffer, at, tokens * k), this.#floats(pre, tokens * k));
    }
    return this.#dense.preActivations(dead);
  }

  /**
   * AuxK of the latents that are dead: theirs is all that is worked on.
   *
   * @param pre their pre-activations [tokens, candidates]
   * @param errorSum Σ over tokens of x̂ − x
   */
  async #auxiliary(
    candidates: Int32Array,
    pre: Float32Array,
    errorSquares: number,
    errorSum: Float64Array,
  ): Promise<number> {
    const { memory, layout } = this.#place;
    const { tokens, d_in } = layout;
    const { kAux, alphaAux } = this.#recipe;
    const fired = this.#bytes(layout.fired);
    const columns = Int32Array.from(candidates.keys()).filter(
      (i) => this.#recipe.deadCounting === 'before-step' || fired[candidates[i]!] === 0,
    );
    if (columns.length < leastDead(this.#recipe)) return 0;
    const dead = columns.map((i) => candidates[i]!);
    const deadWidth = padded(dead.length);
    makeRoom(memory, layout, deadWidth);
    const kept = this.#floats(layout.bytes, tokens * deadWidth);
    copyColumns(pre, candidates.length, kept, deadWidth, columns);
    discard(pre);
    this.#control({ deadWidth, keep: Math.min(kAux, dead.length) });
    this.#run('keep');
    const weight = auxWeight(this.#recipe, d_in, dead.length, errorSquares, errorSum);
    return weight * (await this.#dense.auxiliary(dead, kept, 2 * alphaAux * weight));
  }

  #update(learningRate: number, gradientNorm: number, biasGradient: Float64Array): void {
    const { kernels, layout } = this.#place;
    const { adamBeta1, adamBeta2, adamEpsilon, gradientClip } = this.#recipe;
    this.#updates += 1;
    const rootCorrection = Math.sqrt(1 - adamBeta2 ** this.#updates);
    const clip = Math.min(1, gradientClip / (gradientNorm + CLIP_EPSILON));
    const step = (learningRate * rootCorrection) / (1 - adamBeta1 ** this.#updates);
    const epsilon = adamEpsilon * rootCorrection;
    this.#control({ clip, step, epsilon, seed: momentSeed(this.#updates) });
    this.#floats(layout.decoderBiasGradient, layout.width).set(biasGradient);
    const { b_dec } = layout.parameters;
    const stride = layout.strides.b_dec;
    kernels.adam(
      b_dec,
      b_dec + stride,
      b_dec + 2 * stride,
      layout.decoderBiasGradient,
      stride,
      clip,
      adamBeta1,
      1 - adamBeta1,
      adamBeta2,
      1 - adamBeta2,
      step,
      epsilon,
    );
    this.#run('update');
    this.#dense.refresh();
  }

  async state(): Promise<OptimiserState> {
    return readState(this.#place.memory, this.#place.layout, this.#updates);
  }

  /** Once; later calls do nothing. */
  async close(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    this.#pool.close(this.#id);
    await this.#screen?.close();
    await this.#dense.close();
  }

  #control(values: Partial<Record<(typeof controlNames)[number], number>>): void {
    const { memory, layout } = this.#place;
    const controls = new Float64Array(memory.buffer, layout.controls, controlNames.length);
    for (const [i, name] of controlNames.entries()) controls[i] = values[name] ?? controls[i]!;
  }

  #run(phase: Phase): void {
    this.#runtime.mark('alone');
    this.#pool.run(this.#id, phase);
    this.#runtime.mark(phase);
  }

  #floats(at: number, length: number): Float32Array {
    return new Float32Array(this.#place.memory.buffer, at, length);
  }

  #bytes(at: number): Uint8Array {
    return new Uint8Array(this.#place.memory.buffer, at, this.#place.layout.latents);
  }

  /** Σ‖error‖² and Σ‖centred − mean‖² over the tokens. */
  #squares(): [number, number] {
    const { squares, tokens } = this.#place.layout;
    const perToken = this.#floats(squares, 2 * tokens);
    let errors = 0;
    let spread = 0;
    for (let t = 0; t < tokens; t++) {
      errors += perToken[2 * t]!;
      spread += perToken[2 * t + 1]!;
    }
    return [errors, spread];
  }

  #sumResults(phase: Phase): number {
    const { memory, layout } = this.#place;
    return new Float64Array(memory.buffer, layout.results, chunksOf(phase, layout)).reduce(
      (a, b) => a + b,
      0,
    );
  }

  /** The sum of the rows that the chunks of a phase wrote at `at`, in their order. */
  #sumRows(at: number, phase: Phase): Float64Array {
    const { layout } = this.#place;
    const { width } = layout;
    const sums = new Float64Array(width);
    const rows = this.#floats(at, chunksOf(phase, layout) * width);
    for (let from = 0; from < rows.length; from += width) {
      for (let i = 0; i < width; i++) sums[i]! += rows[from + i]!;
    }
    return sums;
  }
}

/** What the squared error of AuxK, summed over tokens and dimensions, is multiplied by. */
function auxWeight(
  recipe: Recipe,
  d_in: number,
  dead: number,
  errorSquares: number,
  errorSum: Float64Array,
): number {
  switch (recipe.auxVariant) {
    case 'reference':
      return lossWeight(recipe, d_in);
    case 'scaled':
      return lossWeight(recipe, d_in) * Math.min(dead / recipe.kAux, 1);
    case 'normalised': {
      const variance = errorSquares - errorSum.reduce((sum, v) => sum + v * v, 0) / recipe.batchTokens;
      return variance > 0 ? 1 / variance : 0;
    }
    default:
      return recipe.auxVariant satisfies never;
  }
}

/** Copies columns of `from` [rows, fromWidth] to the first ones of `to` [rows, toWidth]; the rest becomes 0. */
function copyColumns(
  from: Float32Array,
  fromWidth: number,
  to: Float32Array,
  toWidth: number,
  columns: Int32Array,
): void {
  const rows = to.length / toWidth;
  if (fromWidth !== toWidth) to.fill(0);
  if (columns.length === fromWidth) {
    copyRows(from, fromWidth, to, toWidth, rows);
    return;
  }
  for (let r = 0; r < rows; r++) {
    for (let i = 0; i < columns.length; i++) to[r * toWidth + i] = from[r * fromWidth + columns[i]!]!;
  }
}

export function viewsOf({ memory: { buffer }, layout }: Workplace): Views {
  const { tokens, latents, width, parameters } = layout;
  const floats = (at: number, length: number): Float32Array => new Float32Array(buffer, at, length);
  return {
    centred: floats(layout.centred, tokens * width),
    error: floats(layout.error, tokens * width),
    W_enc: floats(parameters.W_enc, latents * width),
    W_dec: floats(parameters.W_dec, latents * width),
    b_enc: floats(parameters.b_enc, latents),
    decoderGradient: floats(layout.decoderGradient, latents * width),
    encoderGradient: floats(layout.encoderGradient, latents * width),
    biasGradient: floats(layout.biasGradient, latents),
    auxiliary: new Uint8Array(buffer, layout.auxiliary, latents),
  };
}
