/** A temporal SAE's prediction of tokens from those before them, over the sequences of a batch. */
import { discard, float32, floatsOf, type Session } from '../onnx/session.ts';
import { squareInputs } from './context-program.ts';
import type { SaeVectors, TemporalContext } from './sae.ts';

export interface Predicted {
  /** [tokens, d_in], in the scale of x'. */
  predicted: Float32Array;
  /** x' − b_dec without the prediction, [tokens, d_in]. */
  rest: Float32Array;
}

export interface Predictor {
  /**
   * @param x [tokens, d_in]: texts of `sequence` tokens each, one after another
   * @throws RangeError where `sequence` is missing or no divisor of `tokens`
   */
  of(x: Float32Array, tokens: number, sequence: number | undefined): Promise<Predicted>;
  /** Bytes of what is kept of the last call. */
  kept(): number;
  close(): Promise<void>;
}

/** @param session of contextProgram; closed with this */
export function predictor({ d_in, d_sae, context }: SaeVectors, session: Session): Predictor {
  const squares = Object.fromEntries(
    (context?.layers ?? []).flatMap(({ v, o }, i) =>
      squareInputs(i).map((name, at) => [name, float32((at === 0 ? v : o).weight, [d_sae, d_sae])] as const),
    ),
  );
  /** `x` is a copy: callers fill their array anew. */
  let last: { x: Float32Array; sequence: number; found: Predicted } | undefined;
  return {
    async of(x, tokens, sequence) {
      if (sequence === undefined || !(sequence >= 1) || tokens % sequence !== 0)
        throw new RangeError(
          `sequence = ${sequence}, expected the tokens of each text, a divisor of ${tokens}`,
        );
      // Of the same tokens latents are asked for first, and then what they reconstruct.
      if (last?.sequence === sequence && sameBytes(last.x, x)) return last.found;
      const found = { predicted: new Float32Array(x.length), rest: new Float32Array(x.length) };
      const mask = float32(causalMask(sequence), [sequence, sequence]);
      const step = sequence * d_in;
      for (let at = 0; at < x.length; at += step) {
        const given = float32(x.subarray(at, at + step), [sequence, d_in]);
        const outputs = await session.run({ x: given, mask, ...squares });
        for (const name of ['predicted', 'rest'] as const) {
          const part = floatsOf(outputs, name);
          found[name].set(part, at);
          discard(part);
        }
      }
      last = { x: x.slice(), sequence, found };
      return found;
    },
    kept() {
      if (last === undefined) return 0;
      const { x, found } = last;
      return x.byteLength + found.predicted.byteLength + found.rest.byteLength;
    },
    async close() {
      last = undefined;
      await session.close();
    },
  };
}

function sameBytes(a: Float32Array, b: Float32Array): boolean {
  const bytes = ({ buffer, byteOffset, byteLength }: Float32Array): Buffer =>
    Buffer.from(buffer, byteOffset, byteLength);
  return bytes(a).equals(bytes(b));
}

/** 0 on and below the diagonal, −∞ above it. */
function causalMask(side: number): Float32Array {
  return Float32Array.from({ length: side * side }, (_, at) =>
    at % side > Math.floor(at / side) ? Number.NEGATIVE_INFINITY : 0,
  );
}

/** Of a prediction what its memory and its work follow from. */
export interface ContextShape {
  heads: number;
  /** Of each layer the numbers of a query. */
  queries: readonly number[];
}

export function contextShape({ heads, layers }: TemporalContext): ContextShape {
  return { heads, queries: layers.map(({ k }) => k.bias.length) };
}

/** What `predictor` keeps of the last call: x, the prediction and the rest. */
const KEPT = 3;
/** Arrays [sequence, d_sae], and of the size of the scores [heads, sequence, sequence], that the program holds at a time, at most as measured. */
const WIDE_HELD = 4;
const SCORES_HELD = 4;

export interface PredictionBytes {
  /** Of the program, on its device: W_enc and W_dec once more, and the smaller maps. */
  program: number;
  /** Of v and o, which are the host's and given to the program each time. */
  squares: number;
  /** Of the smaller maps as the host has them, beside the program's. */
  maps: number;
  /** Of what is kept of the last call. */
  kept: number;
  /** Of one sequence on its way, on the device. */
  running: number;
}

/**
 * Memory of a prediction, beside that of the SAE of what it leaves.
 *
 * @param text most tokens of a call, and of a sequence among them
 */
export function predictionBytes(
  { d_in, d_sae }: Pick<SaeVectors, 'd_in' | 'd_sae'>,
  { heads, queries }: ContextShape,
  { tokens, sequence }: { tokens: number; sequence: number },
): PredictionBytes {
  const layers = queries.length;
  const maps = 4 * queries.reduce((sum, width) => sum + 2 * width * (d_sae + 1) + 2 * d_sae, 0);
  return {
    program: 4 * 2 * d_in * d_sae + maps,
    squares: 4 * layers * 2 * d_sae * d_sae,
    maps,
    kept: 4 * KEPT * tokens * d_in,
    running: 4 * sequence * (WIDE_HELD * d_sae + SCORES_HELD * heads * sequence),
  };
}

/** Operations for each token of a prediction that sees `sequence` tokens. */
export function predictionOperations(
  { d_in, d_sae }: Pick<SaeVectors, 'd_in' | 'd_sae'>,
  { queries }: ContextShape,
  sequence: number,
): number {
  const layer = (width: number): number =>
    2 * (2 * d_in * d_sae + 2 * width * d_sae + 2 * d_sae * d_sae) + 2 * sequence * (width + d_sae);
  return queries.reduce((sum, width) => sum + layer(width), 0);
}
