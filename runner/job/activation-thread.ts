/** An activation source in a worker thread: this side asks, that side (activation-worker.ts) answers. */
import { Worker } from 'node:worker_threads';
import { parseDevices } from '../onnx/devices.ts';
import type { PackingPosition } from '../text/packing.ts';
import {
  type ActivationPass,
  type ActivationRun,
  type ActivationSource,
  openActivationsHere,
  sharingOf,
} from './activations.ts';
import { errorOf, type JobMessage } from './messages.ts';

/** Passes made ahead of the one being trained on: enough to hide uneven steps, few enough to cost little memory. */
const AHEAD = 2;

export interface ActivationStart extends ActivationRun {
  from: PackingPosition | undefined;
}

export type ActivationRequest = 'next' | 'close';

export type ActivationMessage = ({ type: 'pass' } & ActivationPass) | Extract<JobMessage, { type: 'failed' }>;

/**
 * The stream that training reads. On a CPU with two cores or more it is made in a thread of its own, so that the
 * language model is a pass ahead of the optimiser.
 *
 * @param from where an earlier run's text stood; the start for a new one
 * @throws UserError, MalformedError or UnavailableError as opening the language model does
 */
export async function openActivations(
  run: ActivationRun,
  from: PackingPosition | undefined,
): Promise<ActivationSource> {
  const { overlap } = sharingOf(run.config, parseDevices(run.config.device));
  return overlap ? openActivationThread(run, from) : openActivationsHere(run, from);
}

async function openActivationThread(
  run: ActivationRun,
  from: PackingPosition | undefined,
): Promise<ActivationSource> {
  const start: ActivationStart = { ...run, from };
  const worker = new Worker(new URL('./activation-worker.ts', import.meta.url), { workerData: start });
  const ready: ActivationPass[] = [];
  let failure: Error | undefined;
  let waiting: { resolve(pass: ActivationPass): void; reject(error: Error): void } | undefined;

  const fail = (error: Error): void => {
    failure ??= error;
    waiting?.reject(failure);
    waiting = undefined;
  };
  worker.on('message', (message: ActivationMessage) => {
    if (message.type === 'failed') {
      fail(errorOf(message));
      return;
    }
    const { activations, position } = message;
    if (waiting === undefined) ready.push({ activations, position });
    else waiting.resolve({ activations, position });
    waiting = undefined;
  });
  worker.on('error', fail);
  const ended = new Promise<void>((resolve) => {
    worker.on('exit', (code) => {
      fail(new Error(`the language model's thread ended unexpectedly with code ${code}`));
      resolve();
    });
  });
  const send = (request: ActivationRequest): void => worker.postMessage(request);
  for (let i = 0; i < AHEAD; i++) send('next');

  return {
    async next() {
      const pass = ready.shift();
      send('next');
      if (pass !== undefined) return pass;
      if (failure !== undefined) throw failure;
      return new Promise((resolve, reject) => {
        waiting = { resolve, reject };
      });
    },
    async close() {
      // It ends by itself after the pass it is at: a thread killed inside native code takes the process with it.
      send('close');
      await ended;
    },
  };
}
