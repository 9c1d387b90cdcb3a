/** What the benchmarks on synthetic models share: a small model, trainers fed from it, and how SAEs are measured on it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { observeTokens } from '../../../runner/evaluation/token-pass.ts';
import { truthPass } from '../../../runner/evaluation/truth-pass.ts';
import { hookOf } from '../../../runner/hook.ts';
import { heldoutSamples } from '../../../runner/job/evaluation/heldout-samples.ts';
import { sampleActivations } from '../../../runner/job/training-data/sample-activations.ts';
import { sweep } from '../../../runner/lm/sweep.ts';
import { resampleRows } from '../../../runner/metrics/bootstrap.ts';
import { silent, stageReporter } from '../../../runner/reporter.ts';
import { decoderDirections } from '../../../runner/sae/directions.ts';
import { type OpenSae, openSae } from '../../../runner/sae/open-sae.ts';
import type { Sae } from '../../../runner/sae/sae.ts';
import { qualities } from '../../../runner/suites/ground-truth/detectors.ts';
import { reconstructionSuite } from '../../../runner/suites/reconstruction.ts';
import { generated } from '../../../runner/synthetic/generate.ts';
import { openSynthetic, type SyntheticModel } from '../../../runner/synthetic/model.ts';
import { startOfMixture } from '../../../runner/text/mixture.ts';
import { startOfPacking } from '../../../runner/text/packing.ts';
import { graphBackend } from '../../../runner/train/backends/graph.ts';
import type { Recipe } from '../../../runner/train/recipe.ts';
import { openTrainer } from '../../../runner/train/trainer.ts';

export const THREADS = 1;
const ROW = 64;

/** @param file a configuration, whose model is made anew */
export async function withModel(file: string, use: (model: SyntheticModel) => Promise<void>): Promise<void> {
  const at = await mkdtemp(join(tmpdir(), 'interpboard-truth-'));
  try {
    const folder = await generated(file, at, () => undefined);
    await use(await openSynthetic(folder));
  } finally {
    await rm(at, { recursive: true, force: true });
  }
}

/**
 * The batches of training, after the first `skipped` samples, which biases start from.
 *
 * @param seed of the stream
 */
export function samplesOf(
  model: SyntheticModel,
  seed: number,
  batch: number,
  skipped = 0,
): ReturnType<typeof sampleActivations> {
  const config = { corpus: { trainSeed: seed, rowTokens: ROW }, sae: { batchTokens: batch } };
  const start = startOfPacking(startOfMixture([], seed));
  const from = { ...start, rows: Math.ceil(skipped / batch) * (batch / ROW) };
  return sampleActivations(config, model, from, { stopRequested: () => false });
}

/**
 * Trains recipes of one batch size from one stream.
 *
 * @param steps after which `saved` is given the SAEs, ascending; the last one ends the training
 */
export async function train(
  model: SyntheticModel,
  recipes: readonly Recipe[],
  seed: number,
  steps: readonly number[],
  saved: (step: number, saes: Sae[]) => Promise<void>,
): Promise<void> {
  const { batchTokens, biasInitSamples } = recipes[0]!;
  const source = samplesOf(model, seed, batchTokens);
  const passes = Math.ceil(biasInitSamples / batchTokens);
  const start = new Float32Array(passes * batchTokens * model.dModel);
  for (let i = 0; i < passes; i++)
    start.set((await source.next()).activations.get('L0')!, i * batchTokens * model.dModel);
  const trainer = await openTrainer(
    {
      backend: graphBackend({ threads: THREADS }),
      plans: recipes.map((recipe, i) => ({ id: String(i), hook: hookOf(0), d_in: model.dModel, recipe })),
      logEverySteps: 1_000_000,
    },
    { samples: new Map([['L0', start.subarray(0, biasInitSamples * model.dModel)]]) },
  );
  try {
    for (let step = 1; step <= steps.at(-1)!; step++) {
      await trainer.step((await source.next()).activations);
      if (steps.includes(step))
        await saved(
          step,
          (await trainer.saes()).map(({ sae }) => sae),
        );
    }
  } finally {
    await trainer.close();
  }
}

/** Values by definition; null where one could not be measured. */
export type Measured = Record<string, number | null>;

/** @param seed of the samples, which training does not read */
export async function measure(
  model: SyntheticModel,
  saes: readonly Sae[],
  seed: number,
  samples: number,
): Promise<Measured[]> {
  const batches = heldoutSamples({ corpus: { rowTokens: ROW }, sae: { batchTokens: 1_024 } }, seed, samples);
  const open: OpenSae[] = [];
  for (const sae of saes) open.push(await openSae(sae, { threads: THREADS }));
  const pass = await truthPass(
    model,
    saes.map((sae, i) => ({ sae: open[i]!, directions: () => decoderDirections(sae), sha256: String(i) })),
    batches,
    { seed, threads: THREADS, withReferences: false },
  );
  const packed = observeTokens(
    [{ ...model.hooks[0]!, d: model.dModel, saes: open }],
    batches,
    null,
    [],
    false,
  );
  await sweep(model, batches, [pass.observer, packed.observer], {
    reporter: stageReporter('measuring', 'samples', silent),
  });
  const found = pass.truth.detections.at(0);
  const [hook] = packed.result();
  const rows = batches.reduce((sum, batch) => sum + batch.rows, 0);
  const base = reconstructionSuite(hook!.tables, resampleRows(rows, { count: 1 }));
  await pass.close();
  for (const sae of open) await sae.close();
  return base.map(({ metrics }, i) => {
    const detection = found.saes[i]!;
    if (detection.matching === null) throw new Error(detection.reason);
    const { f1s: _, ...means } = qualities(found, detection);
    const { mcc, uniqueness } = detection.matching;
    const truth = Object.entries({ mcc, uniqueness, ...means });
    return {
      ...Object.fromEntries(Object.entries(metrics).map(([id, { value }]) => [id, value])),
      ...Object.fromEntries(truth.map(([name, value]) => [`${name}@synthsaebench`, value])),
    };
  });
}
