/** The one way in which a thread of this program asks another: requests and their replies, progress, stop and end. */
import { type Transferable, Worker } from 'node:worker_threads';
import { UnavailableError } from '../errors.ts';
import type { Voice } from '../reporter.ts';
import { errorOf, type Failure } from './failure.ts';
import type { FromThread, LinkStart, ToThread } from './messages.ts';

export interface Link<Request, Reply> {
  /**
   * Requests are answered one after the other, in their order.
   *
   * @param transfer given away with the request
   * @throws what the thread failed of, of its class; an error that says why the thread is gone, where it is
   */
  request(request: Request, transfer?: readonly Transferable[]): Promise<Reply>;
  /**
   * Asks the thread to stop and to end, and waits until it has: one killed inside native code takes the process with
   * it. What still waits for a reply is told that it has ended.
   *
   * @throws what closing failed of there
   */
  close(): Promise<void>;
  /** Why the thread is gone, where it is. */
  readonly gone: Error | undefined;
}

export interface LinkOptions<Start> {
  /** What errors call the thread, as 'the upload thread'. */
  name: string;
  /** File of its body, which calls `serve`. */
  body: URL;
  start: Start;
  transfer?: readonly Transferable[];
  /** Hears what the thread says, and is asked all the while a request waits whether the thread is to stop. */
  voice?: Voice;
  /** Whether the program may end while the thread waits for requests. */
  background?: boolean;
}

/** How often a voice is asked whether to stop. */
const ASK_MS = 100;

/**
 * Starts a worker thread.
 *
 * @throws UnavailableError when the system refuses another one, here or when it is first asked something
 */
export function openLink<Start, Request, Reply>(options: LinkOptions<Start>): Link<Request, Reply> {
  const { name, body, start, voice } = options;
  const stop = new Int32Array(new SharedArrayBuffer(4));
  const data: LinkStart<Start> = { start, stop };
  const waiting = new Map<number, { resolve(reply: Reply): void; reject(error: Error): void }>();
  let asked = 0;
  let gone: Error | undefined;
  let asking: NodeJS.Timeout | undefined;
  const worker = startWorker(name, body, data, options.transfer ?? []);
  if (options.background) worker.unref();

  function settled(id: number): { resolve(reply: Reply): void; reject(error: Error): void } | undefined {
    const found = waiting.get(id);
    waiting.delete(id);
    if (waiting.size === 0) {
      clearInterval(asking);
      asking = undefined;
    }
    return found;
  }
  function fail(error: Error): void {
    gone ??= error;
    for (const id of [...waiting.keys()]) settled(id)?.reject(gone);
  }

  let closing = false;
  const ended = new Promise<Failure | null>((resolve) => {
    worker.on('message', (message: FromThread<Reply>) => {
      switch (message.type) {
        case 'reply':
          settled(message.id)?.resolve(message.reply);
          break;
        case 'failed':
          settled(message.id)?.reject(errorOf(message.failure));
          break;
        case 'progress':
          voice?.progress(message.progress);
          break;
        case 'note':
          voice?.note(message.text);
          break;
        case 'ended':
          resolve(message.failure);
          break;
        default:
          message satisfies never;
      }
    });
    worker.on('messageerror', (error) => fail(death(name, error)));
    worker.on('error', (error) => fail(death(name, error)));
    worker.on('exit', (code) => {
      fail(new Error(closing ? `${name} has ended` : `${name} ended unexpectedly with code ${code}`));
      resolve(null);
    });
  });
  const send = (message: ToThread<Request>, transfer: readonly Transferable[] = []): void =>
    worker.postMessage(message, [...transfer]);

  return {
    get gone() {
      return gone;
    },
    request(request, transfer) {
      if (gone !== undefined) return Promise.reject(gone);
      const id = asked++;
      return new Promise((resolve, reject) => {
        send({ type: 'request', id, request }, transfer);
        waiting.set(id, { resolve, reject });
        if (voice !== undefined) {
          asking ??= setInterval(() => {
            if (voice.stopRequested()) Atomics.store(stop, 0, 1);
          }, ASK_MS);
        }
      });
    },
    async close() {
      closing = true;
      Atomics.store(stop, 0, 1);
      send({ type: 'end' });
      const failure = await ended;
      // It has let go of everything: what keeps it alive now is at most an idle connection.
      await worker.terminate();
      if (failure !== null) throw errorOf(failure);
    },
  };
}

function startWorker(
  name: string,
  body: URL,
  workerData: unknown,
  transfer: readonly Transferable[],
): Worker {
  try {
    return new Worker(body, { workerData, transferList: [...transfer] });
  } catch (error) {
    throw death(name, error);
  }
}

/** Codes of a thread that the system could not give or keep. */
const REFUSED: Readonly<Record<string, string>> = {
  ERR_WORKER_INIT_FAILED: 'files and threads enough for one more thread (ulimit -n, ulimit -u)',
  EMFILE: 'files enough for one more thread (ulimit -n)',
  EAGAIN: 'room for one more thread (ulimit -u)',
  ERR_WORKER_OUT_OF_MEMORY: 'memory enough for it',
};

function death(name: string, cause: unknown): Error {
  const { message, code = '' } = (
    cause instanceof Error ? cause : new Error(String(cause))
  ) as NodeJS.ErrnoException;
  const expected = REFUSED[code];
  if (expected === undefined) return new Error(`${name} died: ${message}`, { cause });
  const next = 'Raise the limit or free what other programs hold, then run again.';
  return new UnavailableError({ thing: name, found: message, expected, next }, { cause });
}
