/**
 * Encoding by matching pursuit. A step is one matrix product over all tokens that have not ended yet, so a batch costs as many
 * products as its longest token has steps, over fewer and fewer tokens.
 */
import { cancellationPoint } from '../math/cancellation.ts';
import type { Program } from '../onnx/graph.ts';
import {
  discard,
  type Feeds,
  float32,
  floatsOf,
  type HostTensor,
  int32,
  int32sOf,
  openSession,
  type Session,
  type SessionOptions,
} from '../onnx/session.ts';
import type { MatchingPursuitSae } from './sae.ts';

export type PursuitRule = Pick<
  MatchingPursuitSae,
  'd_in' | 'residual_threshold' | 'max_iterations' | 'stop_on_duplicate_support'
>;

/**
 * A session as of encodeProgram: x [T, d_in] -> values [T, K], indices [T, K].
 *
 * @param step of pursuitProgram; it is closed with the session, and when the other cannot be opened
 * @param centring makes centredProgram, and what its session needs
 */
export async function pursuing(
  rule: PursuitRule,
  step: Session,
  centring: () => Promise<{ program: Program; settings: SessionOptions }>,
): Promise<Session> {
  const centred = await centring()
    .then(({ program, settings }) => openSession(program, settings))
    .catch(async (error: unknown) => {
      await step.close();
      throw error;
    });
  return {
    async run(feeds: Feeds) {
      const from = floatsOf(await centred.run(feeds), 'centred');
      return laidOut(await pursued(rule, step, from));
    },
    async close() {
      await Promise.all([centred.close(), step.close()]);
    },
  };
}

/** A token's latents and their values, in the order in which they were found. */
type Found = Map<number, number>;

async function pursued(rule: PursuitRule, step: Session, r: Float32Array): Promise<Found[]> {
  const { d_in, residual_threshold, max_iterations, stop_on_duplicate_support } = rule;
  const found: Found[] = Array.from({ length: r.length / d_in }, () => new Map());
  let going = found;
  for (let turn = 0; turn < max_iterations && going.length > 0; turn++) {
    cancellationPoint();
    const outputs = await step.run({ r: float32(r, [going.length, d_in]) });
    const [values, rest, norms] = ['value', 'rest', 'norm'].map((name) => floatsOf(outputs, name)) as [
      Float32Array,
      Float32Array,
      Float32Array,
    ];
    const indices = int32sOf(outputs, 'index');
    const left: Found[] = [];
    // Rows of tokens that go on are moved to the front of `rest`, which becomes the next r.
    going.forEach((latents, t) => {
      const [latent, value] = [indices[t]!, values[t]!];
      const before = latents.get(latent);
      if (value !== 0) latents.set(latent, Math.fround((before ?? 0) + value));
      // A step of 0 leaves r as it is, so every later step would be the same. From NaN on every step is NaN: it ends with
      // NaN as a latent's value, so that no caller takes the token for one that was encoded.
      const ends =
        value === 0 ||
        Number.isNaN(value) ||
        (before !== undefined && stop_on_duplicate_support) ||
        (residual_threshold > 0 && norms[t]! < residual_threshold);
      if (ends) return;
      rest.copyWithin(left.length * d_in, t * d_in, (t + 1) * d_in);
      left.push(latents);
    });
    r = rest.slice(0, left.length * d_in);
    for (const each of [values, rest, norms]) discard(each);
    going = left;
  }
  return found;
}

/** As many slots as the token with most latents has, at least 1; a token's largest first, of equal ones the lowest index. */
function laidOut(found: readonly Found[]): Record<string, HostTensor> {
  const k = found.reduce((most, { size }) => Math.max(most, size), 1);
  const values = new Float32Array(found.length * k);
  const indices = new Int32Array(found.length * k);
  found.forEach((latents, t) => {
    const sorted = [...latents].sort(([a, x], [b, y]) => y - x || a - b);
    for (const [slot, [latent, value]] of sorted.entries()) {
      indices[t * k + slot] = latent;
      values[t * k + slot] = value;
    }
  });
  return { values: float32(values, [found.length, k]), indices: int32(indices, [found.length, k]) };
}
