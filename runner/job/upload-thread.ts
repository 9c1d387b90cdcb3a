/** Uploads in a thread of their own, so that no training step waits for the network. */
import { Worker } from 'node:worker_threads';
import type { UploadFile } from '../hub/upload.ts';
import { errorOf, type JobMessage } from './messages.ts';

export interface UploadStart {
  /** owner/name[@branch] */
  repository: string;
  /** Whether it is made private, should it not be there. */
  hidden: boolean;
}

export interface UploadJob {
  title: string;
  files: UploadFile[];
  /** Names to remove from the repository, where they are there. */
  remove: string[];
}

export type UploadMessage = { type: 'sent'; commit: string } | Extract<JobMessage, { type: 'failed' }>;

export type UploadOutcome = { commit: string } | { error: Error };

export interface UploadThread {
  /** Sends one job; one at a time. */
  send(job: UploadJob): Promise<UploadOutcome>;
  /** Ends the thread, whatever it is at: an upload cut off is taken up again by the next one. */
  close(): Promise<void>;
}

export function openUploadThread(start: UploadStart): UploadThread {
  const worker = new Worker(new URL('./upload-worker.ts', import.meta.url), { workerData: start });
  let answer: ((outcome: UploadOutcome) => void) | undefined;
  const settle = (outcome: UploadOutcome): void => {
    answer?.(outcome);
    answer = undefined;
  };
  worker.on('message', (message: UploadMessage) => {
    settle(message.type === 'sent' ? { commit: message.commit } : { error: errorOf(message) });
  });
  worker.on('error', (error) => settle({ error: error instanceof Error ? error : new Error(String(error)) }));
  worker.on('exit', () => settle({ error: new Error('the upload thread ended') }));
  return {
    send(job) {
      if (answer !== undefined) throw new RangeError('an upload is under way');
      return new Promise((resolve) => {
        answer = resolve;
        worker.postMessage(job);
      });
    },
    async close() {
      await worker.terminate();
    },
  };
}
