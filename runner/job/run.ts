/** The job: train, evaluate, write everything the run's folder holds. Each stage begins where an earlier try ended. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunConfig } from '../config/run-config.ts';
import { PROBE_BATCH_TOKENS } from '../evaluation/probe-pass.ts';
import { writeJsonAtomic } from '../io/write-atomic.ts';
import { parseDevices } from '../onnx/devices.ts';
import { writeExports } from '../report/exports.ts';
import { writeRunRecords } from '../report/run-records.ts';
import type { EvaluationRecord } from '../report/schema.ts';
import { type Reporter, type StageProgress, stageReporter } from '../reporter.ts';
import { writeRelease } from '../sae/checkpoints/reference-release.ts';
import type { Sae } from '../sae/sae.ts';
import { loadTokenizer } from '../text/tokenizer.ts';
import { evaluateStage } from './evaluate-stage.ts';
import { openRunModel, removeSpilled } from './language-model.ts';
import type { JobStart } from './messages.ts';
import { type PlannedSae, plannedSaes, readPlannedSae } from './planned-saes.ts';
import { recordOf, residualHook } from './record.ts';
import type { RunState } from './run-folder.ts';
import { type Trained, trainStage } from './train-stage.ts';
import { type Trajectory, trajectoryFile } from './trajectory-file.ts';

export interface JobVoice {
  progress(progress: StageProgress): void;
  note(text: string): void;
  stopRequested(): boolean;
}

/**
 * @throws Stopped when the user asked to stop; the state is saved
 */
export async function runJob(start: JobStart, voice: JobVoice): Promise<void> {
  const { config, folder, identity } = start;
  const reporter = (stage: string, unit: string) =>
    stageReporter(stage, unit, voice.progress, voice.note, voice.stopRequested);
  const state: RunState = start.found ?? {
    schema: 'interpboard.run/1',
    identity,
    config,
    stage: 'training',
    started: new Date().toISOString(),
    seconds: { training: 0, evaluating: 0 },
  };
  /** Adds the time since `since` to a stage and saves the state, whether the stage ended or was cut off. */
  const save = async (stage: 'training' | 'evaluating', since: number): Promise<void> => {
    state.seconds[stage] += (performance.now() - since) / 1000;
    await writeJsonAtomic(join(folder, 'run.json'), state);
  };
  await removeSpilled(folder);
  const saes = plannedSaes(config);
  if (state.stage === 'training') {
    const since = performance.now();
    await writeJsonAtomic(join(folder, 'run.json'), state);
    try {
      const trained = await trainStage(
        { config, folder, model: start.model, memory: start.memory, saes },
        reporter('training', 'tokens'),
      );
      await writeTrained(folder, config, trained);
      state.stage = 'evaluating';
    } finally {
      await save('training', since);
    }
    // The SAEs are written: what resuming needed is not needed any more.
    await rm(join(folder, 'checkpoints'), { recursive: true, force: true });
  }
  const since = performance.now();
  try {
    const measured = await evaluateRun(start, state, saes, reporter, since);
    await writeRunRecords(
      folder,
      measured.map(({ record }) => record),
    );
    await writeExports(folder, config.name, measured);
    state.stage = 'done';
  } finally {
    await save('evaluating', since);
  }
}

/** Evaluates the SAEs that lie in the run's folder. */
async function evaluateRun(
  start: JobStart,
  state: RunState,
  planned: readonly PlannedSae[],
  reporter: (stage: string, unit: string) => Reporter,
  since: number,
): Promise<{ id: string; record: EvaluationRecord }[]> {
  const { config, folder } = start;
  const [device] = parseDevices(config.device);
  const tokenizer = await loadTokenizer(start.model.folder);
  const saes: { planned: PlannedSae; sae: Sae }[] = [];
  for (const each of planned) saes.push({ planned: each, sae: await readPlannedSae(folder, each) });
  const opened = await openRunModel({
    config,
    place: start.model,
    folder,
    memory: start.memory,
    maxTokens: Math.max(config.corpus.rowTokens, config.evaluation.probeTokens),
    positions: Math.max(config.sae.batchTokens, PROBE_BATCH_TOKENS),
    saes: saes.reduce((sum, { sae }) => sum + 4 * 2 * sae.d_in * sae.d_sae, 0),
    ...(config.threads === null ? {} : { threads: config.threads }),
  });
  const { model } = opened;
  try {
    const { evaluated, ...data } = await evaluateStage({ config, device, opened, tokenizer, saes }, reporter);
    const seconds = state.seconds.training + state.seconds.evaluating + (performance.now() - since) / 1000;
    const records: { id: string; record: EvaluationRecord }[] = [];
    for (const each of evaluated) {
      const { id } = each.planned;
      const { sae } = saes.find(({ planned }) => planned.id === id)!;
      records.push({
        id,
        record: await recordOf({ start, state, seconds, model, sae, ...data, ...each }),
      });
    }
    return records;
  } finally {
    await opened.close();
  }
}

async function writeTrained(folder: string, config: RunConfig, { saes, policy }: Trained): Promise<void> {
  for (const { plan, sae, steps, tokens, trajectory } of saes) {
    await writeRelease(folder, plan.id, {
      sae,
      details: {
        k_aux: plan.recipe.kAux,
        alpha_aux: plan.recipe.alphaAux,
        hook_name: residualHook(plan.layer),
        model_name: config.model.id,
        tokens_seen: tokens,
        step: steps,
      },
    });
    const points: Trajectory = { layer: plan.layer, tokens, points: trajectory, policy };
    await writeJsonAtomic(join(folder, trajectoryFile(plan.id)), points);
  }
}
