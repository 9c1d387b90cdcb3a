import { Worker } from 'node:worker_threads';
import { errorOf, type JobData, type JobMessage, type JobStart } from '../job/messages.ts';
import type { ProgressView } from './progress.ts';

/** A second Ctrl-C within this time is the same one, passed on by npm as well. */
const SAME_SIGNAL_MS = 1_000;

/**
 * Runs the job in a worker thread, because sessions block theirs: this one stays free for the terminal and signals.
 * The first Ctrl-C asks it to stop with its state saved; a later one ends the process at once (what is on disk is
 * whole at any moment).
 *
 * @param release gives back what the process holds, before it is ended at once
 * @throws what the job failed of
 */
export async function runJob(
  job: JobStart,
  view: ProgressView,
  release: () => Promise<void> = async () => undefined,
): Promise<'finished' | 'failed' | 'stopped'> {
  const stop = new SharedArrayBuffer(4);
  const data: JobData = { job, stop };
  let asked: number | undefined;
  const onSignal = (): void => {
    const now = performance.now();
    if (asked === undefined) {
      asked = now;
      Atomics.store(new Int32Array(stop), 0, 1);
      view.line(`stopping${job.task === 'run' ? ': saving the state' : ''} (again to stop at once)`);
    } else if (now - asked > SAME_SIGNAL_MS) {
      view.end();
      // Not process.exit: threads torn down inside native code would end in an abort and its noise.
      void release().finally(() => process.kill(process.pid, 'SIGKILL'));
    }
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  const worker = new Worker(new URL('../job/worker.ts', import.meta.url), { workerData: data });
  try {
    return await new Promise((resolve, reject) => {
      worker.on('message', (message: JobMessage) => {
        switch (message.type) {
          case 'progress':
            if (asked === undefined) view.show(message.progress);
            break;
          case 'note':
            view.line(message.text);
            break;
          case 'finished':
            resolve(message.passed ? 'finished' : 'failed');
            break;
          case 'stopped':
            view.line(message.text);
            resolve('stopped');
            break;
          case 'failed':
            reject(errorOf(message));
            break;
          default:
            message satisfies never;
        }
      });
      worker.on('error', reject);
      worker.on('exit', (code) => reject(new Error(`the job's thread ended unexpectedly with code ${code}`)));
    });
  } finally {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
    await worker.terminate();
  }
}
