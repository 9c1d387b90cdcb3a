/** Training with activations that stay where the language model computes them gives the SAEs that it gives by the host, to the bit. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { resolveRun } from '../../../../runner/config/resolve.ts';
import { demoModelFolder } from '../../../../runner/demo/index.ts';
import { hookOf } from '../../../../runner/hook.ts';
import { stampOf } from '../../../../runner/job/release/resume-stamp.ts';
import { trainStage } from '../../../../runner/job/run/train-stage.ts';
import { writeTrained } from '../../../../runner/job/shared/trained-saes.ts';
import { readTrajectory } from '../../../../runner/job/shared/trajectory-file.ts';
import { openActivationsOn } from '../../../../runner/job/training-data/held-activations.ts';
import { openCheckpoint } from '../../../../runner/lm/checkpoint.ts';
import { openLanguageModel } from '../../../../runner/lm/open-language-model.ts';
import type { HeldTensor, HostTensor } from '../../../../runner/onnx/session.ts';
import { Stopped } from '../../../../runner/reporter.ts';
import { saeSha256 } from '../../../../runner/sae/content-hash.ts';
import { graphBackend } from '../../../../runner/train/backends/graph.ts';
import { recipe } from '../../../../runner/train/recipe.ts';
import { newTrainingState } from '../../../../runner/train/sae-trainer.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'held-activations-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** Six steps of SAEs at two hooks. */
const settings = [
  'backend=graph',
  'corpus.rowTokens=32',
  'sae.batchTokens=64',
  'sae.dSae=64',
  'sae.k=4',
  'sae.kAux=8',
  'sae.deadThresholdTokens=128',
  'sae.biasInitSamples=64',
  'training.tokens=384',
  'training.logSteps=1',
];

/** @param stopAfter tokens, after which the user asks to stop */
async function train(folder: string, hold: boolean, set: readonly string[], stopAfter = Infinity) {
  const config = await resolveRun(['small-world-quick'], { set: [...settings, ...set] });
  let done = 0;
  const notes: string[] = [];
  const trained = await trainStage(
    {
      config,
      shard: null,
      from: [],
      folder: join(root, folder),
      model: { folder: demoModelFolder, revision: null },
      memory: 2 ** 32,
      hold,
      stamp: (tokens) => ({ ...stampOf(config, { model: '' }, ''), tokens, seconds: 0 }),
    },
    {
      progress: (tokens) => {
        done = tokens;
      },
      note: (text) => notes.push(text),
      stopRequested: () => done >= stopAfter,
    },
  );
  expect(notes).toContain(`activations ${hold ? 'stay on cpu' : 'pass through the host’s memory, as asked'}`);
  // What the record says of it is read from beside each SAE.
  const { saes } = trained;
  await writeTrained(join(root, folder), 'embedded', trained);
  const { activations } = await readTrajectory(join(root, folder), saes[0]!.plan.id);
  expect(activations).toBe(hold ? 'on cpu' : 'through the host’s memory, as asked');
  return saes.map(({ plan, sae, tokens, trajectory }) => ({
    id: plan.id,
    tokens,
    sha256: saeSha256(sae),
    trajectory: trajectory.map(({ tokens_per_second: _, ...point }) => point),
  }));
}

test.each([
  ['as they are', ['layers=[0,2]']],
  ['scaled alike', ['layers=[0]', 'sae.normalisation=expected_average_only_in']],
  // 1,024 tokens of both hooks, of which the first of each row are left out.
  ['through a buffer', ['layers=[0,2]', 'training.shuffle.megabytes=1', 'training.policy.dropFirst=3']],
  // Beyond the median of a hook are half of the tokens.
  ['capped', ['layers=[0,2]', 'training.policy.highNorm=cap', 'training.policy.highNormFactor=1']],
  ['some left out', ['layers=[0,2]', 'training.policy.highNorm=drop', 'training.policy.highNormFactor=1.1']],
  ['of a transcoder', ['hooks=["mlp_in:1>mlp_out:1"]', 'layers=[]']],
])('%s', async (name, set) => {
  const byHost = await train(`${name}-host`, false, set);
  expect(byHost[0]!.tokens).toBe(384);
  expect(await train(`${name}-held`, true, set)).toEqual(byHost);
});

