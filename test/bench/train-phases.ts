/**
 * Where a training step on a CPU spends its time: for each part processor time, the bytes that the algorithm reads and writes there,
 * their rate beside that of STREAM's triad in the same run, and of products the rate of operations. Processor time, of all threads,
 * because on a machine that others use the clock counts their work too; a rate is that of one thread. Rows that are read
 * again count again, so a part whose rows lie in a cache can exceed memory's rate.
 *
 *     node test/bench/train-phases.ts [--threads 2] [--rounds 9] [--shapes 512/8192/32/2048,...]
 */
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import type { Part } from '../../runner/train/backends/sparse-cpu/dense.ts';
import { BIAS_COLUMNS, padded, SCREEN_TOKENS } from '../../runner/train/backends/sparse-cpu/layout.ts';
import { sparseCpuBackend } from '../../runner/train/backends/sparse-cpu/sparse-cpu.ts';
import { median } from './parts/median.ts';
import type { Shape } from './parts/peer.ts';
import { threadBandwidth } from './parts/stream.ts';
import { activations, BATCHES, settingsOf, shapesOf, startOf } from './parts/training-shape.ts';

const { values } = parseArgs({
  options: {
    threads: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '9' },
    shapes: { type: 'string', default: '512/8192/32/2048,768/16384/64/2048,2048/16384/64/2048' },
  },
});
const [threads, rounds] = [Number(values.threads), Number(values.rounds)];
const WARM_UP = 3;

console.log(`${cpus()[0]?.model ?? 'unknown processor'}, ${threads} of ${cpus().length} threads`);
const bandwidth = await threadBandwidth();
console.log(`STREAM triad, one thread: ${bandwidth.toFixed(1)} GB/s`);
for (const shape of shapesOf(values.shapes)) await profile(shape);

async function profile(shape: Shape): Promise<void> {
  const { d_in, d_sae, k, tokens } = shape;
  /** Processor ms by part, of each step. */
  const steps: Map<Part, number>[] = [];
  let parts = new Map<Part, number>();
  let computed = 0;
  let last = process.cpuUsage();
  const mark = (part: Part, count = 0): void => {
    const { user, system } = process.cpuUsage(last);
    parts.set(part, (parts.get(part) ?? 0) + (user + system) / 1_000);
    computed += count;
    last = process.cpuUsage();
  };
  const x = activations(shape);
  const session = await sparseCpuBackend({ threads, mark }).init(settingsOf(shape), d_in, startOf(shape));
  const dead = Int32Array.from({ length: shape.dead }, (_, j) => j);
  let touched = 0;
  try {
    for (let round = -WARM_UP; round < rounds; round++) {
      const from = ((round + WARM_UP) % BATCHES) * tokens * d_in;
      parts = new Map();
      if (round === 0) computed = 0;
      last = process.cpuUsage();
      const { fired } = await session.step(x.subarray(from, from + tokens * d_in), {
        learningRate: 2e-4,
        dead,
      });
      if (round < 0) continue;
      steps.push(parts);
      for (const j of dead) fired[j] = 1;
      touched += fired.reduce((sum, each) => sum + each, 0);
    }
  } finally {
    await session.close();
  }
  const all = median(steps.map((step) => [...step.values()].reduce((sum, ms) => sum + ms, 0)));
  const again = computed / rounds;
  const withGradient = touched / rounds;
  console.log(
    `\nd ${d_in}, n ${d_sae}, k ${k}, ${tokens} tokens, ${shape.dead} dead: ${all.toFixed(0)} ms of processor time; ` +
      `${(again / tokens).toFixed(0)} latents of a token computed again, ${Math.round(withGradient)} with a gradient`,
  );
  console.log(row(['', 'ms', 'of all', 'MB', 'GB/s', 'of triad', 'Gop/s']));
  for (const part of steps[0]!.keys()) {
    const ms = median(steps.map((step) => step.get(part) ?? 0));
    const { bytes, operations } = workOf(part, shape, again, withGradient);
    const rate = bytes / ms / 1e6;
    console.log(
      row([
        part,
        ms.toFixed(1),
        `${((100 * ms) / all).toFixed(1)} %`,
        (bytes / 1e6).toFixed(0),
        rate.toFixed(1),
        `${((100 * rate) / bandwidth).toFixed(0)} %`,
        operations === 0 ? '' : (operations / ms / 1e6).toFixed(0),
      ]),
    );
  }
}

function row(cells: readonly string[]): string {
  return cells.map((cell, i) => (i === 0 ? cell.padEnd(18) : cell.padStart(10))).join('');
}

/**
 * Bytes that a part reads and writes of arrays, each time it does, and the products' operations (a multiplication and an
 * addition are two).
 *
 * @param again latents that the screen computed again, summed over the tokens
 * @param touched latents with a gradient
 */
function workOf(
  part: Part,
  { d_in, d_sae, k, tokens, dead }: Shape,
  again: number,
  touched: number,
): { bytes: number; operations: number } {
  const row = 4 * padded(d_in);
  const copy = padded(d_in) + BIAS_COLUMNS;
  const blocks = Math.ceil(tokens / SCREEN_TOKENS);
  const matrix = d_sae * row;
  const batch = tokens * row;
  const moved = (bytes: number, operations = 0) => ({ bytes, operations });
  switch (part) {
    case 'centre':
      return moved(2 * batch);
    case 'quantise-tokens':
      return moved(batch + tokens * copy);
    case 'quantise-latents':
      return moved(matrix + d_sae * copy);
    case 'int8 product':
      return moved(blocks * d_sae * copy + tokens * (copy + d_sae), 2 * tokens * d_sae * copy);
    case 'float32 product':
      return moved(matrix + batch, 2 * tokens * d_sae * d_in);
    case 'nominate':
      return moved(tokens * d_sae + 4 * again);
    case 'score':
      return moved(blocks * matrix + again * row, 2 * again * d_in);
    case 'choose':
      return moved(8 * again);
    case 'refine':
      return moved(tokens * k * row);
    case 'AuxK encoder':
      return moved(batch + dead * row + 4 * tokens * dead, 2 * tokens * dead * d_in);
    case 'order':
      return moved(12 * tokens * k);
    case 'decode':
      return moved(tokens * k * row + 3 * batch);
    case 'keep':
      return moved(8 * tokens * dead);
    case 'AuxK gradients':
      return moved(4 * batch + 3 * dead * row + 8 * tokens * dead, 8 * tokens * dead * d_in);
    case 'collect':
      return moved(2 * tokens * k * row + 3 * touched * row);
    case 'update':
      return moved(12 * matrix + 2 * touched * row);
    case 'alone':
      return moved(2 * batch + 8 * tokens * dead + 4 * dead * row);
    default:
      return part satisfies never;
  }
}
