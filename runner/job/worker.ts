/** Body of the job's thread: runs the job and tells the main thread how it goes. */
import { parentPort, workerData } from 'node:worker_threads';
import { Stopped, stageReporter } from '../reporter.ts';
import { failureOf, type JobData, type JobMessage } from './messages.ts';
import { overfitJob } from './overfit-job.ts';
import { type JobVoice, runJob } from './run.ts';

const port = parentPort;
if (port === null) throw new Error('this file is the body of a worker thread');
const { job, stop: word } = workerData as JobData;
const stop = new Int32Array(word);
const send = (message: JobMessage): void => port.postMessage(message);

const voice: JobVoice = {
  progress: (progress) => send({ type: 'progress', progress }),
  note: (text) => send({ type: 'note', text }),
  stopRequested: () => Atomics.load(stop, 0) === 1,
};

/** Whether what was asked for went well to its end. */
async function work(): Promise<boolean> {
  switch (job.task) {
    case 'run':
      await runJob(job, voice);
      return true;
    case 'overfit-one-batch':
      return overfitJob(
        job,
        stageReporter('one batch', 'steps', voice.progress, voice.note, voice.stopRequested),
      );
    default:
      return job satisfies never;
  }
}

try {
  send({ type: 'finished', passed: await work() });
} catch (error) {
  if (error instanceof Stopped) send({ type: 'stopped', text: error.message });
  else send(failureOf(error));
}
