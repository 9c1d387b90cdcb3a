/**
 * A training step of ours (also with the encoder's product in float32 alone, not screened in int8) and of SAELens,
 * dictionary_learning and sparsify: each their own trainer's step on PyTorch CPU, float32, the same activations, batch,
 * sizes and number of threads, AuxK on over the same number of dead latents (as many as dimensions, kAux half of that).
 * Ours and the other's step take turns; medians, and the median of the ratios of neighbours. sparsify runs its own path for machines without a GPU (embedding_bag), all three torch.optim.Adam.
 *
 *     INTERPBOARD_PYTHON=python npm run bench -- train-peers
 *     node test/bench/train-peers.ts [--threads 2] [--rounds 9] [--shapes 512/8192/32/2048,...] [--peers sparsify,...] [--no-growth]
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { TrainingBackend } from '../../runner/train/backends/backend.ts';
import { graphBackend } from '../../runner/train/backends/graph.ts';
import { sizesOf } from '../../runner/train/backends/sparse-cpu/layout.ts';
import { exactLimit, int8Share } from '../../runner/train/backends/sparse-cpu/screen-choice.ts';
import { sparseCpuBackend } from '../../runner/train/backends/sparse-cpu/sparse-cpu.ts';
import { median } from './parts/median.ts';
import { openPeer, peers, type Shape, type StepTime } from './parts/peer.ts';
import { activations, BATCHES, settingsOf, shapesOf, startOf } from './parts/training-shape.ts';

const { values } = parseArgs({
  allowNegative: true,
  options: {
    threads: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '9' },
    shapes: { type: 'string', default: '512/8192/32/2048,768/16384/64/2048,2048/16384/64/2048' },
    peers: { type: 'string', default: peers.join() },
    growth: { type: 'boolean', default: true },
  },
});
const threads = Number(values.threads);
const rounds = Number(values.rounds);
const WARM_UP = 3;
/** Between turns: PyTorch's threads look for work for a while after a step. */
const PAUSE = 30;

const shapes = shapesOf(values.shapes);

console.log(`${cpus()[0]?.model ?? 'unknown processor'}, ${threads} of ${cpus().length} threads, float32`);
const python = process.env.INTERPBOARD_PYTHON;
if (python === undefined) {
  console.log(
    'peers: skipped; set INTERPBOARD_PYTHON to a Python with torch, sae-lens, dictionary-learning and eai-sparsify',
  );
}
const folder = await mkdtemp(join(tmpdir(), 'interpboard-bench-'));
try {
  for (const shape of shapes) await compare(shape);
  await growth();
} finally {
  await rm(folder, { recursive: true, force: true });
}

/** One shape against every peer, and against the graph. */
async function compare(shape: Shape): Promise<void> {
  const { d_in, d_sae, k, tokens, dead } = shape;
  console.log(`\nd ${d_in}, n ${d_sae}, k ${k}, ${tokens} tokens, ${dead} dead latents, kAux ${d_in / 2}`);
  console.log(
    `${''.padEnd(22)}${['ms', 'tokens/s', 'CPU ms', 'ratio', 'CPU ratio'].map((text) => text.padStart(11)).join('')}`,
  );
  const limit = await exactLimit();
  const share = limit === null ? null : await int8Share(sizesOf(settingsOf(shape), d_in), threads);
  console.log(
    share === null
      ? 'int8 sums are not exact here: nothing is screened'
      : `int8 sums are exact to ±${limit}; that product takes ${share.toFixed(2)} of the float32 one's time`,
  );
  const x = activations(shape);
  const ours = await stepper(sparseCpuBackend({ threads }), shape, x);
  try {
    const others = [
      ['float32 product', sparseCpuBackend({ threads, screened: 'never' })],
      ['graph', graphBackend({ threads })],
    ] as const;
    for (const [name, backend] of others) {
      const other = await stepper(backend, shape, x);
      await pairs(name, ours.step, other.step, tokens);
      await other.close();
    }
    if (python === undefined) return;
    const file = join(folder, 'activations.f32');
    await writeFile(file, x);
    for (const name of peers.filter((each) => values.peers.split(',').includes(each))) {
      const peer = await openPeer(python, name, file, shape, threads);
      try {
        await pairs(name, ours.step, () => peer.step(), tokens);
      } finally {
        peer.end();
      }
    }
  } finally {
    await ours.close();
  }
}

