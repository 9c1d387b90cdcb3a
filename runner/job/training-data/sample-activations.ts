/** The stream that training reads of a synthetic model: its samples, in order, from where an earlier run stood. */
import { hookLabel, hookOf } from '../../hook.ts';
import { Stopped, type Voice } from '../../reporter.ts';
import { type SyntheticModel, sampleBatch } from '../../synthetic/model.ts';
import { startOfMixture } from '../../text/mixture.ts';
import { type PackingPosition, startOfPacking } from '../../text/packing.ts';
import type { ActivationSource } from './activation-source.ts';

/** Names the samples that training reads; those of evaluation have a stream of their own, whatever the seeds. */
function trainingStream(seed: number): string {
  return `training ${seed}`;
}

export function sampleActivations(
  { corpus, sae }: { corpus: { trainSeed: number; rowTokens: number }; sae: { batchTokens: number } },
  model: SyntheticModel,
  from: PackingPosition | undefined,
  voice: Pick<Voice, 'stopRequested'>,
): ActivationSource {
  // A position of text without sources: its rows say where the samples stand.
  let position = from ?? startOfPacking(startOfMixture([], corpus.trainSeed));
  const rows = sae.batchTokens / corpus.rowTokens;
  return {
    async next() {
      if (voice.stopRequested()) throw new Stopped();
      const batch = sampleBatch(trainingStream(corpus.trainSeed), position.rows, rows, corpus.rowTokens);
      const [x] = await model.residuals(batch);
      position = { ...position, rows: position.rows + rows };
      return { activations: new Map([[hookLabel(hookOf(0)), x!]]), position };
    },
    close: () => model.close(),
  };
}
