/** A thread of the link's tests: does what it is asked, and dies where it is told to. */
import { setTimeout } from 'node:timers/promises';
import { MalformedError, UnavailableError, UserError } from '../../../runner/errors.ts';
import { Stopped, stageReporter } from '../../../runner/reporter.ts';
import { serve } from '../../../runner/threads/body.ts';

export interface Start {
  /** Where it dies, or fails, before it is asked anything or when it is closed. */
  at?: 'opening' | 'opening, failed' | 'idle' | 'closing' | 'closing, failed';
}

export type Asked =
  | { what: 'double'; x: Float32Array }
  | { what: 'count'; to: number }
  | { what: 'throw'; kind: 'user' | 'malformed' | 'unavailable' | 'defect' | 'stopped' }
  | { what: 'loop without end' | 'wait without end' | 'reply what no message can hold' }
  | { what: 'die'; of: 'exit' | 'exception' | 'rejection' };

const complaint = { thing: 'it', found: 'this', expected: 'that', next: 'Do so.' };

function die(of: Extract<Asked, { what: 'die' }>['of']): Promise<never> {
  if (of === 'exit') process.exit(3);
  if (of === 'exception') {
    setImmediate(() => {
      throw new Error('nobody catches this');
    });
  }
  if (of === 'rejection') void Promise.reject(new Error('nobody awaits this'));
  return new Promise(() => undefined);
}

serve<Start, Asked, unknown>(async ({ at }, thread) => {
  if (at === 'opening') await die('exit');
  if (at === 'opening, failed') throw new MalformedError(complaint);
  if (at === 'idle') setImmediate(() => process.exit(4));
  return {
    async answer(asked) {
      switch (asked.what) {
        case 'double':
          return asked.x.map((x) => 2 * x);
        case 'count': {
          const reporter = stageReporter('counting', 'numbers', thread);
          for (let i = 0; i <= asked.to; i++) reporter.progress(i, asked.to);
          thread.note('counted');
          return asked.to;
        }
        case 'throw':
          switch (asked.kind) {
            case 'user':
              throw new UserError(complaint);
            case 'malformed':
              throw new MalformedError(complaint);
            case 'unavailable':
              throw new UnavailableError(complaint);
            case 'stopped':
              throw new Stopped('stopped after 7');
            case 'defect':
              throw new TypeError('no such thing');
            default:
              return asked.kind satisfies never;
          }
        case 'loop without end':
          // As a native call in a loop: this thread's events are never looked at.
          while (!thread.stopRequested()) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
          throw new Stopped();
        case 'wait without end':
          await setTimeout(2 ** 30, null, { signal: thread.signal }).catch(() => undefined);
          throw new Stopped();
        case 'reply what no message can hold':
          return () => undefined;
        case 'die':
          return die(asked.of);
        default:
          return asked satisfies never;
      }
    },
    transfer: (reply) => (reply instanceof Float32Array ? [reply.buffer as ArrayBuffer] : []),
    async close() {
      if (at === 'closing') await die('exit');
      if (at === 'closing, failed') throw new UnavailableError(complaint);
    },
  };
});
