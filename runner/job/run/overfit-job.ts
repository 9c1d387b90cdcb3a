/** The run's recipes on one batch of its own activations, repeated: nothing is written, nothing of a run is touched. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunConfig } from '../../config/run-config.ts';
import { UserError } from '../../errors.ts';
import { hookLabel, readHook } from '../../hook.ts';
import { parseDevices } from '../../onnx/devices.ts';
import { counted } from '../../report/counted.ts';
import { percent, type Reporter, Stopped } from '../../reporter.ts';
import { chooseBackend } from '../../train/backends/choose.ts';
import { hostRows } from '../../train/device-rows.ts';
import {
  OVERFIT_STEPS,
  OVERFIT_TARGET,
  type OverfitOutcome,
  type OverfitResult,
  overfitOneBatch,
} from '../../train/overfit.ts';
import { type ModelPlace, widthsOf } from '../shared/model-place.ts';
import { hooksOfPlans, trainedSaes, withWidths } from '../shared/planned-saes.ts';
import { openActivations } from '../training-data/activation-thread.ts';
import { sharingOf } from '../training-data/activations.ts';
import { trainingNeeds } from '../training-data/training-needs.ts';
import { openTrainingTokens } from '../training-data/training-tokens.ts';
import { firstActivations } from './train-stage.ts';

/**
 * @returns whether every SAE has learned the batch
 * @throws Stopped when the user asked to stop; errors as training does
 */
export async function overfitJob(
  run: { config: RunConfig; model: ModelPlace; memory: number },
  reporter: Reporter,
): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'interpboard-overfit-'));
  try {
    const results = await overfitAll({ ...run, folder }, reporter);
    for (const result of results) reporter.note(lineOf(result));
    const failed = results.filter(({ outcome }) => outcome !== 'learned');
    reporter.note(
      failed.length === 0
        ? `overfit-one-batch: passed: ${results.length} of ${counted(results.length, 'SAE')} learned a batch by heart`
        : `overfit-one-batch: failed for ${failed.map(({ id }) => id).join(', ')}`,
    );
    return failed.length === 0;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function overfitAll(
  { config: given, model, memory, folder }: Parameters<typeof overfitJob>[0] & { folder: string },
  reporter: Reporter,
): Promise<OverfitResult[]> {
  // One batch needs no buffer.
  const { shuffle } = given.training;
  const config = { ...given, training: { ...given.training, shuffle: { ...shuffle, megabytes: 0 } } };
  const trained = trainedSaes(config);
  if (trained.length === 0) {
    throw new UserError({
      thing: '--overfit-one-batch',
      found: 'a run that trains no SAE',
      expected: 'one that does',
      next: 'Leave --sae out, or add --train.',
    });
  }
  const hooks = hooksOfPlans(trained);
  const widths = await widthsOf(model, hooks);
  const plans = withWidths(trained, widths);
  const devices = parseDevices(config.device);
  const { threads } = sharingOf(config.threads, devices);
  // One SAE at a time: the one that needs most on a device need not be the one that needs most beside it.
  const needs = plans.map((plan) => trainingNeeds(config, { plans: [plan], seen: hooks, widths }, devices));
  const most = (of: 'saes' | 'host'): number => Math.max(...needs.map((each) => each[of] ?? 0));
  const source = await openActivations(
    { config, hooks, place: model, folder, memory, saes: most('saes'), host: most('host') },
    undefined,
    {
      ...reporter,
      progress: ({ done, total }) =>
        reporter.progress(0, plans.length * OVERFIT_STEPS, { activations: percent(done, total) }),
    },
  );
  try {
    const samples = await firstActivations(config.sae.biasInitSamples, widths, hooks, source);
    const tokens = await openTrainingTokens(
      { config, folder, widths, hooks: hooks.map(hookLabel), source },
      { samples },
    );
    let batch = await tokens.next();
    while (batch === null) batch = await tokens.next();
    await tokens.close();
    const backend = chooseBackend({
      choice: config.backend,
      device: devices[0],
      ...(threads === undefined ? {} : { threads }),
    });
    const results: OverfitResult[] = [];
    for (const [i, plan] of plans.entries()) {
      const [read, target] = [readHook(plan.hook), plan.hook].map(hookLabel) as [string, string];
      const targets = plan.hook.reads && (await hostRows(batch.get(target)!));
      const start = {
        samples: samples.get(target)!,
        read: samples.get(read)!,
        batch: await hostRows(batch.get(read)!),
        targets,
      };
      const result = await overfitOneBatch(backend, plan, start, (step, varExp, loss) => {
        const done = i * OVERFIT_STEPS + step;
        const fields = { SAE: plan.id, var_exp: varExp.toFixed(2), loss: loss.toPrecision(2) };
        reporter.progress(done, plans.length * OVERFIT_STEPS, fields);
        return reporter.stopRequested();
      });
      if (reporter.stopRequested()) throw new Stopped('stopped; nothing was kept');
      results.push(result);
    }
    reporter.progress(plans.length * OVERFIT_STEPS, plans.length * OVERFIT_STEPS);
    return results;
  } finally {
    await source.close();
  }
}

const words: Readonly<Record<OverfitOutcome, string>> = {
  learned: 'learned',
  flat: 'FAILED, the loss does not move: is learningRate too low, or the gradient lost?',
  diverged: 'FAILED, the loss does not fall: lower learningRate, or look at gradientClip and warmupSteps',
  short: `FAILED, var_exp stays below ${OVERFIT_TARGET}: is learningRate too low, or the SAE held too sparse (k, sparsityPenalty)?`,
};

function lineOf({ id, outcome, steps, tokens, varExp, loss }: OverfitResult): string {
  const number = (value: number): string => (Number.isFinite(value) ? value.toPrecision(3) : String(value));
  return `${id.padEnd(8)} ${words[outcome]} (var_exp ${varExp.first.toFixed(3)} to ${varExp.last.toFixed(3)}, loss ${number(loss.first)} to ${number(loss.last)} in ${steps} steps on ${tokens} tokens)`;
}
