/** Body of a crew's thread: takes part in every round, then sleeps until the next. */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { type CrewMessage, type CrewStart, words } from './crew.ts';
import { instantiate } from './kernels.ts';
import { phases, type Workplace, work } from './phases.ts';

const port = parentPort;
if (port === null) throw new Error('this file is the body of a worker thread');
const { control, module } = workerData as CrewStart;
const places = new Map<number, Workplace>();
// Read before the parent is told of this thread: no round can have begun.
let seen = Atomics.load(control, words.ROUND);
port.postMessage('ready');

for (;;) {
  Atomics.wait(control, words.ROUND, seen);
  if (Atomics.load(control, words.ROUND) === seen) continue;
  seen = Atomics.load(control, words.ROUND);
  try {
    // This thread never returns to its event loop, so messages are fetched.
    for (let found = receiveMessageOnPort(port); found !== undefined; found = receiveMessageOnPort(port)) {
      const message = found.message as CrewMessage;
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
