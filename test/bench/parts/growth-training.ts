/**
 * The stages of `bench growth` that make SAEs: training, its checkpoints, the merge of shards. (A page compares four SAEs at most: nothing grows
 * there.)
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { resolveRun } from '../../../runner/config/resolve.ts';
import { hookOf } from '../../../runner/hook.ts';
import { openRunFolder, RUN_SCHEMA, type RunState } from '../../../runner/job/run/run-folder.ts';
import { mergeInto } from '../../../runner/job/shards/merge.ts';
import { trajectoryFile } from '../../../runner/job/shared/trajectory-file.ts';
import { random } from '../../../runner/math/random.ts';
import { chooseBackend } from '../../../runner/train/backends/choose.ts';
import { checkpointStore } from '../../../runner/train/checkpoint.ts';
import { recipe } from '../../../runner/train/recipe.ts';
import type { SaePlan } from '../../../runner/train/sae-trainer.ts';
import { openTrainer } from '../../../runner/train/trainer.ts';
import { manyRecords } from '../../fixtures/site/make_many.ts';
import { peak, type Stage, stage } from './growth-used.ts';

const WIDTH = 128;
const BATCH = 1_024;

/** Work that is given a folder of its own, removed when it ends. */
const inFolder =
  (work: (folder: string) => Promise<void>): (() => Promise<void>) =>
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'interpboard-growth-'));
    try {
      await work(folder);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  };

const plansOf = (saes: number, dSae: number): SaePlan[] =>
  Array.from({ length: saes }, (_, i) => ({
    id: `L0_${i}`,
    hook: hookOf(0),
    d_in: WIDTH,
    recipe: recipe.parse({ dSae, k: 32, kAux: 64, batchTokens: BATCH, biasInitSamples: BATCH, seed: i }),
  }));

function activations(tokens: number): Map<string, Float32Array> {
  const stream = random('growth activations', tokens);
  return new Map([['L0', Float32Array.from({ length: tokens * WIDTH }, () => stream.gaussian())]]);
}

const opened = (saes: number, dSae: number) =>
  openTrainer(
    { backend: chooseBackend({ choice: 'auto', device: 'cpu', threads: 1 }), plans: plansOf(saes, dSae) },
    { samples: activations(BATCH) },
  );

const training = async (steps: number, saes: number, dSae: number): Promise<() => unknown> => {
  const batch = activations(BATCH);
  return async () => {
    const trainer = await opened(saes, dSae);
    for (let step = 0; step < steps; step++) {
      await trainer.step(batch);
      peak.look();
    }
    await trainer.close();
  };
};

/** A state that has trained for long: so many points of each SAE's trajectory. */
const checkpointed = async (saes: number, points: number): Promise<() => unknown> => {
  const trainer = await opened(saes, 1_024);
  await trainer.step(activations(BATCH));
  const state = await trainer.state();
  for (const sae of state.saes.values()) {
    const [first] = sae.trajectory.splice(0);
    for (let i = 0; i < points; i++) sae.trajectory.push({ ...first!, step: i + 1, tokens: BATCH * (i + 1) });
  }
  return inFolder(async (folder) => {
    await checkpointStore(join(folder, 'checkpoints')).save({ state, position: {} });
    const loaded = await checkpointStore(join(folder, 'checkpoints')).load();
    if (loaded?.checkpoint.state.saes.size !== saes) throw new Error('the checkpoint is not there');
  });
};

/** As many shards as SAEs, each with an SAE's files, its trajectory and its record. */
const merging = async (shards: number): Promise<() => unknown> => {
  const config = await resolveRun(['small-world-quick'], {});
  const identity = { model: 'm', trained: 't', evaluated: 'e' } as RunState['identity'];
  const records = manyRecords(shards);
  return inFolder(async (folder) => {
    const parts = records.map((record, i) => {
      const at = join(folder, `shard-${i}`);
      mkdirSync(at);
      const id = `L${i}`;
      const name = `sae_${id}_latest.safetensors`;
      writeFileSync(join(at, name), Buffer.alloc(1 << 16));
      writeFileSync(join(at, trajectoryFile(id)), '{}');
      const named = { ...record, sae: { ...record.sae, files: [{ ...record.sae.files[0]!, name }] } };
      const state: RunState = {
        schema: RUN_SCHEMA,
        identity,
        config,
        stage: 'done' as const,
        started: '2026-01-01T00:00:00Z',
        seconds: { training: 1, evaluating: 1 },
      };
      return { folder: at, state, records: [{ id, record: named }] };
    });
    const plan = { identity, shards: parts.map((_, i) => ({ saes: [`L${i}`] })) } as never;
    const into = await openRunFolder(join(folder, 'merged'));
    try {
      const union = { done: [], missing: [], foreign: [] };
      const { stage: ended } = await mergeInto(into, { config, plan, union, parts });
      if (ended !== 'done') throw new Error(`the merge ended ${ended}`);
    } finally {
      await into.release();
    }
  });
};

export const trainingStages: Readonly<Record<string, Stage>> = {
  training: stage('steps', [50, 100, 200], (size) => training(size, 1, 1_024)),
  'training, latents': stage('latents', [4_096, 8_192, 16_384], (size) => training(20, 1, size), {
    first: 512,
  }),
  'training, SAEs': stage('SAEs', [2, 4, 8], (size) => training(20, size, 1_024)),
  'checkpoint, points of trajectories': stage(
    'points',
    [50_000, 100_000, 200_000],
    (size) => checkpointed(1, size),
    { first: 10_000 },
  ),
  'checkpoint, SAEs': stage('SAEs', [8, 16, 32], (size) => checkpointed(size, 100)),
  'merge of shards': stage('shards', [200, 400, 800], merging, { first: 20 }),
};
