/**
 * Loss curves over 500 steps on the demo's activations (hook 2, the demo's recipe): sparse-cpu, graph, and with
 * INTERPBOARD_PYTHON the same recipe in PyTorch, in float32 and float64. The measure is the relative difference of the
 * loss, step by step: its median and its largest. Rounding grows while selections flip, so what two float32 programs may
 * differ by is what PyTorch's float32 differs by from its float64.
 *
 *     node test/bench/train-curves.ts [--steps 500] [--batches 50] [--threads 2]
 */
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { resolveRun } from '../../runner/config/resolve.ts';
import { demoModelFolder } from '../../runner/demo/index.ts';
import { hookOf } from '../../runner/hook.ts';
import { openActivationsHere } from '../../runner/job/training-data/activations.ts';
import { silent } from '../../runner/reporter.ts';
import type { TrainingBackend } from '../../runner/train/backends/backend.ts';
import { graphBackend } from '../../runner/train/backends/graph.ts';
import { sparseCpuBackend } from '../../runner/train/backends/sparse-cpu/sparse-cpu.ts';
import { deadClock } from '../../runner/train/dead-clock.ts';
import { initialParameters } from '../../runner/train/init.ts';
import { learningRate } from '../../runner/train/schedule.ts';
import { freshState, mapParameters } from '../../runner/train/state.ts';

const { values } = parseArgs({
  options: {
    steps: { type: 'string', default: '500' },
    batches: { type: 'string', default: '50' },
    threads: { type: 'string', default: '2' },
  },
});
const [steps, batches, threads] = [values.steps, values.batches, values.threads].map(Number) as [
  number,
  number,
  number,
];
const layer = 2;
const config = await resolveRun(['small-world'], {});
const recipe = {
  ...config.sae,
  scheduleSteps: steps,
  warmupSteps: Math.min(config.sae.warmupSteps, steps - 1),
};
const folder = await mkdtemp(join(tmpdir(), 'interpboard-curves-'));
try {
  const source = await openActivationsHere(
    {
      config,
      hooks: [hookOf(layer)],
      place: { folder: demoModelFolder, revision: null },
      folder,
      memory: 2 ** 31,
      saes: 0,
    },
    undefined,
    silent,
  );
  const passes: Float32Array[] = [];
  while (passes.length < batches) passes.push((await source.next()).activations.get(`L${layer}`)!);
  await source.close();
  const d_in = passes[0]!.length / recipe.batchTokens;
  const joined = new Float32Array(passes[0]!.length * batches);
  passes.forEach((pass, i) => {
    joined.set(pass, i * pass.length);
  });
  const initial = initialParameters(recipe, d_in, { layer, site: 'resid_post' }, joined);

  async function curve(backend: TrainingBackend): Promise<number[]> {
    const state = freshState(mapParameters(initial, (tensor) => tensor.slice()));
    const session = await backend.init(recipe, d_in, state);
    const clock = deadClock(recipe.dSae, recipe.deadThresholdTokens);
    const losses: number[] = [];
    for (let step = 0; step < steps; step++) {
      const result = await session.step(passes[step % batches]!, {
        learningRate: learningRate(recipe, step),
        dead: clock.dead(),
      });
      clock.advance(result.fired, recipe.batchTokens);
      losses.push(result.mse);
    }
    await session.close();
    return losses;
  }

  const curves: Record<string, number[]> = {
    'sparse-cpu': await curve(sparseCpuBackend({ threads })),
    graph: await curve(graphBackend({ threads })),
  };
  const python = process.env.INTERPBOARD_PYTHON;
  if (python === undefined) console.log('PyTorch: skipped; set INTERPBOARD_PYTHON to a Python with torch');
  else {
    const write = (name: string, data: Float32Array) => writeFile(join(folder, `${name}.f32`), data);
    await write('x', joined);
    for (const [name, data] of Object.entries(initial)) await write(name, data);
    const rates = Array.from({ length: steps }, (_, step) => learningRate(recipe, step));
    await writeFile(join(folder, 'job.json'), JSON.stringify({ ...recipe, d_in, batches, threads, rates }));
    const script = fileURLToPath(new URL('./parts/curves.py', import.meta.url));
    const { stdout, stderr, status } = spawnSync(python, [script, folder], { maxBuffer: 2 ** 26 });
    if (status !== 0) throw new Error(`curves.py: ${stderr.toString().slice(-2_000)}`);
    const found = JSON.parse(stdout.toString()) as { float32: number[]; float64: number[] };
    curves['PyTorch float32'] = found.float32;
    curves['PyTorch float64'] = found.float64;
  }
  print(curves);
} finally {
  await rm(folder, { recursive: true, force: true });
}

function print(curves: Record<string, number[]>): void {
  const names = Object.keys(curves);
  const shown = [1, 2, 5, 10, 20, 50, 100, 200, 300, 400, 500].filter((step) => step <= steps);
  console.log(`mean squared error of the batch, before the step\n${'step'.padStart(6)}${row(names)}`);
  for (const step of shown) {
    const cells = names.map((name) => curves[name]![step - 1]!.toPrecision(7));
    console.log(String(step).padStart(6) + row(cells));
  }
  console.log('\nrelative difference of the loss over all steps: median, largest');
  for (const [i, a] of names.entries()) {
    for (const b of names.slice(i + 1)) {
      const differences = curves[a]!.map((loss, step) => Math.abs(loss / curves[b]![step]! - 1)).sort(
        (x, y) => x - y,
      );
      const [median, largest] = [differences[steps >> 1]!, differences.at(-1)!];
      console.log(`${`${a} and ${b}`.padEnd(40)} ${median.toExponential(1)}  ${largest.toExponential(1)}`);
    }
  }
}

function row(cells: readonly string[]): string {
  return cells.map((text) => text.padStart(17)).join('');
}
