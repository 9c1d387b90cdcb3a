import type { JobStart } from '../job/messages.ts';
import { Stopped } from '../reporter.ts';
import { type Link, openLink } from '../threads/link.ts';
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
  let asked: number | undefined;
  const onSignal = (): void => {
    const now = performance.now();
    if (asked === undefined) {
      asked = now;
      view.line(`stopping${job.task === 'run' ? ': saving the state' : ''} (again to stop at once)`);
    } else if (now - asked > SAME_SIGNAL_MS) {
      view.end();
      // Not process.exit: threads torn down inside native code would end in an abort and its noise.
      void release().finally(() => process.kill(process.pid, 'SIGKILL'));
    }
  };
  const link: Link<JobStart, boolean> = openLink({
    name: "the job's thread",
    body: new URL('../job/worker.ts', import.meta.url),
    start: null,
    voice: {
      progress(progress) {
        if (asked === undefined) view.show(progress);
      },
      note: (text) => view.line(text),
      stopRequested: () => asked !== undefined,
    },
  });
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  try {
    return (await link.request(job)) ? 'finished' : 'failed';
  } catch (error) {
    if (!(error instanceof Stopped)) throw error;
    view.line(error.message);
    return 'stopped';
  } finally {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
    await link.close();
  }
}
