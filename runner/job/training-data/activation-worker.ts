/** Body of the language model's thread: a pass for every request. */
import { rememberFacts } from '../../onnx/device-facts.ts';
import { serve } from '../../threads/body.ts';
import type { ActivationStart } from './activation-thread.ts';
import { type ActivationPass, openActivationsHere } from './activations.ts';

serve<ActivationStart, 'next', ActivationPass>(async ({ from, facts = [], ...run }, thread) => {
  rememberFacts(facts);
  const source = await openActivationsHere(run, from, thread);
  return {
    answer: () => source.next(),
    transfer: ({ activations }) => [...activations.values()].map(({ buffer }) => buffer as ArrayBuffer),
    close: () => source.close(),
  };
});
