/**
 * Time of one training step at the demo's size (d_in 128, 1,024 latents, k 32, 2,048 tokens), without AuxK and with
 * AuxK on various numbers of dead latents. Cases take turns, so that a busy machine troubles all alike; medians.
 *
 *     node test/bench/train.ts [--threads 2] [--rounds 25]
 */
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { random } from '../../runner/math/random.ts';
import { graphBackend } from '../../runner/train/backends/graph.ts';
import { initialParameters } from '../../runner/train/init.ts';
import { recipe } from '../../runner/train/recipe.ts';
import { freshState } from '../../runner/train/state.ts';
import { median } from './parts/median.ts';

const { values } = parseArgs({
  options: { threads: { type: 'string', default: '2' }, rounds: { type: 'string', default: '25' } },
});
const threads = Number(values.threads);
const rounds = Number(values.rounds);

const d_in = 128;
const settings = recipe.parse({ dSae: 1_024, k: 32, kAux: 64, biasInitSamples: 2_048 });
const stream = random('bench');
const x = Float32Array.from({ length: settings.batchTokens * d_in }, () => stream.gaussian());
const backend = graphBackend({ threads });

const cases = await Promise.all(
  [0, 64, 200, 400].map(async (dead) => {
    const parameters = initialParameters(settings, d_in, { layer: 0, site: 'resid_post' }, x);
    return {
      title: dead === 0 ? 'AuxK not active' : `AuxK over ${dead} dead latents`,
      dead: Int32Array.from({ length: dead }, (_, j) => j),
      session: await backend.init(settings, d_in, freshState(parameters)),
      times: [] as number[],
    };
  }),
);

const WARM_UP = 3;
for (let round = -WARM_UP; round < rounds; round++) {
  for (const { session, dead, times } of cases) {
    const start = performance.now();
    await session.step(x, { learningRate: 1e-4, dead });
    if (round >= 0) times.push(performance.now() - start);
  }
}

console.log(
  `${cpus()[0]?.model ?? 'unknown processor'}, ${threads} of ${cpus().length} threads, ${rounds} rounds`,
);
for (const { title, times, session } of cases) {
  times.sort((a, b) => a - b);
  const middle = median(times);
  const rate = Math.round((settings.batchTokens / middle) * 1_000).toLocaleString('en');
  console.log(
    `${title.padEnd(30)} ${middle.toFixed(1).padStart(6)} ms/step (fastest ${times[0]!.toFixed(1)}), ${rate} tokens/s`,
  );
  await session.close();
}
