/**
 * A pool of worker threads that share the phases of training steps with the thread that asks. They sleep between phases
 * (a spinning thread would take a core from other work); the asking thread blocks until a phase is done.
 */
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { type Link, openLink } from '../../../threads/link.ts';
import type { CompiledKernels } from './kernels.ts';
import type { Layout } from './layout.ts';
import { type Phase, phases, type Settings, type Workplace, work } from './phases.ts';

/** Words of the block that all threads watch. */
export const words = { ROUND: 0, PLACE: 1, PHASE: 2, NEXT: 3, DONE: 4, FAILED: 5 } as const;

export interface PoolStart {
  control: Int32Array<SharedArrayBuffer>;
  module: WebAssembly.Module;
  /** Where messages come between rounds. */
  port: MessagePort;
}

/** Whether a thread is there, and then to take part in rounds until it is asked to stop. */
export type PoolRequest = 'ready' | 'rounds';

/** What a thread is told between rounds. */
export type PoolMessage =
  | { type: 'open'; id: number; memory: WebAssembly.Memory; layout: Layout; settings: Settings }
  | { type: 'close'; id: number };

export interface WorkerPool {
  /** Makes an SAE known to the threads, under a number of its own. */
  open(place: Workplace): number;
  /**
   * Does one phase, all threads together.
   *
   * @throws what a thread failed or died of
   */
  run(id: number, phase: Phase): void;
  close(id: number): void;
  end(): Promise<void>;
}

interface Helper {
  link: Link<PoolRequest, null>;
  port: MessagePort;
}

/**
 * @param threads that work, the asking one included
 * @param body of the threads; for tests
 * @throws UnavailableError when the system refuses a thread
 */
export async function openWorkerPool(
  threads: number,
  { module }: Pick<CompiledKernels, 'module'>,
  body = new URL('./pool-worker.ts', import.meta.url),
): Promise<WorkerPool> {
  const control = new Int32Array(new SharedArrayBuffer(Object.keys(words).length * 4));
  const helpers: Helper[] = [];
  const end = async (): Promise<void> => {
    const closing = helpers.map(({ link }) => link.close());
    // They have been asked to stop: wakes them to see it.
    Atomics.add(control, words.ROUND, 1);
    Atomics.notify(control, words.ROUND);
    await Promise.all(closing);
    for (const { port } of helpers) port.close();
  };
  try {
    while (helpers.length < threads - 1) helpers.push(openHelper(control, module, body));
    await Promise.all(helpers.map(({ link }) => link.request('ready')));
  } catch (error) {
    await end();
    throw error;
  }
  // Answered when they end.
  for (const { link } of helpers) link.request('rounds').catch(() => undefined);
  const places = new Map<number, Workplace>();
  let last = 0;
  const tell = (message: PoolMessage): void => {
    for (const { port } of helpers) port.postMessage(message);
  };
  function check(phase: Phase): void {
    const gone = helpers.find(({ link }) => link.gone !== undefined)?.link.gone;
    if (gone !== undefined) throw gone;
    if (Atomics.load(control, words.FAILED) !== 0) throw new Error(`a thread of phase ${phase} failed`);
  }

  return {
    open(place) {
      last += 1;
      places.set(last, place);
      const { memory, layout, settings } = place;
      tell({ type: 'open', id: last, memory, layout, settings });
      return last;
    },
    run(id, phase) {
      check(phase);
      const place = places.get(id)!;
      Atomics.store(control, words.PLACE, id);
      Atomics.store(control, words.PHASE, phases.indexOf(phase));
      Atomics.store(control, words.NEXT, 0);
      Atomics.store(control, words.DONE, 0);
      Atomics.add(control, words.ROUND, 1);
      Atomics.notify(control, words.ROUND);
      work(phase, place, () => Atomics.add(control, words.NEXT, 1));
      for (;;) {
        const done = Atomics.load(control, words.DONE);
        if (done === helpers.length || Atomics.load(control, words.FAILED) !== 0) break;
        Atomics.wait(control, words.DONE, done, FAILED_LOOK_MS);
      }
      check(phase);
    },
    close(id) {
      places.delete(id);
      tell({ type: 'close', id });
    },
    end,
  };
}

/** A thread that ends between the look at FAILED and the wait for DONE is seen after so long. */
const FAILED_LOOK_MS = 1_000;

function openHelper(control: PoolStart['control'], module: WebAssembly.Module, body: URL): Helper {
  const { port1, port2 } = new MessageChannel();
  port1.unref();
  const link: Helper['link'] = openLink<PoolStart, PoolRequest, null>({
    name: 'a thread of sparse-cpu',
    body,
    start: { control, module, port: port2 },
    transfer: [port2],
    background: true,
  });
  return { link, port: port1 };
}