async function pairs(
  name: string,
  ours: () => Promise<StepTime>,
  theirs: () => Promise<StepTime>,
  tokens: number,
): Promise<void> {
  const times: [StepTime, StepTime][] = [];
  for (let round = -WARM_UP; round < rounds; round++) {
    const first = await ours();
    await setTimeout(PAUSE);
    const second = await theirs();
    await setTimeout(PAUSE);
    if (round >= 0) times.push([first, second]);
  }
  for (const [i, title] of ['sparse-cpu', name].entries()) {
    const mine = times.map((pair) => pair[i]!);
    const ms = median(mine.map(({ milliseconds }) => milliseconds));
    const cells = [
      ms.toFixed(1),
      Math.round((1_000 * tokens) / ms).toLocaleString('en'),
      median(mine.map(({ cpu }) => cpu)).toFixed(0),
      ...(i === 0
        ? []
        : [
            `${median(times.map(([a, b]) => b.milliseconds / a.milliseconds)).toFixed(2)}x`,
            `${median(times.map(([a, b]) => b.cpu / a.cpu)).toFixed(2)}x`,
          ]),
    ];
    console.log(
      `${(i === 0 ? `  ${title}` : title).padEnd(22)}${cells.map((text) => text.padStart(11)).join('')}`,
    );
  }
}

/** Tokens a second against n and against k, AuxK not active. */
async function growth(): Promise<void> {
  if (!values.growth) return;
  const base = { d_in: 512, d_sae: 8_192, k: 32, tokens: 2_048, dead: 0 };
  for (const [what, list] of [
    ['n', [2_048, 4_096, 8_192, 16_384].map((d_sae) => ({ ...base, d_sae }))],
    ['k', [16, 32, 64, 128, 256].map((k) => ({ ...base, k }))],
  ] as const) {
    console.log(`\ntokens/s against ${what}, d 512, 2,048 tokens${what === 'n' ? ', k 32' : ', n 8,192'}`);
    for (const shape of list) {
      const x = activations(shape);
      const cells: string[] = [];
      for (const backend of [sparseCpuBackend({ threads }), graphBackend({ threads })]) {
        const { step, close } = await stepper(backend, shape, x);
        const times: number[] = [];
        for (let round = -2; round < rounds; round++) {
          const { milliseconds } = await step();
          if (round >= 0) times.push(milliseconds);
        }
        await close();
        cells.push(
          `${backend.name} ${Math.round((1_000 * shape.tokens) / median(times)).toLocaleString('en')}`,
        );
      }
      console.log(
        `  ${what} ${String(what === 'n' ? shape.d_sae : shape.k).padStart(6)}: ${cells.join(', ')}`,
      );
    }
  }
}

async function stepper(backend: TrainingBackend, shape: Shape, x: Float32Array) {
  const { d_in } = shape;
  const session = await backend.init(settingsOf(shape), d_in, startOf(shape));
  const dead = Int32Array.from({ length: shape.dead }, (_, j) => j);
  let at = 0;
  return {
    async step(): Promise<StepTime> {
      const from = (at++ % BATCHES) * shape.tokens * d_in;
      const cpu = process.cpuUsage();
      const start = performance.now();
      await session.step(x.subarray(from, from + shape.tokens * d_in), { learningRate: 2e-4, dead });
      const milliseconds = performance.now() - start;
      const { user, system } = process.cpuUsage(cpu);
      return { milliseconds, cpu: (user + system) / 1_000 };
    },
    close: () => session.close(),
  };
}
