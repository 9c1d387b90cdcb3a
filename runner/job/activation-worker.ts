/** Body of the language model's thread: makes one pass for every 'next' it is sent, and ends at 'close'. */
import { setImmediate } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import type { ActivationMessage, ActivationRequest, ActivationStart } from './activation-thread.ts';
import { openActivationsHere } from './activations.ts';
import { failureOf } from './messages.ts';

const port = parentPort;
if (port === null) throw new Error('this file is the body of a worker thread');
const { from, ...run } = workerData as ActivationStart;

let asked = 0;
let closing = false;
let wake: (() => void) | undefined;
port.on('message', (message: ActivationRequest) => {
  if (message === 'next') asked++;
  else closing = true;
  wake?.();
});

try {
  const source = await openActivationsHere(run, from);
  for (;;) {
    // A forward pass blocks this thread: requests that came meanwhile are read here.
    await setImmediate();
    while (asked === 0 && !closing) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    if (closing) break;
    asked--;
    const { activations, position } = await source.next();
    const message: ActivationMessage = { type: 'pass', activations, position };
    port.postMessage(
      message,
      [...activations.values()].map(({ buffer }) => buffer as ArrayBuffer),
    );
  }
  await source.close();
} catch (error) {
  port.postMessage(failureOf(error) satisfies ActivationMessage);
} finally {
  port.close();
}