test.each([
  ['', ['layers=[0,2]']],
  [', with its buffer', ['layers=[0,2]', 'training.shuffle.megabytes=1']],
])('a run that was stopped goes on from its state%s, on a device or not', async (name, set) => {
  const whole = await train(`whole${name}`, true, set);
  await expect(train(`cut${name}`, true, set, 128)).rejects.toThrow(Stopped);
  await expect(train(`cut${name}`, false, set, 256)).rejects.toThrow(Stopped);
  expect(await train(`cut${name}`, true, set)).toEqual(whole);
});

test('passes that are made ahead are those that are made in turn, and none is left behind', async () => {
  const config = await resolveRun(['small-world-quick'], { set: [...settings, 'layers=[0,2]'] });
  const run = {
    config,
    hooks: [hookOf(0), hookOf(2)],
    place: { folder: demoModelFolder, revision: null },
    folder: join(root, 'ahead'),
    memory: 2 ** 32,
    saes: 0,
  };
  let stops = false;
  const voice = { progress: () => undefined, note: () => undefined, stopRequested: () => stops };
  const found = [];
  for (const most of [0, 2]) {
    const source = await openActivationsOn('cpu', run, undefined, voice, most);
    const passes = [];
    for (let i = 0; i < 3; i++) {
      const { activations, position } = await source.next();
      const values: Record<string, HostTensor> = {};
      for (const [hook, tensor] of activations) {
        values[hook] = await tensor.read();
        tensor.dispose();
      }
      passes.push({ position, values });
    }
    stops = most > 0;
    if (stops) await expect(source.next()).rejects.toThrow(Stopped);
    // What is on its way ends before the sessions that make it.
    await source.close();
    found.push(passes);
  }
  expect(Object.keys(found[0]![0]!.values)).toEqual(['L0', 'L2']);
  expect(found[1]).toEqual(found[0]);
});

test('a pass that goes on beside a step, as on CUDA, changes neither', async () => {
  const checkpoint = await openCheckpoint(demoModelFolder);
  const batch = { ids: Int32Array.from({ length: 64 }, (_, i) => (7 * i) % 500), rows: 2, tokens: 32 };
  const settings = recipe.parse({ dSae: 64, k: 4, kAux: 8, batchTokens: 64, biasInitSamples: 1 });
  const rows = Int32Array.from({ length: 64 }, (_, i) => i);
  const found = [];
  for (const atOnce of [false, true]) {
    const running = { aside: true, threads: 1 };
    const model = await openLanguageModel(checkpoint, { hooks: [2], ...running });
    const d_in = model.dModel;
    const { optimiser } = newTrainingState(
      { id: 'L2', hook: hookOf(2), d_in, recipe: settings },
      new Float32Array(d_in).fill(1),
    );
    const session = await graphBackend(running).init(settings, d_in, optimiser);
    const pass = async (round: number) =>
      (await model.heldResiduals({ ...batch, ids: batch.ids.map((id) => id + round) }))[0]!;
    const step = (tensor: HeldTensor) =>
      session.step({ tensor, rows, scale: 1 }, { learningRate: 1e-3, dead: new Int32Array(0) });
    let now = await pass(0);
    const losses: number[] = [];
    for (let round = 1; round <= 5; round++) {
      const stepping = step(now);
      if (!atOnce) await stepping;
      const [next, { mse }] = await Promise.all([pass(round), stepping]);
      losses.push(mse);
      now.dispose();
      now = next;
    }
    found.push({ losses, state: await session.state() });
    await session.close();
    await model.close();
  }
  expect(new Set(found[0]!.losses).size).toBe(5);
  expect(found[1]).toEqual(found[0]);
});
