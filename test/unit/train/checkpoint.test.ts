import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { MalformedError, UnavailableError } from '../../../runner/errors.ts';
import { hookOf } from '../../../runner/hook.ts';
import { graphBackend } from '../../../runner/train/backends/graph.ts';
import { checkpointStore, loadLatestCheckpoint } from '../../../runner/train/checkpoint.ts';
import type { Checkpoint } from '../../../runner/train/checkpoint-files.ts';
import type { Recipe } from '../../../runner/train/recipe.ts';
import type { SaePlan } from '../../../runner/train/sae-trainer.ts';
import { openTrainer, type Trainer } from '../../../runner/train/trainer.ts';
import { smallRecipe, sparseActivations } from './support.ts';

const d_in = 12;
const at = (layer: number) => ({ hook: hookOf(layer), d_in });
const annealed: Partial<Recipe> = { sparsityPEnd: 0.5, annealUpdates: 4 };
const plans: SaePlan[] = [
  { id: 'L1', ...at(1), recipe: smallRecipe() },
  { id: 'L3', ...at(3), recipe: smallRecipe({ dSae: 30, seed: 8 }) },
  ...(['batchtopk', 'jumprelu', 'gated', 'relu'] as const).map((architecture) => ({
    id: `L1_${architecture}`,
    ...at(1),
    recipe: smallRecipe({
      architecture,
      dSae: 20,
      kAux: 2,
      sparsityWarmupSteps: 9,
      ...(architecture === 'relu' ? annealed : {}),
    }),
  })),
];

const activations = (pass: number): Map<string, Float32Array> =>
  new Map([1, 3].map((layer) => [`L${layer}`, sparseActivations(64, d_in, 30, 100 * layer + pass)]));

function open(start: Parameters<typeof openTrainer>[1] = { samples: activations(0) }): Promise<Trainer> {
  const backend = graphBackend({ threads: 1 });
  return openTrainer({ backend, plans, logEverySteps: 5, now: () => 0 }, start);
}

async function trained(passes: number): Promise<Checkpoint> {
  const trainer = await open();
  for (let pass = 0; pass < passes; pass++) await trainer.step(activations(pass));
  const state = await trainer.state();
  await trainer.close();
  return { state, position: { pass: passes } };
}

let base: string;
let folder: string;

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'checkpoints-'));
  folder = join(base, 'checkpoints');
});

afterEach(async () => {
  await rm(base, { recursive: true });
});

const generation = (number: number): string => join(folder, `generation-00000${number}`);

test('resuming from disk, again and again, equals the uninterrupted run bit for bit', async () => {
  const passes = 12;
  const whole = await trained(passes);
  for (let pass = 0; ; ) {
    // A new store, trainer and session each time, as in a new process.
    const store = checkpointStore(folder);
    const found = await store.load();
    expect(found === undefined).toBe(pass === 0);
    const position: unknown = found === undefined ? { pass: 0 } : found.checkpoint.position;
    expect(position).toEqual({ pass });
    const trainer = await open(found && { resume: found.checkpoint.state });
    const until = Math.min(pass + 3, passes);
    for (; pass < until; pass++) await trainer.step(activations(pass));
    const state = await trainer.state();
    await store.save({ state, position: { pass } });
    await trainer.close();
    if (pass < passes) continue;
    expect(state).toEqual(whole.state);
    break;
  }
  expect((await loadLatestCheckpoint(folder))?.checkpoint).toEqual(whole);
  expect((await readdir(folder)).sort()).toEqual(['generation-000003', 'generation-000004']);
});

test('a folder without checkpoints holds none', async () => {
  expect(await loadLatestCheckpoint(folder)).toBeUndefined();
  await mkdir(folder);
  expect(await loadLatestCheckpoint(folder)).toBeUndefined();
});

