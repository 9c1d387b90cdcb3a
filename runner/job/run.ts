/** The job: train, evaluate, write everything the run's folder holds. Each stage begins where an earlier try ended. */
import { readFile, rm } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import type { RunConfig } from '../config/run-config.ts';
import type { Evaluated } from '../evaluation/evaluate.ts';
import { hashFile } from '../io/hash.ts';
import { writeJsonAtomic } from '../io/write-atomic.ts';
import { openCheckpoint } from '../lm/checkpoint.ts';
import { type LanguageModel, openLanguageModel } from '../lm/language-model.ts';
import { parseDevice } from '../onnx/devices.ts';
import { runtimeVersion } from '../onnx/session.ts';
import { writeExports } from '../report/exports.ts';
import { writeRunRecords } from '../report/run-records.ts';
import type { EvaluationRecord } from '../report/schema.ts';
import type { StageProgress } from '../reporter.ts';
import { stageReporter } from '../reporter.ts';
import { readRelease, releaseFiles, writeRelease } from '../sae/checkpoints/reference-release.ts';
import { type Sae, tensorsSha256 } from '../sae/sae.ts';
import { loadTokenizer } from '../text/tokenizer.ts';
import type { TrainedSae } from '../train/trainer.ts';
import { composeRecord, residualHook } from './compose-record.ts';
import { evaluateStage } from './evaluate-stage.ts';
import { modelFolder } from './identity.ts';
import type { JobStart } from './messages.ts';
import type { RunState } from './run-folder.ts';
import { trainStage } from './train-stage.ts';
import { readTrajectory, type Trajectory, trajectoryFile } from './trajectory-file.ts';

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
  const device = parseDevice(config.device);
  const checkpoint = await openCheckpoint(modelFolder(config));
  const tokenizer = await loadTokenizer(checkpoint.folder);
  const model = await openLanguageModel(checkpoint, {
    hooks: config.layers,
    device,
    maxTokens: Math.max(config.corpus.rowTokens, config.evaluation.probeTokens),
    ...(config.threads === null ? {} : { threads: config.threads }),
  });
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
  try {
    if (state.stage === 'training') {
      const since = performance.now();
      await writeJsonAtomic(join(folder, 'run.json'), state);
      try {
        const trained = await trainStage(
          { config, folder, device, model, tokenizer },
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
      const saes = new Map<number, Sae>();
      for (const layer of model.hooks) saes.set(layer, (await readRelease(folder, layer)).sae);
      const result = await evaluateStage({ config, device, model, tokenizer, saes }, reporter);
      state.seconds.evaluating += (performance.now() - since) / 1000;
      const records: EvaluationRecord[] = [];
      for (const evaluated of result.evaluated) {
        const sae = saes.get(evaluated.layer)!;
        records.push(
          await recordOf({ start, state, model, sae, evaluated, tokens: result.tokens, rows: result.rows }),
        );
      }
      await writeRunRecords(folder, records);
      await writeExports(folder, config.name, records);
      state.stage = 'done';
    } finally {
      await writeJsonAtomic(join(folder, 'run.json'), state);
    }
  } finally {
    await model.close();
  }
}

async function writeTrained(
  folder: string,
  config: RunConfig,
  trained: readonly TrainedSae[],
): Promise<void> {
  for (const { plan, sae, steps, tokens, trajectory } of trained) {
    await writeRelease(folder, plan.layer, {
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
    const points: Trajectory = { layer: plan.layer, tokens, points: trajectory };
    await writeJsonAtomic(join(folder, trajectoryFile(plan.layer)), points);
  }
}

async function recordOf(parts: {
  start: JobStart;
  state: RunState;
  model: LanguageModel;
  sae: Sae;
  evaluated: Evaluated;
  tokens: number;
  rows: number;
}): Promise<EvaluationRecord> {
  const { start, state, model, sae, evaluated, tokens, rows } = parts;
  const { config, folder, identity } = start;
  const { layer } = evaluated;
  const trajectory = await readTrajectory(folder, layer);
  const names = releaseFiles(layer);
  const files = [];
  for (const name of [names.tensors, names.config])
    files.push({ name, ...(await hashFile(join(folder, name))) });
  return composeRecord(
    {
      run: config.name,
      model: {
        id: config.model.id,
        revision: null,
        family: model.family,
        blocks: model.blocks,
        d_model: model.dModel,
        dtype: model.storedType,
        sha256: identity.model,
      },
      sae: {
        repo: null,
        architecture: sae.architecture,
        layer,
        d_in: sae.d_in,
        d_sae: sae.d_sae,
        k: sae.k,
        tokens_trained: trajectory.tokens,
        sha256: tensorsSha256(sae),
        files,
        training: { ...config.sae, source: config.corpus.source, rowTokens: config.corpus.rowTokens },
        license: null,
      },
      data: {
        name: 'small world',
        split: `held out by seed; documents cut to ${config.evaluation.documentTokens} tokens`,
        seed: config.corpus.heldoutSeed,
        tokens,
        rows,
        row_tokens: config.corpus.rowTokens,
      },
      trajectory: {
        var_exp: 'var_exp@chunk-v1',
        note: 'Of each training batch before its step, smoothed with decay 0.98 a step.',
        points: trajectory.points,
      },
      provenance: {
        source: start.command,
        url: null,
        started: state.started,
        wall_seconds: Math.round(10 * (state.seconds.training + state.seconds.evaluating)) / 10,
        device: deviceText(config),
        threads: config.threads,
        versions: await versions(),
        config_sha256: identity.config,
        seeds: {
          sae: config.sae.seed,
          training_text: config.corpus.trainSeed,
          heldout_text: config.corpus.heldoutSeed,
          probe_text: config.evaluation.probeSeed,
          bootstrap: config.evaluation.seed,
        },
      },
      caveats: config.model.folder === null ? embeddedCaveats : [],
    },
    evaluated,
  );
}

/** What a reader of the embedded model's scores must know. */
const embeddedCaveats = [
  'A model of 1.3 M parameters on generated text: its scores show that the procedure works, not how SAEs of large models do.',
  'The toxicity task stands in for toxic_conversations by rude and polite remarks, the sentiment task for sst2 by generated reviews.',
];

function deviceText(config: RunConfig): string {
  if (config.device !== 'cpu') return config.device;
  const all = cpus();
  return `cpu (${all[0]?.model.trim() || 'unknown model'}, ${all.length} cores)`;
}

async function versions(): Promise<Record<string, string>> {
  const manifest = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return {
    interpboard: manifest.version,
    node: process.versions.node,
    'onnxruntime-node': await runtimeVersion(),
  };
}
