/** Body of the job's thread: runs the job and tells the main thread how it goes. */
import { parentPort, workerData } from 'node:worker_threads';
import { Stopped } from '../reporter.ts';
import { failureOf, type JobMessage, type JobStart } from './messages.ts';
import { runJob } from './run.ts';

const port = parentPort;
if (port === null) throw new Error('this file is the body of a worker thread');
const start = workerData as JobStart;
const stop = new Int32Array(start.stop);
const send = (message: JobMessage): void => port.postMessage(message);

try {
  await runJob(start, {
    progress: (progress) => send({ type: 'progress', progress }),
    note: (text) => send({ type: 'note', text }),
    stopRequested: () => Atomics.load(stop, 0) === 1,
  });
  send({ type: 'finished' });
} catch (error) {
  if (error instanceof Stopped) send({ type: 'stopped', text: error.message });
  else send(failureOf(error));
}
