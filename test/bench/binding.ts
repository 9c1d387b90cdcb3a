/**
 * onnxruntime through its C API and through its package's own JavaScript, by turns in one process, in processor time: a call of one
 * number, a tensor of 16 MiB that goes round, a training step at the demo's size, and a forward pass of the embedded model.
 *
 *     node test/bench/binding.ts [--threads 1] [--rounds 15]
 */
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { random } from '../../runner/math/random.ts';
import { type BindingName, bindingNames } from '../../runner/onnx/binding/binding.ts';
import { Graph } from '../../runner/onnx/graph.ts';
import {
  float32,
  floatsOf,
  type HeldTensor,
  openHoldingSession,
  openSession,
} from '../../runner/onnx/session.ts';
import { graphBackend } from '../../runner/train/backends/graph.ts';
import { initialParameters } from '../../runner/train/init.ts';
import { recipe } from '../../runner/train/recipe.ts';
import { freshState } from '../../runner/train/state.ts';
import { median } from './parts/median.ts';

const { values } = parseArgs({
  options: { threads: { type: 'string', default: '1' }, rounds: { type: 'string', default: '15' } },
});
const threads = Number(values.threads);
const rounds = Number(values.rounds);
const stream = random('bench');

interface Case {
  times: number;
  work(): Promise<void>;
  close(): Promise<void>;
}

function addOne(count: number) {
  const graph = new Graph();
  graph.output(graph.node('Add', [graph.input('x', 'float32', [count]), graph.scalar(1)]), 'y', 'float32', [
    count,
  ]);
  return graph.program();
}

const LARGE = 1 << 22;

const cases: Record<string, (binding: BindingName) => Promise<Case>> = {
  async 'a call of one number'(binding) {
    const session = await openSession(addOne(1), { binding, threads });
    const x = float32(new Float32Array(1), [1]);
    return { times: 2_000, work: async () => void (await session.run({ x })), close: () => session.close() };
  },
  async '16 MiB by the host'(binding) {
    const session = await openSession(addOne(LARGE), { binding, threads });
    let x = new Float32Array(LARGE);
    const work = async () => {
      x = floatsOf(await session.run({ x: float32(x, [LARGE]) }), 'y') as typeof x;
    };
    return { times: 4, work, close: () => session.close() };
  },
  async '16 MiB that stay'(binding) {
    const session = await openHoldingSession(addOne(LARGE), { binding, threads }, ['y']);
    let x: HeldTensor = (await session.run({ x: float32(new Float32Array(LARGE), [LARGE]) })).held.y!;
    const work = async () => {
      const { held } = await session.run({ x });
      x.dispose();
      x = held.y!;
    };
    return { times: 4, work, close: () => session.close() };
  },
  'a training step (128/1,024/32, 2,048 tokens)': (binding) => training(binding, 128, 1_024, 2_048),
  'a training step (512/8,192/32, 256 tokens)': (binding) => training(binding, 512, 8_192, 256),
};

async function training(
  binding: BindingName,
  d_in: number,
  dSae: number,
  batchTokens: number,
): Promise<Case> {
  const settings = recipe.parse({ dSae, k: 32, kAux: 64, batchTokens, biasInitSamples: batchTokens });
  const x = Float32Array.from({ length: batchTokens * d_in }, () => stream.gaussian());
  const parameters = initialParameters(settings, d_in, { layer: 0, site: 'resid_post' }, x);
  const session = await graphBackend({ threads, binding }).init(settings, d_in, freshState(parameters));
  const step = { learningRate: 1e-4, dead: new Int32Array(0) };
  return { times: 1, work: async () => void (await session.step(x, step)), close: () => session.close() };
}

const WARM_UP = 2;
console.log(
  `${cpus()[0]?.model ?? 'unknown processor'}, ${threads} threads, ${rounds} rounds; processor time`,
);
for (const [title, make] of Object.entries(cases)) {
  const runs = await Promise.all(
    bindingNames.map(async (name) => ({ name, ...(await make(name)), found: [] as number[] })),
  );
  for (let round = -WARM_UP; round < rounds; round++) {
    for (const { times, work, found } of runs) {
      const start = process.cpuUsage();
      for (let each = 0; each < times; each++) await work();
      const { user, system } = process.cpuUsage(start);
      if (round >= 0) found.push((user + system) / 1_000 / times);
    }
  }
  const [ours, theirs] = runs.map(({ found }) => median(found.toSorted((a, b) => a - b)));
  const ratios = runs[0]!.found.map((one, round) => runs[1]!.found[round]! / one).toSorted((a, b) => a - b);
  console.log(
    `${title.padEnd(46)} C API ${ours!.toFixed(3)} ms, JavaScript ${theirs!.toFixed(3)} ms: ${median(ratios).toFixed(2)} times`,
  );
  for (const { close } of runs) await close();
}
