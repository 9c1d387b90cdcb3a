/**
 * Worker threads that share the phases of steps with the thread that asks. They sleep between phases (a spinning
 * thread would take a core from whoever else needs it); the asking thread blocks until a phase is done.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { CompiledKernels } from './kernels.ts';
import type { Layout } from './layout.ts';
import { type Phase, phases, type Settings, type Workplace, work } from './phases.ts';

/** Words of the block that all threads watch. */
export const words = { ROUND: 0, PLACE: 1, PHASE: 2, NEXT: 3, DONE: 4, FAILED: 5 } as const;

export interface CrewStart {
  control: Int32Array<SharedArrayBuffer>;
  module: WebAssembly.Module;
}

/** What a worker is told between rounds. */
export type CrewMessage =
  | { type: 'open'; id: number; memory: WebAssembly.Memory; layout: Layout; settings: Settings }
  | { type: 'close'; id: number };

export interface Crew {
  /** Makes an SAE known to the threads, under a number of its own. */
  open(place: Workplace): number;
  /** Does one phase, all threads together. */
  run(id: number, phase: Phase): void;
  close(id: number): void;
  end(): Promise<void>;
}

/** @param threads that work, the asking one included */
export async function openCrew(threads: number, { module }: CompiledKernels): Promise<Crew> {
  const control = new Int32Array(new SharedArrayBuffer(Object.keys(words).length * 4));
  const start: CrewStart = { control, module };
  const helpers = Array.from(
    { length: threads - 1 },
    () => new Worker(new URL('./crew-worker.ts', import.meta.url), { workerData: start }),
  );
  await Promise.all(helpers.map((helper) => once(helper, 'message')));
  for (const helper of helpers) helper.unref();
  const places = new Map<number, Workplace>();
  let last = 0;
  const tell = (message: CrewMessage): void => {
    for (const helper of helpers) helper.postMessage(message);
  };

  return {
    open(place) {
      last += 1;
      places.set(last, place);
      const { memory, layout, settings } = place;
      tell({ type: 'open', id: last, memory, layout, settings });
      return last;
    },
    run(id, phase) {
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
        if (done === helpers.length) break;
        Atomics.wait(control, words.DONE, done);
      }
      if (Atomics.load(control, words.FAILED) !== 0) throw new Error(`a thread of phase ${phase} failed`);
    },
    close(id) {
      places.delete(id);
      tell({ type: 'close', id });
    },
    async end() {
      await Promise.all(helpers.map((helper) => helper.terminate()));
    },
  };
}
