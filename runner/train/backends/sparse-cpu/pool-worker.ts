/** Body of a thread of the worker pool: takes part in every round, then sleeps until the next. */
import { receiveMessageOnPort } from 'node:worker_threads';
import { serve, type Thread } from '../../../threads/body.ts';
import { instantiate } from './kernels.ts';
import { phases, type Workplace, work } from './phases.ts';
import { type PoolMessage, type PoolRequest, type PoolStart, words } from './worker-pool.ts';

function takePart({ control, module, port }: PoolStart, thread: Thread): void {
  // The asking thread is blocked in a round and receives no event of this thread's end: it reads this word.
  process.once('exit', () => {
    Atomics.store(control, words.FAILED, 1);
    Atomics.notify(control, words.DONE);
  });
  const places = new Map<number, Workplace>();
  // No round begins before all threads have said that they are ready.
  let seen = 0;
  while (!thread.stopRequested()) {
    Atomics.wait(control, words.ROUND, seen);
    if (Atomics.load(control, words.ROUND) === seen) continue;
    seen = Atomics.load(control, words.ROUND);
    if (thread.stopRequested()) break;
    try {
      // This thread does not return to its event loop, so messages are fetched.
      for (let found = receiveMessageOnPort(port); found !== undefined; found = receiveMessageOnPort(port)) {
        const message = found.message as PoolMessage;
        if (message.type === 'close') places.delete(message.id);
        else {
          const { memory, layout, settings } = message;
          places.set(message.id, { kernels: instantiate(module, memory), memory, layout, settings });
        }
      }
      work(phases[Atomics.load(control, words.PHASE)]!, places.get(Atomics.load(control, words.PLACE))!, () =>
        Atomics.add(control, words.NEXT, 1),
      );
    } catch {
      Atomics.store(control, words.FAILED, 1);
    }
    Atomics.add(control, words.DONE, 1);
    Atomics.notify(control, words.DONE);
  }
  port.close();
}

serve<PoolStart, PoolRequest, null>((start, thread) => ({
  async answer(request) {
    if (request === 'rounds') takePart(start, thread);
    return null;
  },
}));
