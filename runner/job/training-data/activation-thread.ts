/** Where the stream that training reads is made: in this thread, or in one of its own (activation-worker.ts). */
import { type KnownFacts, knownFacts } from '../../onnx/device-facts.ts';
import { type Device, parseDevices } from '../../onnx/devices.ts';
import type { Voice } from '../../reporter.ts';
import type { PackingPosition } from '../../text/packing.ts';
import { type Link, openLink } from '../../threads/link.ts';
import {
  type ActivationPass,
  type ActivationRun,
  type ActivationSource,
  type Made,
  openActivationsHere,
  sharingOf,
} from './activations.ts';
import { openActivationsOn } from './held-activations.ts';

/** Passes made ahead of the one being trained on: enough to hide uneven steps, few enough to cost little memory. */
const AHEAD = 2;

export interface ActivationStart extends ActivationRun {
  from: PackingPosition | undefined;
  /** Of the run's devices: what a card has free is asked before SAEs lie on it. */
  facts?: KnownFacts;
}

/**
 * The stream that training reads. On a CPU with two cores or more it is made in a thread of its own, so that the
 * language model is a pass ahead of the optimiser. What stays on a device is made in this thread, to which its tensors belong.
 *
 * @param from where an earlier run's text stood; the start for a new one
 * @param voice hears how far a sweep through the segments of a model larger than memory is
 * @param on the device that activations stay on, if they do
 * @throws UserError, MalformedError or UnavailableError as opening the language model does
 */
export async function openActivations(
  run: ActivationRun,
  from: PackingPosition | undefined,
  voice: Voice,
  on: Device | null = null,
): Promise<ActivationSource<Made>> {
  if (on !== null) return openActivationsOn(on, run, from, voice);
  const devices = parseDevices(run.config.device);
  const { overlap } = sharingOf(run.config.threads, devices);
  if (!overlap) return openActivationsHere(run, from, voice);
  return openActivationThread({ ...run, from, facts: await knownFacts(devices) }, voice);
}

export function openActivationThread(start: ActivationStart, voice: Voice): ActivationSource {
  const link: Link<'next', ActivationPass> = openLink({
    name: "the language model's thread",
    body: new URL('./activation-worker.ts', import.meta.url),
    start,
    voice,
  });
  const ahead: Promise<ActivationPass>[] = [];
  const ask = (): void => {
    const pass = link.request('next');
    // It is heard when it is its turn.
    pass.catch(() => undefined);
    ahead.push(pass);
  };
  for (let i = 0; i < AHEAD; i++) ask();
  return {
    async next() {
      ask();
      return ahead.shift()!;
    },
    close: () => link.close(),
  };
}
