/** A run that trains at hooks inside blocks: what it reads there, that it goes on where it stopped, and what it leaves. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { resolveRun } from '../../../../runner/config/resolve.ts';
import { hooksOfWords, trainedHooks, trainedPlaces } from '../../../../runner/config/trained-hooks.ts';
import { demoModelFolder } from '../../../../runner/demo/index.ts';
import { hookLabel, hookName, placeName } from '../../../../runner/hook.ts';
import { stampOf } from '../../../../runner/job/release/resume-stamp.ts';
import { trainStage } from '../../../../runner/job/run/train-stage.ts';
import { checkHooksOf, widthsOf } from '../../../../runner/job/shared/model-place.ts';
import { batchOf } from '../../../../runner/job/shared/text.ts';
import { writeTrained } from '../../../../runner/job/shared/trained-saes.ts';
import { openActivationsHere } from '../../../../runner/job/training-data/activations.ts';
import { trainingRows } from '../../../../runner/job/training-data/training-rows.ts';
import { openCheckpoint } from '../../../../runner/lm/checkpoint.ts';
import { openLanguageModel } from '../../../../runner/lm/open-language-model.ts';
import { Stopped, silent } from '../../../../runner/reporter.ts';
import { openSaeFile } from '../../../../runner/sae/checkpoints/load.ts';
import { saeSha256 } from '../../../../runner/sae/content-hash.ts';
import { loadTokenizer } from '../../../../runner/text/tokenizer.ts';

const model = { folder: demoModelFolder, revision: null };
const config = await resolveRun(['small-world-quick'], {
  hooks: 'attn_z:3,mlp_out:1,2,mlp_in:2,mlp_in:1>mlp_out:1,2',
  layers: '2',
  set: [
    ...['sae.batchTokens=256', 'sae.dSae=64', 'sae.k=4', 'sae.kAux=8', 'sae.warmupSteps=2'],
    ...['sae.biasInitSamples=256', 'training.tokens=2048', 'training.shuffle.megabytes=1'],
    ...['training.policy.highNorm=drop', 'threads=1', 'sae.transcode=skip'],
  ],
});
const hooks = trainedHooks(config);
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'interpboard-inside-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it('names several hooks of a block, and blocks of one hook', () => {
  expect(hooks.map(hookName)).toEqual([
    ...['mlp_in:1', 'mlp_out:1', 'mlp_in:2', 'mlp_out:2', 'resid_post:2', 'attn_z:3'],
  ]);
  expect(trainedPlaces(config).map(placeName)).toEqual([
    ...['mlp_out:1', 'mlp_in:1>mlp_out:1', 'mlp_in:2', 'mlp_out:2', 'mlp_in:2>mlp_out:2'],
    ...['resid_post:2', 'attn_z:3'],
  ]);
  expect(hooksOfWords('4,mlp_out:1,12,mlp_in:3>mlp_out:3,4')).toEqual([
    ...['resid_post:4', 'mlp_out:1', 'mlp_out:12', 'mlp_in:3>mlp_out:3', 'mlp_in:4>mlp_out:4'],
  ]);
});

it('reads what the language model has there', async () => {
  const run = { config, hooks, place: model, folder, memory: 1e9, saes: 0 };
  const source = await openActivationsHere(run, undefined, silent);
  const { activations } = await source.next();
  await source.close();
  expect([...activations.keys()]).toEqual(hooks.map(hookLabel));
  const rows = trainingRows(config.corpus, 2048, await loadTokenizer(demoModelFolder), undefined);
  const taken = [(await rows.next()).value!.row, (await rows.next()).value!.row];
  await rows.return(undefined);
  // Held to transformers' modules in test/unit/lm/hooks.test.ts.
  const opened = await openLanguageModel(await openCheckpoint(demoModelFolder), { hooks, maxTokens: 128 });
  const expected = await opened.residuals(batchOf(taken));
  await opened.close();
  for (const [i, x] of [...activations.values()].entries()) {
    expect(x).toHaveLength(expected[i]!.length);
    const scale = Math.max(...expected[i]!.map(Math.abs));
    expect(Math.max(...x.map((value, at) => Math.abs(value - expected[i]![at]!))) / scale).toBeLessThan(1e-5);
  }
});

it('trains at each, goes on where it stopped to the same bits, and says the hook in its files', async () => {
  const stage = (name: string, stopAt: number) => {
    let done = 0;
    return trainStage(
      {
        config,
        shard: null,
        from: [],
        folder: join(folder, name),
        model,
        memory: 2 ** 32,
        stamp: (tokens) => ({ ...stampOf(config, { model: '' }, ''), tokens, seconds: 0 }),
      },
      {
        note: () => undefined,
        progress: (tokens) => {
          done = tokens;
        },
        stopRequested: () => done >= stopAt,
      },
    );
  };
  const whole = await stage('whole', Infinity);
  await expect(stage('parts', 1024)).rejects.toBeInstanceOf(Stopped);
  const resumed = await stage('parts', Infinity);
  const hashes = ({ saes }: typeof whole) => saes.map(({ plan, sae }) => [plan.id, saeSha256(sae)]);
  expect(hashes(resumed)).toEqual(hashes(whole));
  expect(new Set(hashes(whole).map(([, hash]) => hash)).size).toBe(7);
  const widths = await widthsOf(model, hooks);
  for (const { plan } of whole.saes) expect(plan.d_in).toBe(widths.get(hookLabel(plan.hook)));
  await writeTrained(join(folder, 'whole'), 'demo', whole);
  const file = await openSaeFile(join(folder, 'whole'), { hook: { layer: 2, site: 'mlp_out' } });
  await file.close();
  expect(file.details.hook_name).toBe('blocks.2.hook_mlp_out');
  await expect(openSaeFile(join(folder, 'whole'), { layer: 3 })).rejects.toThrow(
    /expected one of .*attn_z:3/,
  );
  const hook = { layer: 2, site: 'mlp_out', reads: { layer: 2, site: 'mlp_in' } } as const;
  const transcoder = await openSaeFile(join(folder, 'whole'), { hook });
  const { sae } = await transcoder.load();
  await transcoder.close();
  expect(transcoder.details).toMatchObject({
    hook_name: 'blocks.2.mlp.hook_in',
    hook_name_out: 'blocks.2.hook_mlp_out',
  });
  expect(sae).toMatchObject({ d_in: 128, d_out: 128, apply_b_dec_to_input: false });
  const trained = whole.saes.find(({ plan: { id } }) => id === 'L2_mlp_in_to_mlp_out')!;
  expect(saeSha256(sae)).toBe(saeSha256(trained.sae));
  expect(sae.W_skip!.some((value) => value !== 0)).toBe(true);
  expect(trained.trajectory.at(-1)!.var_exp).toBeGreaterThan(trained.trajectory[0]!.var_exp!);
  const trajectory = await readFile(join(folder, 'whole', 'trajectory_L1_mlp_out.json'), 'utf8');
  expect(JSON.parse(trajectory)).toMatchObject({ layer: 1, site: 'mlp_out' });
});

it('refuses hooks that the model has not, and settings that no hook has a use for', async () => {
  const set = ['layers=[2]', 'sae.transcode=skip'];
  await expect(resolveRun(['small-world-quick'], { set })).rejects.toThrow(
    /expected none where no hook is a transcoder’s/,
  );
  await expect(
    resolveRun(['small-world-quick'], {
      hooks: 'mlp_in:2>mlp_out:2',
      set: ['sae.normalisation=layer_norm'],
    }),
  ).rejects.toThrow(/transcoders are trained without/);
  await expect(resolveRun(['small-world-quick'], { hooks: 'mlp_out:2>mlp_in:2' })).rejects.toThrow(
    /expected one such/,
  );
  await expect(checkHooksOf(model, [{ layer: 9, site: 'mlp_out' }])).rejects.toThrow(
    /hook layer: found mlp_out:9/,
  );
});
