/**
 * Whether, and with integers of what size, the encoder's product is screened in int8 here (screen.ts): by what this machine
 * computes exactly and by a short measurement, not by its processor's name. The choice makes no difference to the bits.
 */
import { float32, int8, openSession, type Session, uint8, uint8sOf } from '../../../onnx/session.ts';
import { BIAS_COLUMNS, SCREEN_TOKENS, type ScreenLimit, type Sizes, screenLimits } from './layout.ts';
import { encoderProgram, screenProgram } from './programs.ts';

/** Of the float32 product's time, up to which the int8 one pays: copies and what is computed again have the rest. */
const PAYS = 0.8;
/** Products of numbers in one measurement at most, and how often it is made. */
const MEASURED = 2 ** 29;
const ROUNDS = 3;

let exact: Promise<ScreenLimit | null> | undefined;

/**
 * The largest integers whose product with uint8 onnxruntime sums exactly here. Processors without an instruction for sums
 * of four such products add them in pairs that saturate at 16 bits; no pair of 7-bit integers does.
 */
export function exactLimit(): Promise<ScreenLimit | null> {
  exact ??= (async () => {
    for (const limit of screenLimits) if (await isExact(limit)) return limit;
    return null;
  })();
  return exact;
}

async function isExact(limit: ScreenLimit): Promise<boolean> {
  const sample = exactnessSample(limit);
  const { x, W, rows, depth, columns, step, zero } = sample;
  const session = await openSession(screenProgram(depth, columns), { threads: 1 });
  try {
    const outputs = await session.run({
      tokens: uint8(x, [rows, depth]),
      latents: int8(W, [depth, columns]),
      scales: float32(new Float32Array(columns).fill(1), [columns]),
      step: float32(Float32Array.of(step), []),
      zero: uint8(Uint8Array.of(zero), []),
    });
    return sumsAreExact(sample, uint8sOf(outputs, 'levels'));
  } finally {
    await session.close();
  }
}

export type ExactnessSample = ReturnType<typeof exactnessSample>;

/** A product of extremes in all orders: x uint8 [rows, depth], 128 standing for 0, W int8 [depth, columns]. */
export function exactnessSample(limit: ScreenLimit) {
  const [rows, depth, columns] = [16, 64, 32];
  const x = Uint8Array.from(
    { length: rows * depth },
    (_, at) => [255, 255, 1, 255, 1, 1][(at + (at >> 6)) % 6]!,
  );
  const W = Int8Array.from({ length: depth * columns }, (_, at) =>
    at % columns < 8 ? limit : [limit, -limit, limit, limit, -limit, (7 * at) % limit][(at >> 5) % 6]!,
  );
  return { x, W, rows, depth, columns, step: (127 * limit * depth) / 120, zero: 128 };
}

/** Whether these are the levels of the sample [rows, columns]. */
export function sumsAreExact(
  { x, W, depth, columns, step, zero }: ExactnessSample,
  levels: Uint8Array,
): boolean {
  return levels.every((level, at) => {
    const [row, column] = [Math.floor(at / columns), at % columns];
    let sum = 0;
    for (let i = 0; i < depth; i++) sum += (x[row * depth + i]! - 128) * W[i * columns + column]!;
    return Math.abs(level - zero - sum / step) <= 0.501;
  });
}

/**
 * The time of an int8 product over that of the float32 one with its top k, both of a part of the SAE's sizes; least of
 * some rounds, so that other programs' work counts little.
 */
export async function int8Share({ latents, width, k }: Sizes, threads: number): Promise<number> {
  const depth = width + BIAS_COLUMNS;
  const columns = Math.min(latents, Math.max(64, Math.floor(MEASURED / (SCREEN_TOKENS * depth))));
  const found = Math.min(k, columns);
  const screen = await openSession(screenProgram(depth, columns), { threads });
  try {
    const size = { tokens: SCREEN_TOKENS, latents: columns, width };
    const encoder = await openSession(encoderProgram(size, found), { threads });
    try {
      return await shareOf(screen, encoder, depth, columns, width);
    } finally {
      await encoder.close();
    }
  } finally {
    await screen.close();
  }
}

async function shareOf(
  screen: Session,
  encoder: Session,
  depth: number,
  columns: number,
  width: number,
): Promise<number> {
  const value = (at: number): number => (Math.imul(at, 0x9e3779b1) >>> 24) - 128;
  const x = Uint8Array.from({ length: SCREEN_TOKENS * depth }, (_, at) => value(at) + 128);
  const W = Int8Array.from({ length: depth * columns }, (_, at) => value(at) >> 1);
  const centred = Float32Array.from({ length: SCREEN_TOKENS * (width + 1) }, (_, at) => value(at));
  const W_enc = Float32Array.from({ length: columns * (width + 1) }, (_, at) => value(at));
  const integersOf = {
    tokens: uint8(x, [SCREEN_TOKENS, depth]),
    latents: int8(W, [depth, columns]),
    scales: float32(new Float32Array(columns).fill(1), [columns]),
    step: float32(Float32Array.of(depth), []),
    zero: uint8(Uint8Array.of(48), []),
  };
  const floatsOf = {
    centred: float32(centred, [SCREEN_TOKENS, width + 1]),
    W_enc: float32(W_enc, [columns, width + 1]),
  };
  // Written where the step has them too, without a copy.
  const levels = uint8(new Uint8Array(SCREEN_TOKENS * columns), [SCREEN_TOKENS, columns]);
  let [integers, floats] = [Infinity, Infinity];
  for (let round = 0; round <= ROUNDS; round++) {
    const start = performance.now();
    await screen.run(integersOf, undefined, { levels });
    const middle = performance.now();
    await encoder.run(floatsOf);
    // The first round makes what later ones use again.
    if (round === 0) continue;
    integers = Math.min(integers, middle - start);
    floats = Math.min(floats, performance.now() - middle);
  }
  return integers / floats;
}

export interface ScreenChoice {
  pays: boolean;
  /** A line for the user. */
  why: string;
}

/** Whether the screen pays for an SAE of these sizes on this machine. */
export async function screenChoice(sizes: Sizes, limit: ScreenLimit, threads: number): Promise<ScreenChoice> {
  return choiceBy(await int8Share(sizes, threads), sizes, limit);
}

/** @param share as `int8Share` measures it */
export function choiceBy(
  share: number,
  sizes: Pick<Sizes, 'k' | 'latents'>,
  limit: ScreenLimit,
): ScreenChoice {
  const pays = share < PAYS;
  const bits = limit === 127 ? '8-bit' : '7-bit';
  return {
    pays,
    why: `top ${sizes.k} of ${sizes.latents} latents: ${pays ? `screened in ${bits} integers` : 'no screen'}; here a product of ${bits} integers takes ${share.toFixed(2)} of the float32 one’s time`,
  };
}
