/** What the two ends of a link send one another: link.ts is the end that asks, body.ts the one in the worker thread. */
import type { StageProgress } from '../reporter.ts';
import type { Failure } from './failure.ts';

/** What a worker thread is started with. */
export interface LinkStart<Start> {
  start: Start;
  /** One word, 1 when the thread is asked to stop: it is read by loops that never return to their event loop. */
  stop: Int32Array<SharedArrayBuffer>;
}

export type ToThread<Request> = { type: 'request'; id: number; request: Request } | { type: 'end' };

export type FromThread<Reply> =
  | { type: 'reply'; id: number; reply: Reply }
  | { type: 'failed'; id: number; failure: Failure }
  | { type: 'progress'; progress: StageProgress }
  | { type: 'note'; text: string }
  /** It has closed what it had open, or failed to, and does nothing any more. */
  | { type: 'ended'; failure: Failure | null };
