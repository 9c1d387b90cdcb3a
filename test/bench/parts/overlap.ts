/** What a language model's pass and an SAE's step take together, in turn and at once: runs take turns, so that both see the same machine. */
import type { LanguageModel, TokenBatch } from '../../../runner/lm/language-model.ts';
import type { HeldTensor } from '../../../runner/onnx/session.ts';
import { traffic, trafficSince } from '../../../runner/onnx/traffic.ts';
import type { TrainingSession } from '../../../runner/train/backends/backend.ts';
import { median } from './median.ts';

export interface Overlap {
  ways: { what: string; ms: number; given: number; taken: number }[];
  /** Of pairs of both ways: how often the time at once goes into that in turn, and how many pairs. */
  ratio: number;
  pairs: number;
}

/**
 * The activations of the model's hook stay where they are, and are what the step is given. At once means that the next pass is made beside
 * the step: a device whose runs do not leave the thread does one after the other all the same.
 */
export async function overlapOf(
  model: LanguageModel,
  batch: TokenBatch,
  session: TrainingSession,
  seconds: number,
): Promise<Overlap> {
  const rows = Int32Array.from({ length: batch.rows * batch.tokens }, (_, i) => i);
  const pass = async (): Promise<HeldTensor> => (await model.heldResiduals(batch))[0]!;
  const step = (tensor: HeldTensor) =>
    session.step({ tensor, rows, scale: 1 }, { learningRate: 1e-4, dead: new Int32Array(0) });
  let now = await pass();
  await step(now);
  const replaced = (next: HeldTensor): void => {
    now.dispose();
    now = next;
  };
  const ways = {
    'language model alone': async () => (await pass()).dispose(),
    'SAE step alone': async () => void (await step(now)),
    'both in turn': async () => {
      await step(now);
      replaced(await pass());
    },
    'both at once': async () => {
      const [next] = await Promise.all([pass(), step(now)]);
      replaced(next);
    },
  };
  const found = Object.entries(ways).map(([what, run]) => ({
    what,
    run,
    times: [] as number[],
    given: 0,
    taken: 0,
  }));
  const began = performance.now();
  for (let round = 0; round === 0 || performance.now() - began < 4_000 * seconds; round++) {
    // Each comes first as often.
    for (let i = 0; i < found.length; i++) {
      const way = found[(round + i) % found.length]!;
      const [before, start] = [traffic(), performance.now()];
      await way.run();
      way.times.push(performance.now() - start);
      const { given, taken } = trafficSince(before);
      way.given = given.bytes;
      way.taken = taken.bytes;
    }
  }
  now.dispose();
  const [turn, once] = found.slice(2).map(({ times }) => times) as [number[], number[]];
  return {
    ways: found.map(({ run: _, times, ...way }) => ({ ...way, ms: median(times) })),
    ratio: median(turn.map((time, i) => time / once[i]!)),
    pairs: turn.length,
  };
}
