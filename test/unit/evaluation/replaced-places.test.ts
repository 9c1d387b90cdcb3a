/** Crosscoders of two models and of several hooks of one: what transformers computes with their authors' reconstructions. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { demoModelFolder } from '../../../runner/demo/model-folder.ts';
import { type CrosscoderPlace, replacedPlaces } from '../../../runner/evaluation/replaced-places.ts';
import { hookOf } from '../../../runner/hook.ts';
import { openContentCache } from '../../../runner/io/content-cache.ts';
import { openCheckpoint } from '../../../runner/lm/checkpoint.ts';
import type { LanguageModel } from '../../../runner/lm/language-model.ts';
import { openLanguageModel } from '../../../runner/lm/open-language-model.ts';
import { Stopped, silent, stageReporter } from '../../../runner/reporter.ts';
import type { LoadOptions } from '../../../runner/sae/checkpoints/adapter.ts';
import { detectAdapter } from '../../../runner/sae/checkpoints/detect.ts';
import { openCrosscoder } from '../../../runner/sae/open-crosscoder.ts';
import layers from '../../fixtures/crosscoder/layers/golden.json' with { type: 'json' };
import replication from '../../fixtures/crosscoder/replication/golden.json' with { type: 'json' };
import { relativeDifference } from '../sae/support.ts';
import { exchangedModel } from './crosscoder-models.ts';

const fixtures = fileURLToPath(new URL('../../fixtures/crosscoder/', import.meta.url));
const draws = { resamples: 50, seed: 0 };
let folder: string;
let exchanged: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'crosscoder-places-'));
  exchanged = await exchangedModel(join(folder, 'exchanged'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function opened(
  name: string,
  folders: readonly string[],
  places: readonly CrosscoderPlace[],
  options: LoadOptions,
) {
  const path = join(fixtures, name);
  const file = await (await detectAdapter(path)).crosscoder!(path, options);
  const coder = await openCrosscoder(file, { threads: 1 });
  const models: LanguageModel[] = [];
  for (const [number, each] of folders.entries()) {
    const hooks = places.filter(({ model }) => model === number).map(({ hook }) => hook);
    models.push(await openLanguageModel(await openCheckpoint(each), { hooks, threads: 1 }));
  }
  return {
    coder: { coder, places },
    models,
    async close() {
      for (const each of [...models, coder, file]) await each.close();
    },
  };
}

function batchesOf(ids: readonly number[][]) {
  return [ids.slice(0, 4), ids.slice(4)].map((rows) => ({
    ids: Int32Array.from(rows.flat()),
    rows: rows.length,
    tokens: rows[0]!.length,
  }));
}

const cases = [
  {
    name: 'replication',
    golden: replication,
    places: [0, 1].map((model) => ({ model, hook: hookOf(2) })),
    options: { normScales: replication.scales },
    folders: () => [demoModelFolder, exchanged],
  },
  {
    name: 'layers',
    golden: layers,
    places: layers.blocks.map((block) => ({ model: 0, hook: hookOf(block) })),
    options: {},
    folders: () => [demoModelFolder],
  },
];

it.each(cases)(
  '$name: variance explained and losses of each place',
  async ({ name, golden, places, options, folders }) => {
    const { coder, models, close } = await opened(name, folders(), places, options);
    const reporter = stageReporter('test', 'passes', silent);
    const found = await replacedPlaces(models, coder, batchesOf(golden.ids), draws, reporter);
    await close();
    const value = (of: { value: number | null }): number => of.value!;
    const lossesOf = (id: 'loss_clean@v1' | 'loss_sae@v1' | 'loss_zero@v1' | 'loss_mean@v1') =>
      found.places.map(({ losses }) => value(losses.metrics[id]));
    expect(
      relativeDifference(
        lossesOf('loss_clean@v1'),
        golden.losses.map(({ clean }) => clean),
      ),
    ).toBeLessThan(1e-5);
    expect(
      relativeDifference(
        lossesOf('loss_sae@v1'),
        golden.losses.map(({ sae }) => sae),
      ),
    ).toBeLessThan(1e-5);
    expect(
      relativeDifference(
        lossesOf('loss_zero@v1'),
        golden.losses.map(({ zero }) => zero),
      ),
    ).toBeLessThan(1e-5);
    expect(
      relativeDifference(
        lossesOf('loss_mean@v1'),
        golden.losses.map(({ mean }) => mean),
      ),
    ).toBeLessThan(1e-5);
    for (const [place, { losses }] of found.places.entries()) {
      const { clean, sae, zero } = golden.losses[place]!;
      expect(value(losses.metrics['loss_recovered@pooled-v1'])).toBeCloseTo((zero - sae) / (zero - clean), 5);
    }
    const explained = found.places.map(({ reconstruction }) => value(reconstruction['var_exp@pooled-v1']));
    expect(relativeDifference(explained, golden.var_exp)).toBeLessThan(1e-5);
    const { metrics } = found.whole;
    expect(value(metrics['var_exp@pooled-v1'])).toBeCloseTo(golden.var_exp_whole, 5);
    expect(value(metrics['l0@v1'])).toBeCloseTo(golden.l0, 9);
    expect(value(metrics['alive@v1'])).toBeCloseTo(golden.alive, 9);
    expect(found.firings.filter((firings) => firings > 0).length / found.firings.length).toBe(golden.alive);
    expect(found).toMatchObject({ tokens: 144, rows: 6 });
  },
);

it('keeps what was measured with activations replaced, for the same crosscoder and models', async () => {
  const { name, golden, places, options, folders } = cases[0]!;
  const { coder, models, close } = await opened(name, folders(), places, options);
  const reporter = stageReporter('test', 'passes', silent);
  let passes = 0;
  const counting = models.map(
    (model): LanguageModel => ({
      ...model,
      finish(...given) {
        passes++;
        return model.finish(...given);
      },
    }),
  );
  const cache = await openContentCache(join(folder, 'cache'), 2 ** 20, 'test program');
  const kept = { cache, identity: 'both models', sha256: 'one' };
  const again = (by: typeof kept) =>
    replacedPlaces(counting, coder, batchesOf(golden.ids), draws, reporter, by);
  const measured = await again(kept);
  await cache.settled();
  expect(passes).toBe(16);
  expect(await again(kept)).toEqual(measured);
  expect(passes).toBe(16 + 4);
  expect(await again({ ...kept, sha256: 'another' })).toEqual(measured);
  expect(passes).toBe(16 + 4 + 8);
  let done = 0;
  const stopping = { ...reporter, stopRequested: () => done > 2, progress: () => done++ };
  await expect(
    replacedPlaces(models, coder, batchesOf(golden.ids), draws, stopping, kept),
  ).rejects.toMatchObject({
    constructor: Stopped,
    message: expect.stringContaining('losses with activations replaced are kept'),
  });
  expect(done).toBe(3);
  await close();
});
