/** The end of a link (link.ts) that lies in the worker thread. */
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { atCancellationPoints } from '../math/cancellation.ts';
import { Stopped, type Voice } from '../reporter.ts';
import { failureOf } from './failure.ts';
import type { FromThread, LinkStart, ToThread } from './messages.ts';

/** What a worker thread is given: progress and notes go to the thread that opened the link. */
export interface Thread extends Voice {
  /** Aborts when the thread is asked to stop; for work that waits on its event loop. */
  readonly signal: AbortSignal;
}

export interface Service<Request, Reply> {
  /** @throws anything: it is thrown on at the other end, of its class */
  answer(request: Request): Promise<Reply>;
  /** What of a reply is given away with it. */
  transfer?(reply: Reply): readonly ArrayBuffer[];
  close?(): Promise<void>;
}

/** How often the abort signal looks at the shared word. */
const LOOK_MS = 100;

/**
 * Answers requests one after the other until it is asked to end.
 *
 * @param open makes the service; where it throws, that is the answer to every request
 */
export function serve<Start, Request, Reply>(
  open: (start: Start, thread: Thread) => Promise<Service<Request, Reply>> | Service<Request, Reply>,
): void {
  const port = parentPort;
  if (port === null || isMainThread) throw new Error('this file is the body of a worker thread');
  const { start, stop } = workerData as LinkStart<Start>;
  const send = (message: FromThread<Reply>, transfer: readonly ArrayBuffer[] = []): void =>
    port.postMessage(message, [...transfer]);
  const stopRequested = (): boolean => Atomics.load(stop, 0) === 1;
  atCancellationPoints(() => {
    if (stopRequested()) throw new Stopped();
  });
  const aborting = new AbortController();
  const looking = setInterval(() => {
    if (!stopRequested()) return;
    clearInterval(looking);
    aborting.abort();
  }, LOOK_MS);
  looking.unref();
  const thread: Thread = {
    progress: (progress) => send({ type: 'progress', progress }),
    note: (text) => send({ type: 'note', text }),
    stopRequested,
    signal: aborting.signal,
  };
  // An async function, so that what is thrown at once is a rejection too.
  const service = (async () => open(start, thread))();
  service.catch(() => undefined);

  async function take(message: ToThread<Request>): Promise<void> {
    switch (message.type) {
      case 'request': {
        const { id, request } = message;
        try {
          const opened = await service;
          const reply = await opened.answer(request);
          send({ type: 'reply', id, reply }, opened.transfer?.(reply) ?? []);
        } catch (error) {
          send({ type: 'failed', id, failure: failureOf(error) });
        }
        return;
      }
      case 'end': {
        const opened = await service.catch(() => undefined);
        const closed = async (): Promise<void> => opened?.close?.();
        const failure = await closed().then(() => null, failureOf);
        clearInterval(looking);
        send({ type: 'ended', failure });
        port!.close();
        return;
      }
      default:
        message satisfies never;
    }
  }

  let last = Promise.resolve();
  port.on('message', (message: ToThread<Request>) => {
    last = last.then(() => take(message));
  });
}
