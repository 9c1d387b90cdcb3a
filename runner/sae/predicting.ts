/** A temporal SAE's prediction of tokens from those before them, over the sequences of a batch. */
import { discard, float32, floatsOf, type Session } from '../onnx/session.ts';
import { squareInputs } from './context-program.ts';
import type { SaeVectors } from './sae.ts';

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
