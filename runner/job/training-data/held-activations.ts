/** The stream that training reads, left on the device that the language model and the SAEs share. */
import { hookLabel } from '../../hook.ts';
import type { Device } from '../../onnx/devices.ts';
import type { HeldTensor } from '../../onnx/session.ts';
import type { Voice } from '../../reporter.ts';
import type { PackingPosition } from '../../text/packing.ts';
import type { ActivationPass, ActivationSource } from './activation-source.ts';
import { type ActivationRun, openReading } from './activations.ts';
import { passesAhead } from './passes-ahead.ts';

/**
 * The stream made in this thread by a resident language model, whose activations stay on its device: on CUDA, where another pass can go on
 * beside the step, one pass ahead.
 *
 * @param most passes that are made ahead
 * @throws UserError, MalformedError or UnavailableError as opening the language model does
 */
export async function openActivationsOn(
  device: Device,
  run: ActivationRun,
  from: PackingPosition | undefined,
  voice: Voice,
  most = passesAhead(device),
): Promise<ActivationSource<HeldTensor>> {
  const { opened, nextBatch, stopWhenAsked, close } = await openReading(run, from, voice);
  const { model } = opened;
  const ahead: Promise<ActivationPass<HeldTensor>>[] = [];
  let last: Promise<unknown> = Promise.resolve();
  async function make(): Promise<ActivationPass<HeldTensor>> {
    const { batch, position } = await nextBatch();
    const held = await model.heldResiduals(batch);
    return { activations: new Map(model.hooks.map((hook, i) => [hookLabel(hook), held[i]!])), position };
  }
  function ask(): void {
    // One after the other, as they read one text; after one that fails there is none.
    const pass = last.then(make);
    last = pass;
    // It is heard when it is its turn.
    pass.catch(() => undefined);
    ahead.push(pass);
  }
  return {
    async next() {
      stopWhenAsked();
      if (ahead.length === 0) ask();
      const pass = await ahead.shift()!;
      while (ahead.length < most) ask();
      return pass;
    },
    async close() {
      await Promise.allSettled(ahead);
      await close();
    },
  };
}
