/** Body of the job's thread: runs the job and tells the main thread how it goes. */
import { parentPort, workerData } from 'node:worker_threads';
import { Stopped, stageReporter } from '../reporter.ts';
import { failureOf, type JobMessage, type JobStart } from './messages.ts';
import { overfitJob } from './overfit-job.ts';
import { type JobVoice, runJob } from './run.ts';

const port = parentPort;
if (port === null) throw new Error('this file is the body of a worker thread');
const start = workerData as JobStart;
const stop = new Int32Array(start.stop);
const send = (message: JobMessage): void => port.postMessage(message);

const voice: JobVoice = {
  progress: (progress) => send({ type: 'progress', progress }),
  note: (text) => send({ type: 'note', text }),
  stopRequested: () => Atomics.load(stop, 0) === 1,
};

/** Whether what was asked for went well to its end. */
async function work(): Promise<boolean> {
  switch (start.task) {
    case 'run':
      await runJob(start, voice);
      return true;
    case 'overfit-one-batch':
      return overfitJob(
        start,
        stageReporter('one batch', 'steps', voice.progress, voice.note, voice.stopRequested),
      );
    default:
      return start.task satisfies never;
  }
}

try {
  send({ type: 'finished', passed: await work() });
} catch (error) {
  if (error instanceof Stopped) send({ type: 'stopped', text: error.message });
  else send(failureOf(error));
}
