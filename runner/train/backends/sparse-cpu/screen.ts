/**
 * The encoder's top k. Quantised screening: the k largest pre-activations of each token are found by way of an int8 product, cheaper than the float32 one
 * (`npm run bench -- train-peers` has both; kernels/block.as.ts and select.as.ts say why they are found exactly). Where the float32
 * product is the cheaper way its largest values are computed again as the screen does: the way makes no difference to the bits.
 */
import { float32, int8, openSession, type Session, uint8 } from '../../../onnx/session.ts';
import type { DenseParts, Runtime } from './dense.ts';
import { type controlNames, type Layout, mostComputed, SCREEN_TOKENS, type ScreenLayout } from './layout.ts';
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
  readonly #dense: Pick<DenseParts, 'encode'>;
  /** Null where nothing is screened. */
  readonly #session: Session | null;
  readonly #mark: Runtime['mark'];
  readonly #mostComputed: number;
  readonly close: () => Promise<void>;

  private constructor(
    place: Workplace,
    screen: ScreenLayout,
    steps: Steps,
    dense: Pick<DenseParts, 'encode'>,
    session: Session | null,
    mark: Runtime['mark'],
    mostComputed: number,
    close: () => Promise<void>,
  ) {
    this.#place = place;
    this.#layout = place.layout;
    this.#screen = screen;
    this.#steps = steps;
    this.#dense = dense;
    this.#session = session;
    this.#mark = mark;
    this.#mostComputed = mostComputed;
    this.close = close;
  }

  /** @throws UnavailableError when onnxruntime cannot take the product */
  static async open(
    place: Workplace,
    screen: ScreenLayout,
    { sessions, threads, screened, mark }: Runtime,
    steps: Steps,
    dense: Pick<DenseParts, 'encode'>,
  ): Promise<Screen> {
    if (screened === 'never')
      return new Screen(place, screen, steps, dense, null, mark, 0, async () => undefined);
    const { copyWidth, copyStride } = screen;
    const key = `screen ${[copyWidth, copyStride]}`;
    const open = (): Promise<Session> => openSession(screenProgram(copyWidth, copyStride), { threads });
    const session = await sessions.take(key, open);
    const most = screened === 'always' ? Infinity : mostComputed(place.layout);
    return new Screen(place, screen, steps, dense, session, mark, most, () => sessions.give(key));
  }

  /**
   * From `centred` the k largest pre-activations of each token, into `at` and `pre`, latents ascending.
   *
   * @param squares Σ‖centred‖²
   * @returns by which product: float32 where that is the cheaper one, or values are not finite
   */
  async encode(squares: number): Promise<'int8' | 'float32'> {
    const { tokens, d_in } = this.#layout;
    const copies = this.#copies(squares / (tokens * d_in));
    if (this.#session !== null && copies !== null && (await this.#select(copies, this.#session)))
      return 'int8';
    const { buffer } = this.#place.memory;
    const { offered, offeredAt, offeredPre } = this.#screen;
    const count = tokens * offered;
    await this.#dense.encode(
      new Int32Array(buffer, offeredAt, count),
      new Float32Array(buffer, offeredPre, count),
    );
    this.#steps.run('refine');
    return 'float32';
  }

  /** @returns false when more than pays would be computed again */
  async #select({ norm }: { norm: number }, session: Session): Promise<boolean> {
    const { tokens } = this.#layout;
    let levelStep = (FIRST_GUESS * norm) / LEVELS_TO_KTH;
    this.#steps.control({ levelZero: ZERO, guess: ZERO });
    for (let blockStart = 0; blockStart < tokens; blockStart += SCREEN_TOKENS) {
      const count = Math.min(SCREEN_TOKENS, tokens - blockStart);
      await this.#levels(session, blockStart, count, levelStep);
      this.#steps.control({ levelStep, blockStart });
      for (const phase of ['nominate', 'score', 'choose'] as const) this.#steps.run(phase);
      const computed = this.#steps.sum('choose');
      this.#mark('choose', computed);
      if (blockStart > 0) continue;
      if (computed > count * this.#mostComputed) return false;
      levelStep = Math.max(this.#meanOfKth(count), norm / 4) / LEVELS_TO_KTH;
      this.#steps.control({ guess: ZERO + LEVELS_TO_KTH / 2 });
    }
    return true;
  }

  /** Makes the int8 copies. `norm` is the root mean square of their products; null when a value is not finite. */
  #copies(meanSquare: number): { norm: number } | null {
    const { tokens, latents } = this.#layout;
    const { copyWidth, latentNorms, latentLefts } = this.#screen;
    this.#steps.control({
      reach: meanSquare > 0 && Number.isFinite(meanSquare) ? REACH * Math.sqrt(meanSquare) : 1,
    });
    this.#steps.run('quantise-tokens');
    const tokenNorm = this.#steps.sum('quantise-tokens') / tokens;
    this.#steps.run('quantise-latents');
    const latentNorm = this.#steps.sum('quantise-latents') / latents;
    const { buffer } = this.#place.memory;
    const largest = (at: number): number =>
      new Float32Array(buffer, at, latents).reduce((most, value) => Math.max(most, value), 0);
    this.#steps.control({ most: largest(latentNorms), mostLeft: largest(latentLefts) });
    if (!Number.isFinite(tokenNorm) || !Number.isFinite(latentNorm) || latentNorm === 0) return null;
    return { norm: (tokenNorm * latentNorm) / Math.sqrt(copyWidth) };
  }

  async #levels(session: Session, from: number, count: number, step: number): Promise<void> {
    const { tokenCopies, copyWidth, copyStride, latentCopies, latentScales, levels } = this.#screen;
    const { buffer } = this.#place.memory;
    const feeds = {
      tokens: uint8(new Uint8Array(buffer, tokenCopies + from * copyWidth, count * copyWidth), [
        count,
        copyWidth,
      ]),
      latents: int8(new Int8Array(buffer, latentCopies, copyWidth * copyStride), [copyWidth, copyStride]),
      scales: float32(new Float32Array(buffer, latentScales, copyStride), [copyStride]),
      step: float32(Float32Array.of(step), []),
      zero: uint8(Uint8Array.of(ZERO), []),
    };
    this.#mark('alone');
    const place = uint8(new Uint8Array(buffer, levels, count * copyStride), [count, copyStride]);
    await session.run(feeds, undefined, { levels: place });
    this.#mark('int8 product');
  }

  /** Mean over the first tokens of their k-th largest, in units of the token's own scale. */
  #meanOfKth(count: number): number {
    const facts = new Float32Array(this.#place.memory.buffer, this.#screen.tokenFacts, 4 * count);
    let sum = 0;
    for (let t = 0; t < count; t++) sum += facts[4 * t + 3]!;
    return sum / count;
  }
}
