/**
 * A process of its own for many cases of one format. The cases run in a thread, so that this one can watch over them:
 * what takes too long or too much is written out and the process ends; the parent goes on after that case.
 */
import { writeSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { runCases } from './cases.ts';
import { LIMITS } from './format.ts';
import { formats } from './formats/index.ts';

interface Given {
  name: string;
  seed: number;
  from: number;
  to: number;
  folder: string;
  /** [case that runs, counted from 1] */
  shared: SharedArrayBuffer;
}

/** What is written, a line each. */
export type Line =
  | {
      case: number;
      kind: 'read' | 'refused' | 'raw' | 'killed';
      cpu: number;
      memory: number;
      detail?: string;
    }
  | { done: true };

/** Waits where the reader is behind: the pipe takes no more, and says so with an error. */
function say(line: Line): void {
  for (let rest = Buffer.from(`${JSON.stringify(line)}\n`); rest.byteLength > 0; ) {
    try {
      rest = rest.subarray(writeSync(1, rest));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}

if (isMainThread) {
  const [name = '', seed = '', from = '', to = ''] = process.argv.slice(2);
  const folder = await mkdtemp(join(tmpdir(), 'interpboard-fuzz-'));
  const shared = new SharedArrayBuffer(4);
  const given: Given = { name, seed: Number(seed), from: Number(from), to: Number(to), folder, shared };
  const running = new Int32Array(shared);
  let [last, since, baseline] = [0, performance.now(), 0];
  const end = async (code: number): Promise<never> => {
    await rm(folder, { recursive: true, force: true });
    process.exit(code);
  };
  const killed = (detail: string): Promise<never> => {
    say({ case: Atomics.load(running, 0) - 1, kind: 'killed', cpu: 0, memory: 0, detail });
    return end(3);
  };
  setInterval(() => {
    const current = Atomics.load(running, 0);
    const memory = process.memoryUsage.rss() / 2 ** 20;
    if (current !== last) {
      [last, since, baseline] = [current, performance.now(), memory];
      return;
    }
    if (current === 0) return;
    if (performance.now() - since > LIMITS.patience) void killed(`more than ${LIMITS.patience} ms`);
    if (memory - baseline > 4 * LIMITS.memory) void killed(`${Math.round(memory - baseline)} MiB more`);
  }, 10);
  const worker = new Worker(new URL(import.meta.url), {
    workerData: given,
    resourceLimits: { maxOldGenerationSizeMb: 2_048 },
  });
  worker.on('error', (error) => void killed(`the thread ended: ${String(error).slice(0, 300)}`));
  worker.on('message', () => {
    say({ done: true });
    void end(0);
  });
} else {
  const { name, seed, from, to, folder, shared } = workerData as Given;
  const running = new Int32Array(shared);
  const format = formats.find((each) => each.name === name);
  if (format === undefined) throw new Error(`no format ${name}`);
  let peak = 0;
  let before = 0;
  const begin = (index: number): void => {
    peak = process.resourceUsage().maxRSS;
    before = process.memoryUsage.rss();
    Atomics.store(running, 0, index + 1);
  };
  for await (const { index, ...outcome } of runCases(format, folder, { seed, from, to }, begin)) {
    const now = process.resourceUsage().maxRSS;
    // The process's highest so far: a case that raised it took at least this.
    const memory = now > peak ? Math.max(0, now * 1024 - before) / 2 ** 20 : 0;
    const { kind, cpu, detail } = outcome;
    say({
      case: index,
      kind,
      cpu: Math.round(10 * cpu) / 10,
      memory: Math.round(memory),
      ...(detail === undefined ? {} : { detail }),
    });
  }
  parentPort?.postMessage('done');
}
