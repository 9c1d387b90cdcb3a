/**
 * Quantised screening: the k largest pre-activations of each token are found by way of an int8 product, cheaper than the float32 one
 * (`npm run bench -- train-peers` has both; kernels/select.as.ts says why they are found exactly).
 */
import { discard, float32, int8, openSession, type Session, uint8, uint8sOf } from '../../../onnx/session.ts';
import type { Runtime } from './dense.ts';
import { type controlNames, type Layout, SCREEN_TOKENS, type ScreenLayout } from './layout.ts';
import type { Phase, Workplace } from './phases.ts';
import { screenProgram } from './programs.ts';

/** Level of a product of 0, and levels between it and the k-th largest: room for those below 0, and above the k-th. */
const ZERO = 48;
const LEVELS_TO_KTH = 112;
/** Columns of the bias reach as far as this many root mean squares of the activations. */
const REACH = 3;
/** The k-th largest of the first block in root mean squares of the products, before anything is known. */
const FIRST_GUESS = 4;

/** What the screen asks of the step it belongs to. */
export interface Steps {
  run(phase: Phase): void;
  /** Sum of what the chunks of the phase gave. */
  sum(phase: Phase): number;
  control(values: Partial<Record<(typeof controlNames)[number], number>>): void;
}

export class Screen {
  readonly #place: Workplace;
  readonly #layout: Layout;
  readonly #screen: ScreenLayout;
  readonly #steps: Steps;
  readonly #session: Session;
  readonly #latentCopies: Int8Array;
  readonly #mostComputed: number;
  readonly close: () => Promise<void>;

  private constructor(
    place: Workplace,
    screen: ScreenLayout,
    steps: Steps,
    session: Session,
    mostComputed: number,
    close: () => Promise<void>,
  ) {
    this.#place = place;
    this.#layout = place.layout;
    this.#screen = screen;
    this.#steps = steps;
    this.#session = session;
    this.#latentCopies = new Int8Array(screen.copyWidth * place.layout.latents);
    this.#mostComputed = mostComputed;
    this.close = close;
  }

  /** @throws UnavailableError when onnxruntime cannot take the product */
  static async open(
    place: Workplace,
    screen: ScreenLayout,
    { sessions, threads, screened }: Runtime,
    steps: Steps,
  ): Promise<Screen> {
    const { copyWidth } = screen;
    const { latents } = place.layout;
    const key = `screen ${[copyWidth, latents]}`;
    const open = (): Promise<Session> => openSession(screenProgram(copyWidth, latents), { threads });
    const session = await sessions.take(key, open);
    const most = screened === 'always' ? latents : mostComputed(place.layout);
    return new Screen(place, screen, steps, session, most, () => sessions.give(key));
  }

