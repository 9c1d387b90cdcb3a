import { join } from 'node:path';
import { z } from 'zod';
import type { RunConfig } from '../config/run-config.ts';
import type { LanguageModel } from '../lm/language-model.ts';
import type { Device } from '../onnx/devices.ts';
import { type Reporter, Stopped } from '../reporter.ts';
import type { PackingPosition } from '../text/packing.ts';
import type { Tokenizer } from '../text/tokenizer.ts';
import { graphBackend } from '../train/backends/graph.ts';
import { checkpointStore } from '../train/checkpoint.ts';
import type { SaePlan } from '../train/sae-trainer.ts';
import { openTrainer, type Progress, type TrainedSae, type Trainer } from '../train/trainer.ts';
import { batchOf, trainingRows } from './text.ts';

const word = z
  .int()
  .min(0)
  .max(2 ** 32 - 1);
const count = z.int().nonnegative();

/** Where the training text stood: written into checkpoints, read back by resuming. */
const positionSchema: z.ZodType<PackingPosition> = z.strictObject({
  mixture: z.strictObject({
    random: z.tuple([word, word, word, word]),
    rows: z.record(z.string(), count),
    texts: count,
    skipped: count,
  }),
  carried: z.array(count),
  rows: count,
});

/**
 * Trains one SAE a hook from one stream of text: every forward pass of the language model up to the last hook feeds
 * all of them. State is saved every `training.checkpointTokens` and when it is asked to stop, and resumed from there.
 *
 * @throws Stopped when the user asked to stop, with the state saved
 */
export async function trainStage(
  run: { config: RunConfig; folder: string; device: Device; model: LanguageModel; tokenizer: Tokenizer },
  reporter: Reporter,
): Promise<TrainedSae[]> {
  const { config, model, tokenizer } = run;
  const { sae: recipe, corpus, training } = config;
  const plans: SaePlan[] = model.hooks.map((layer) => ({ id: `L${layer}`, layer, recipe }));
  const store = checkpointStore(join(run.folder, 'checkpoints'));
  const loaded = await store.load();
  for (const { folder, reason } of loaded?.damaged ?? []) {
    reporter.note(`checkpoint ${folder} is damaged (${reason}); going on from the one before it`);
  }
  const from = loaded === undefined ? undefined : positionSchema.parse(loaded.checkpoint.position);
  const rows = trainingRows(config, tokenizer, from);
  let position = from;

  /** Activations of the next forward pass, by layer. */
  async function nextPass(): Promise<Map<number, Float32Array>> {
    const batch: Int32Array[] = [];
    while (batch.length * corpus.rowTokens < recipe.batchTokens) {
      const { value, done } = await rows.next();
      if (done) throw new RangeError('the training text ended');
      batch.push(value.row);
      position = value.position;
    }
    const residuals = await model.residuals(batchOf(batch));
    return new Map(residuals.map((x, hook) => [model.hooks[hook]!, x]));
  }

  const options = {
    backend: graphBackend({
      device: run.device,
      ...(config.threads === null ? {} : { threads: config.threads }),
    }),
    d_in: model.dModel,
    plans,
    logEverySteps: training.logSteps,
  };
  const trainer = await openTrainer(
    options,
    loaded === undefined
      ? { samples: await firstActivations(recipe.biasInitSamples, model, nextPass) }
      : { resume: loaded.checkpoint.state },
  );
  const save = async (): Promise<void> =>
    store.save({ d_in: model.dModel, state: await trainer.state(), position });
  try {
    let saved = trainer.tokens;
    reporter.progress(trainer.tokens, training.tokens);
    while (trainer.tokens < training.tokens) {
      if (reporter.stopRequested()) {
        if (trainer.tokens > saved) await save();
        throw new Stopped(`stopped after ${trainer.tokens} tokens; the same command goes on from there`);
      }
      const progress = await trainer.step(await nextPass());
      reporter.progress(Math.min(trainer.tokens, training.tokens), training.tokens, fieldsOf(progress));
      if (trainer.tokens - saved >= training.checkpointTokens && trainer.tokens < training.tokens) {
        await save();
        saved = trainer.tokens;
      }
    }
    return await finish(trainer, save);
  } finally {
    await trainer.close();
    await rows.return(undefined);
  }
}

/** The last state is saved too: should the run end before its SAEs are written, they need no step again. */
async function finish(trainer: Trainer, save: () => Promise<void>): Promise<TrainedSae[]> {
  await save();
  return trainer.saes();
}

/** The first activations of each layer [count, dModel], for the starting point of b_dec; not trained on. */
async function firstActivations(
  count: number,
  model: LanguageModel,
  nextPass: () => Promise<Map<number, Float32Array>>,
): Promise<Map<number, Float32Array>> {
  const wanted = count * model.dModel;
  const samples = new Map(model.hooks.map((layer) => [layer, new Float32Array(wanted)]));
  for (let filled = 0; filled < wanted; ) {
    const pass = await nextPass();
    let taken = 0;
    for (const [layer, x] of pass) {
      const part = x.subarray(0, Math.min(x.length, wanted - filled));
      samples.get(layer)!.set(part, filled);
      taken = part.length;
    }
    filled += taken;
  }
  return samples;
}

/** One value a layer, in their order. */
function fieldsOf(progress: readonly Progress[]): Record<string, string> {
  return {
    loss: progress.map(({ loss }) => (loss === undefined ? '–' : loss.toPrecision(2))).join(' '),
    var_exp: progress.map(({ var_exp }) => (var_exp === null ? '–' : var_exp.toFixed(2))).join(' '),
    dead: progress.map(({ dead }) => String(dead ?? '–')).join(' '),
  };
}