describe('with two generations', () => {
  let older: Checkpoint;
  let newer: Checkpoint;

  beforeAll(async () => {
    older = await trained(1);
    newer = await trained(2);
  });

  beforeEach(async () => {
    const store = checkpointStore(folder);
    await store.save(older);
    await store.save(newer);
  });

  test('what a crash left behind is not taken for a checkpoint, and goes with the next save', async () => {
    // Every stage of writing the third generation: an empty folder, some files, all files but the manifest, all of it.
    const files = await readdir(generation(2));
    for (const [i, count] of [0, 1, files.length - 1, files.length].entries()) {
      const partial = join(folder, `partial-00${i}`);
      await mkdir(partial);
      for (const name of files.slice(0, count)) {
        await writeFile(join(partial, name), await readFile(join(generation(2), name)));
      }
    }
    await writeFile(join(folder, 'partial-file'), 'x');
    const store = checkpointStore(folder);
    expect(await store.load()).toMatchObject({ checkpoint: newer, generation: 2, damaged: [] });
    await store.save(newer);
    expect((await readdir(folder)).sort()).toEqual(['generation-000002', 'generation-000003']);
  });

  test.each<[string, () => Promise<void>, RegExp]>([
    [
      'a truncated file',
      () => truncate(join(generation(2), 'L3.safetensors'), 1_000),
      /L3\.safetensors: found 1000 bytes; expected \d+/,
    ],
    ['an empty file', () => truncate(join(generation(2), 'state.json'), 0), /state\.json: found 0 bytes/],
    [
      'a flipped bit in a tensor',
      () => flip('L1.safetensors', 5_000),
      /L1\.safetensors: found other contents/,
    ],
    ['a flipped bit in a header', () => flip('L1.safetensors', 20), /L1\.safetensors: found other contents/],
    ['a flipped bit in the state', () => flip('state.json', 40), /state\.json: found other contents/],
    ['a flipped bit in the manifest', () => flip('manifest.json', 60), /generation-000002/],
    ['a cut manifest', () => truncate(join(generation(2), 'manifest.json'), 30), /manifest\.json: found/],
    ['a missing file', () => rm(join(generation(2), 'L3.safetensors')), /L3\.safetensors/],
    ['a missing manifest', () => rm(join(generation(2), 'manifest.json')), /manifest\.json: found ENOENT/],
    [
      'nothing in it',
      () => rm(generation(2), { recursive: true }).then(() => mkdir(generation(2)).then(() => {})),
      /manifest/,
    ],
    [
      'an entry gone from the manifest',
      async () => {
        const path = join(generation(2), 'manifest.json');
        const manifest = JSON.parse(await readFile(path, 'utf8')) as { files: Record<string, unknown> };
        delete manifest.files['L1.safetensors'];
        await writeFile(path, JSON.stringify(manifest));
      },
      /without L1\.safetensors/,
    ],
  ])('a newest generation with %s falls back to the older one, and says so', async (_, harm, reason) => {
    await harm();
    const store = checkpointStore(folder);
    const found = await store.load();
    expect(found?.checkpoint).toEqual(older);
    expect(found?.generation).toBe(1);
    expect(found?.damaged).toHaveLength(1);
    expect(found?.damaged[0]?.folder).toBe(generation(2));
    expect(found?.damaged[0]?.reason).toMatch(reason);
    // The next save keeps the good one, not the damaged one.
    await store.save(newer);
    expect((await readdir(folder)).sort()).toEqual(['generation-000001', 'generation-000003']);
    expect((await loadLatestCheckpoint(folder))?.checkpoint).toEqual(newer);
  });

  async function flip(name: string, at: number): Promise<void> {
    const bytes = await readFile(join(generation(2), name));
    bytes[at]! ^= 1;
    await writeFile(join(generation(2), name), bytes);
  }

  test('two damaged generations are an error', async () => {
    await truncate(join(generation(2), 'state.json'), 10);
    await truncate(join(generation(1), 'L1.safetensors'), 10);
    const failure = await loadLatestCheckpoint(folder).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(MalformedError);
    expect((failure as Error).message).toMatch(/none intact of 2 .*state\.json/);
  });

  test('a save that fails leaves the generations as they were', async () => {
    const before = await readdir(folder);
    const saes = new Map(newer.state.saes);
    // An id that is no file name: fails after the first SAE was written.
    saes.set('../L3', saes.get('L3')!);
    const state = { ...newer.state, saes };
    await expect(checkpointStore(folder).save({ ...newer, state })).rejects.toThrow(UnavailableError);
    expect(await readdir(folder)).toEqual(before);
    expect((await loadLatestCheckpoint(folder))?.checkpoint).toEqual(newer);
  });

  test('clearing removes every generation', async () => {
    await checkpointStore(folder).clear();
    expect(await readdir(folder)).toEqual([]);
  });
});

test('a folder that cannot be written is reported', async () => {
  await writeFile(folder, 'a file');
  await expect(checkpointStore(folder).save(await trained(0))).rejects.toThrow(UnavailableError);
});

/**
 * Written by the version before architectures had files of their own: three SAEs of 20 latents on 6 dimensions, six
 * steps each, with the settings of that time.
 */
test('a checkpoint of an earlier version is read and trained on', async () => {
  const old = fileURLToPath(new URL('../../fixtures/train/checkpoint-2', import.meta.url));
  const { checkpoint } = (await loadLatestCheckpoint(old))!;
  expect(checkpoint.position).toEqual({ pass: 3 });
  const { plans: saved } = checkpoint.state;
  expect(saved.map(({ recipe }) => recipe)).toEqual(
    (['topk', 'batchtopk', 'matryoshka'] as const).map((architecture) =>
      smallRecipe({ architecture, dSae: 20, k: 3, kAux: 2, groupFractions: [0.25, 0.75] }),
    ),
  );
  const trainer = await openTrainer(
    { backend: graphBackend({ threads: 1 }), plans: saved, logEverySteps: 5, now: () => 0 },
    { resume: checkpoint.state },
  );
  const seen = await trainer.step(new Map([['L1', sparseActivations(64, 6, 12, 103)]]));
  expect(seen.map(({ id, step }) => [id, step])).toEqual(saved.map(({ id }) => [id, 8]));
  const saes = (await trainer.saes()).map(({ sae }) => sae);
  expect(saes.map(({ architecture }) => architecture)).toEqual(['topk', 'batchtopk', 'matryoshka']);
  for (const sae of saes) {
    if ('threshold' in sae) expect(sae.threshold[0]).toBeGreaterThan(0);
  }
  await trainer.close();
});
