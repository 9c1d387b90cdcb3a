/**
 * Run in a process of its own, which a wrong lifetime would end: what threads and sessions leave behind in it. Arguments: the case, the
 * binding, and `aside` where its sessions run so. With `--expose-gc`.
 */
import { once } from 'node:events';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import type { BindingName } from '../../../runner/onnx/binding/binding.ts';
import { Graph } from '../../../runner/onnx/graph.ts';
import {
  float32,
  floatsOf,
  type HeldTensor,
  openHoldingSession,
  runtimeVersion,
} from '../../../runner/onnx/session.ts';

/** Of all sessions here. */
const aside = isMainThread ? process.argv[4] === 'aside' : (workerData as { aside: boolean }).aside;

const WIDTH = 64;
const TOKENS = 512;

/** y = (x · w) · 0 + x + 1, with products that take threads some time. */
async function open(binding: BindingName) {
  const graph = new Graph();
  const x = graph.input('x', 'float32', ['n', WIDTH]);
  const w = graph.floats(new Float32Array(WIDTH * WIDTH).fill(1), [WIDTH, WIDTH]);
  const nothing = graph.node('Mul', [graph.node('MatMul', [x, w]), graph.scalar(0)]);
  graph.output(
    graph.node('Add', [graph.node('Add', [nothing, x]), graph.scalar(1)]),
    ...(['y', 'float32', ['n', WIDTH]] as const),
  );
  return openHoldingSession(graph.program(), { binding, aside, threads: 2 }, ['y']);
}

/** @param tidy whether what is held is given back step by step */
async function steps(session: Awaited<ReturnType<typeof open>>, count: number, tidy = true): Promise<number> {
  let x: HeldTensor | undefined;
  const start = float32(new Float32Array(TOKENS * WIDTH), [TOKENS, WIDTH]);
  for (let step = 0; step < count; step++) {
    const { y } = (await session.run({ x: x ?? start })).held;
    if (tidy) x?.dispose();
    x = y!;
    if (step % 10 === 0) globalThis.gc?.();
  }
  return floatsOf({ x: await x!.read() }, 'x')[0]!;
}

async function assertSteps(binding: BindingName): Promise<void> {
  const session = await open(binding);
  if ((await steps(session, 50)) !== 50) throw new Error('wrong');
  await session.close();
}

/** What may come and go for other reasons: the heap of JavaScript, the allocator's own. */
const ROOM = 32 << 20;

/** Steps that keep one tensor and read another, 32 KiB each, leave no memory behind. */
async function flat(binding: BindingName, count: number): Promise<void> {
  const graph = new Graph();
  const x = graph.input('x', 'float32', [128, 64]);
  const y = graph.node('Add', [x, graph.scalar(1)]);
  for (const name of ['next', 'read']) graph.output(y, name, 'float32', [128, 64]);
  const session = await openHoldingSession(graph.program(), { binding, aside, threads: 1 }, ['next']);
  let state: HeldTensor | undefined;
  const start = float32(new Float32Array(128 * 64), [128, 64]);
  let before = 0;
  for (let step = 0; step <= count; step++) {
    const { held } = await session.run({ x: state ?? start });
    state?.dispose();
    state = held.next!;
    if (step === count / 2) before = resident();
  }
  const more = resident() - before;
  await session.close();
  if (more > ROOM) throw new Error(`${more} bytes more after ${count} steps`);
}

function resident(): number {
  globalThis.gc?.();
  return process.memoryUsage.rss();
}

type Ending = 'closed' | 'open' | 'endless';

function thread(binding: BindingName, ending: Ending): Worker {
  return new Worker(new URL(import.meta.url), { workerData: { binding, ending, aside } });
}

async function ended(worker: Worker): Promise<void> {
  const [code] = (await once(worker, 'exit')) as [number];
  if (code !== 0) throw new Error(`a thread ended with ${code}`);
}

const cases: Record<string, (binding: BindingName) => Promise<void>> = {
  flat: (binding) => flat(binding, 4_000),
  'flat for long': (binding) => flat(binding, 100_000),
  /** What nothing refers to is collected between the runs. */
  async collected(binding) {
    await runtimeVersion();
    // Before the first session: its threads would keep the library from being closed.
    for (let turn = 0; turn < 5; turn++) {
      globalThis.gc?.();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    for (let round = 0; round < 3; round++) await assertSteps(binding);
    const session = await open(binding);
    await steps(session, 50, false);
    await session.close();
  },
  /** The only threads that used the runtime end before another one, and the main thread, use it. */
  async threads(binding) {
    for (const ending of ['closed', 'open', 'closed', 'open'] as const) await ended(thread(binding, ending));
    globalThis.gc?.();
    await assertSteps(binding);
  },
  /** Threads are ended while they run. */
  async terminated(binding) {
    for (let round = 0; round < 3; round++) {
      const workers = [thread(binding, 'endless'), thread(binding, 'endless')];
      await Promise.all(workers.map((worker) => once(worker, 'message')));
      await new Promise((resolve) => setTimeout(resolve, 20 * round));
      await Promise.all(workers.map((worker) => worker.terminate()));
    }
    await assertSteps(binding);
  },
  /** The process ends with sessions open here and in threads, one of them at work. */
  async exit(binding) {
    const session = await open(binding);
    await steps(session, 20, false);
    const workers = [thread(binding, 'endless'), thread(binding, 'endless')];
    await Promise.all(workers.map((worker) => once(worker, 'message')));
    process.stdout.write('right', () => process.exit(0));
    await steps(session, 100_000);
  },
};

if (isMainThread) {
  const [title, binding] = process.argv.slice(2) as [string, BindingName];
  process.env.INTERPBOARD_RUNTIME = binding;
  await cases[title]!(binding);
  console.log('right');
} else {
  const { binding, ending } = workerData as { binding: BindingName; ending: Ending };
  const session = await open(binding);
  if ((await steps(session, 20)) !== 20) throw new Error('wrong');
  parentPort!.postMessage('running');
  if (ending === 'endless') await steps(session, 100_000);
  if (ending === 'closed') await session.close();
}
