/**
 * Adam's moments in bfloat16 beside float32: explained variance at the end of trainings that see the same activations from the same
 * weights, several seeds; and processor time of a step, in pairs.
 *
 *     node test/bench/train-moments.ts [--seeds 4] [--steps 1500] [--rounds 9] [--shape 768/16384/64/2048]
 */
import { parseArgs } from 'node:util';
import { sparseCpuBackend } from '../../runner/train/backends/sparse-cpu/sparse-cpu.ts';
import { initialParameters } from '../../runner/train/init.ts';
import { freshState } from '../../runner/train/state.ts';
import { median } from './parts/median.ts';
import { activations, BATCHES, settingsOf, shapesOf, startOf } from './parts/training-shape.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '4' },
    steps: { type: 'string', default: '1500' },
    rounds: { type: 'string', default: '9' },
    shape: { type: 'string', default: '768/16384/64/2048' },
  },
});
const [seeds, steps, rounds] = [values.seeds, values.steps, values.rounds].map(Number) as [
  number,
  number,
  number,
];
const kinds = ['float32', 'bfloat16'] as const;

const small = { d_in: 64, d_sae: 1_024, k: 8, tokens: 256, dead: 0 };
const stream = activations({ ...small, tokens: (small.tokens * steps) / BATCHES });
const batch = small.tokens * small.d_in;
const last = Math.ceil(steps / 10);
const differences: number[] = [];
for (let seed = 0; seed < seeds; seed++) {
  const found: number[] = [];
  for (const adamMoments of kinds) {
    const settings = { ...settingsOf(small), biasInitSamples: small.tokens, seed, adamMoments };
    const start = initialParameters(
      settings,
      small.d_in,
      { layer: 0, site: 'resid_post' },
      stream.subarray(0, batch),
    );
    const session = await sparseCpuBackend({ threads: 2 }).init(settings, small.d_in, freshState(start));
    let [errors, spread] = [0, 0];
    for (let step = 0; step < steps; step++) {
      const learningRate = 1e-3 * Math.min(1, (step + 1) / 100) * Math.min(1, (5 * (steps - step)) / steps);
      const x = stream.subarray(step * batch, (step + 1) * batch);
      const result = await session.step(x, { learningRate, dead: new Int32Array(0) });
      if (step < steps - last) continue;
      errors += result.errorSquares;
      spread += result.centredSquares;
    }
    await session.close();
    found.push(1 - errors / spread);
  }
  differences.push(found[1]! - found[0]!);
  console.log(
    `seed ${seed}: var_exp of the last ${last} of ${steps} steps ${kinds.map((kind, i) => `${kind} ${found[i]!.toFixed(4)}`).join(', ')}, difference ${differences.at(-1)!.toFixed(4)}`,
  );
}
const mean = differences.reduce((sum, each) => sum + each, 0) / seeds;
console.log(
  `mean difference ${mean.toFixed(4)}, largest ${Math.max(...differences.map(Math.abs)).toFixed(4)}`,
);

const shape = shapesOf(values.shape)[0]!;
const x = activations(shape);
let [updating, since] = [0, process.cpuUsage()];
const backend = sparseCpuBackend({
  threads: 2,
  mark(part) {
    const { user, system } = process.cpuUsage(since);
    if (part === 'update') updating = (user + system) / 1_000;
    since = process.cpuUsage();
  },
});
const sessions = [];
for (const adamMoments of kinds)
  sessions.push(await backend.init({ ...settingsOf(shape), adamMoments }, shape.d_in, startOf(shape)));
const times: { all: number; update: number }[][] = [];
for (let round = -2; round < rounds; round++) {
  const pair: { all: number; update: number }[] = [];
  for (const session of sessions) {
    const before = process.cpuUsage();
    since = process.cpuUsage();
    await session.step(x.subarray(0, shape.tokens * shape.d_in), {
      learningRate: 2e-4,
      dead: new Int32Array(0),
    });
    const { user, system } = process.cpuUsage(before);
    pair.push({ all: (user + system) / 1_000, update: updating });
  }
  if (round >= 0) times.push(pair);
}
for (const session of sessions) await session.close();
for (const [i, kind] of kinds.entries()) {
  const of = (what: 'all' | 'update') => median(times.map((pair) => pair[i]![what])).toFixed(1);
  console.log(
    `${values.shape} with ${kind}: ${of('all')} ms of processor time a step, ${of('update')} of them Adam's update`,
  );
}
console.log(
  `float32 over bfloat16, in pairs: step ${median(times.map(([a, b]) => a!.all / b!.all)).toFixed(2)}x, update ${median(times.map(([a, b]) => a!.update / b!.update)).toFixed(2)}x`,
);
