/** Asks a worker for what takes long, so that a slider can be dragged meanwhile. */
import type { Columns, ModelDraws } from '../lib/columns.ts';
import type { Answer, Question } from './answering.ts';
import type { Weights } from './composite.ts';

/** Of a Worker what is used of it. */
export type Answerer = Pick<Worker, 'postMessage' | 'onmessage' | 'onerror' | 'terminate'>;

/**
 * One question at a time, over all files so far; what the worker has been told it is not told again.
 *
 * @param weights null asks for the shares over random weights
 */
export type Judge = (files: readonly ModelDraws[], weights: Weights | null) => Promise<Answer>;

export function judgeOf(columns: Columns, start = startWorker): Judge {
  let worker: Answerer | null = null;
  let told = 0;
  return (files, weights) =>
    new Promise((resolve, reject) => {
      const question: Question = { files: files.slice(worker === null ? 0 : told), weights };
      if (worker === null) question.columns = columns;
      const asked = worker ?? start();
      [worker, told] = [asked, files.length];
      asked.onmessage = ({ data }: MessageEvent<Answer>) => resolve(data);
      asked.onerror = ({ message }) => {
        asked.terminate();
        worker = null;
        reject(new Error(`The resamples could not be judged: ${message || 'the worker did not start'}.`));
      };
      asked.postMessage(question);
    });
}

function startWorker(): Answerer {
  return new Worker(new URL('./stability-worker.ts', import.meta.url), { type: 'module' });
}
