import { constants } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import type { JobStart } from '../job/run/messages.ts';
import type { RunFolder } from '../job/run/run-folder.ts';
import { Stopped } from '../reporter.ts';
import { type Link, openLink } from '../threads/link.ts';
import { HANG_UP } from './hang-up.ts';
import type { ProgressView } from './progress.ts';
import { SAME_SIGNAL_MS } from './when-interrupted.ts';

/** What ends the program in good order: the terminal (HUP: it was closed), a scheduler, or whoever read the output. */
const SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGPIPE', 'SIGUSR2', ...HANG_UP];

/**
 * Heap, in MiB, that a thread of the job fills before V8 looks for garbage on its own account. V8 counts arrays outside the
 * heap towards the heap's limit, which of a heap of 30 MB is soon reached: every few steps all of it was looked through.
 * What V8 allows of arrays outside the heap (64 MB) still holds.
 */
const FIRST_HEAP = 128;

/** How a job ended; where it was stopped, the exit code that a shell gives for the signal. */
export type JobOutcome = { kind: 'finished' | 'failed' } | { kind: 'stopped'; code: number };

/**
 * Runs the job in a worker thread, because sessions block theirs: this one stays free for the terminal and signals.
 * The first Ctrl-C asks it to stop with its state saved; a later one ends the process at once (files on disk are whole at
 * any moment).
 *
 * @param folder what the job works in: released before the process is ended at once; where another process took this
 *   one for dead, it is ended at once too, for nothing of it may be written any more
 * @throws what the job failed of
 */
export async function runJob(
  job: JobStart,
  view: ProgressView,
  folder?: Pick<RunFolder, 'path' | 'lost' | 'release'>,
): Promise<JobOutcome> {
  let asked: number | undefined;
  let code = 128 + constants.signals.SIGINT;
  const endAtOnce = (): void => {
    view.end();
    // Not process.exit: threads torn down inside native code would end in an abort and its noise.
    process.kill(process.pid, 'SIGKILL');
  };
  const onLost = (): void => {
    view.line(`error: ${folder?.path}: found another process at work there, which took this one for dead`);
    endAtOnce();
  };
  const onSignal = (signal: NodeJS.Signals): void => {
    const now = performance.now();
    if (asked === undefined) {
      asked = now;
      code = 128 + constants.signals[signal];
      view.line(`stopping${job.task === 'run' ? ': saving the state' : ''} (again to stop at once)`);
    } else if (now - asked > SAME_SIGNAL_MS && signal !== 'SIGPIPE') {
      const released = folder?.release() ?? Promise.resolve();
      void released.finally(endAtOnce);
    }
  };
  // Of threads that are started from here on.
  setFlagsFromString(`--initial-old-space-size=${FIRST_HEAP}`);
  const link: Link<JobStart, boolean> = openLink({
    name: "the job's thread",
    body: new URL('../job/run/worker.ts', import.meta.url),
    start: null,
    voice: {
      progress(progress) {
        if (asked === undefined) view.show(progress);
      },
      note: (text) => view.line(text),
      stopRequested: () => asked !== undefined,
    },
  });
  folder?.lost.addEventListener('abort', onLost);
  for (const signal of SIGNALS) process.on(signal, onSignal);
  try {
    return { kind: (await link.request(job)) ? 'finished' : 'failed' };
  } catch (error) {
    if (!(error instanceof Stopped)) throw error;
    view.line(error.message);
    return { kind: 'stopped', code };
  } finally {
    folder?.lost.removeEventListener('abort', onLost);
    for (const signal of SIGNALS) process.off(signal, onSignal);
    await link.close();
  }
}