  /**
   * From `centred` the k largest pre-activations of each token, into `at` and `pre`. Whether it does depends on the
   * activations and the SAE alone, so that a resumed run takes the same way.
   *
   * @param squares Σ‖centred‖²
   * @returns false when the float32 product is the cheaper way, or values are not finite; nothing is found then
   */
  async encode(squares: number): Promise<boolean> {
    const { tokens, d_in } = this.#layout;
    const copies = this.#copies(squares / (tokens * d_in));
    if (copies === null) return false;
    const { most, mostLeft, norm } = copies;
    let levelStep = (FIRST_GUESS * norm) / LEVELS_TO_KTH;
    this.#steps.control({ most, mostLeft, levelZero: ZERO, guess: ZERO });
    for (let blockStart = 0; blockStart < tokens; blockStart += SCREEN_TOKENS) {
      const count = Math.min(SCREEN_TOKENS, tokens - blockStart);
      await this.#levels(blockStart, count, levelStep);
      this.#steps.control({ levelStep, blockStart });
      this.#steps.run('select');
      if (blockStart > 0) continue;
      if (this.#steps.sum('select') > count * this.#mostComputed) return false;
      levelStep = Math.max(this.#meanOfKth(count), norm / 4) / LEVELS_TO_KTH;
      this.#steps.control({ guess: ZERO + LEVELS_TO_KTH / 2 });
    }
    return true;
  }

  /** Makes the int8 copies. `norm` is the root mean square of their products; null when a value is not finite. */
  #copies(meanSquare: number): { most: number; mostLeft: number; norm: number } | null {
    const { tokens, latents } = this.#layout;
    const { copyWidth, copyStride, latentCopies, latentNorms, latentLefts } = this.#screen;
    if (!Number.isFinite(meanSquare)) return null;
    this.#steps.control({ reach: meanSquare > 0 ? REACH * Math.sqrt(meanSquare) : 1 });
    this.#steps.run('quantise-tokens');
    const tokenNorm = this.#steps.sum('quantise-tokens') / tokens;
    this.#steps.run('quantise-latents');
    const latentNorm = this.#steps.sum('quantise-latents') / latents;
    if (!Number.isFinite(tokenNorm) || !Number.isFinite(latentNorm) || latentNorm === 0) return null;
    const { buffer } = this.#place.memory;
    for (let row = 0; row < copyWidth; row++) {
      this.#latentCopies.set(new Int8Array(buffer, latentCopies + row * copyStride, latents), row * latents);
    }
    const largest = (at: number): number =>
      new Float32Array(buffer, at, latents).reduce((most, value) => Math.max(most, value), 0);
    return {
      most: largest(latentNorms),
      mostLeft: largest(latentLefts),
      norm: (tokenNorm * latentNorm) / Math.sqrt(copyWidth),
    };
  }

  async #levels(from: number, count: number, step: number): Promise<void> {
    const { latents } = this.#layout;
    const { tokenCopies, copyWidth, latentScales, levels } = this.#screen;
    const { buffer } = this.#place.memory;
    const outputs = await this.#session.run({
      tokens: uint8(new Uint8Array(buffer, tokenCopies + from * copyWidth, count * copyWidth).slice(), [
        count,
        copyWidth,
      ]),
      latents: int8(this.#latentCopies, [copyWidth, latents]),
      scales: float32(new Float32Array(buffer, latentScales, latents).slice(), [latents]),
      step: float32(Float32Array.of(step), []),
      zero: uint8(Uint8Array.of(ZERO), []),
    });
    const found = uint8sOf(outputs, 'levels');
    new Uint8Array(buffer, levels, count * latents).set(found);
    discard(found);
  }

  /** Mean over the first tokens of their k-th largest, in units of the token's own scale. */
  #meanOfKth(count: number): number {
    const facts = new Float32Array(this.#place.memory.buffer, this.#screen.tokenFacts, 4 * count);
    let sum = 0;
    for (let t = 0; t < count; t++) sum += facts[4 * t + 3]!;
    return sum / count;
  }
}

/**
 * Latents computed again for a token up to which screening is the cheaper way: fitted to the times of seven shapes on one
 * machine. It decides the cost alone.
 */
function mostComputed({ latents, k }: Layout): number {
  return 3 * k + latents / 24;
}

let exact: Promise<boolean> | undefined;

/**
 * Whether onnxruntime multiplies uint8 by int8 exactly here. Processors without an instruction for sums of four such
 * products add them in pairs that saturate at 16 bits; there nothing is screened.
 */
export function screenIsExact(): Promise<boolean> {
  exact ??= checkExactness();
  return exact;
}

async function checkExactness(): Promise<boolean> {
  const { x, W, rows, depth, columns, step, zero } = exactnessSample();
  const session = await openSession(screenProgram(depth, columns), { threads: 1 });
  try {
    const outputs = await session.run({
      tokens: uint8(x, [rows, depth]),
      latents: int8(W, [depth, columns]),
      scales: float32(new Float32Array(columns).fill(1), [columns]),
      step: float32(Float32Array.of(step), []),
      zero: uint8(Uint8Array.of(zero), []),
    });
    return sumsAreExact(uint8sOf(outputs, 'levels'));
  } finally {
    await session.close();
  }
}

/** A product of extremes in all orders: x uint8 [rows, depth], 128 standing for 0, W int8 [depth, columns]. */
export function exactnessSample() {
  const [rows, depth, columns] = [16, 64, 32];
  const x = Uint8Array.from(
    { length: rows * depth },
    (_, at) => [255, 255, 1, 255, 1, 1][(at + (at >> 6)) % 6]!,
  );
  const W = Int8Array.from({ length: depth * columns }, (_, at) =>
    at % columns < 8 ? 127 : [127, -127, 127, 127, -127, (7 * at) % 120][(at >> 5) % 6]!,
  );
  return { x, W, rows, depth, columns, step: (127 * 127 * depth) / 120, zero: 128 };
}

/** Whether these are the levels of the sample [rows, columns]. */
export function sumsAreExact(levels: Uint8Array): boolean {
  const { x, W, depth, columns, step, zero } = exactnessSample();
  return levels.every((level, at) => {
    const [row, column] = [Math.floor(at / columns), at % columns];
    let sum = 0;
    for (let i = 0; i < depth; i++) sum += (x[row * depth + i]! - 128) * W[i * columns + column]!;
    return Math.abs(level - zero - sum / step) <= 0.501;
  });
}
