/** A cross-layer transcoder in a run: what its record holds, its probing as the suite's on an SAE with the encoder of a layer. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { resolveRun } from '../../../../runner/config/resolve.ts';
import { suitesOf } from '../../../../runner/config/run-config.ts';
import { demoModelFolder } from '../../../../runner/demo/model-folder.ts';
import { UserError } from '../../../../runner/errors.ts';
import { formatBytes } from '../../../../runner/io/bytes.ts';
import { hashFile } from '../../../../runner/io/hash.ts';
import { crossLayerStage } from '../../../../runner/job/evaluation/cross-layer-stage.ts';
import { pooledOf, readingsOf } from '../../../../runner/job/evaluation/pooled-memory.ts';
import { planOf } from '../../../../runner/job/run/plan.ts';
import { checkAlone } from '../../../../runner/job/shared/cross-layer-transcoder.ts';
import { modelShape } from '../../../../runner/job/shared/model-place.ts';
import { describePublished } from '../../../../runner/job/shared/published-saes.ts';
import { openCheckpoint } from '../../../../runner/lm/checkpoint.ts';
import { Stopped, silent, stageReporter } from '../../../../runner/reporter.ts';
import { hooksOfCrossLayer, openCrossLayer } from '../../../../runner/sae/checkpoints/cross-layer.ts';
import { writeSaeLens } from '../../../../runner/sae/checkpoints/sae-lens-export.ts';
import type { JumpReluSae } from '../../../../runner/sae/sae.ts';
import { loaded } from '../../../../runner/sae/stored-sae.ts';
import { core } from '../../../../runner/suites/core/suite.ts';
import { kSparse } from '../../../../runner/suites/k-sparse/suite.ts';
import type { Suite } from '../../../../runner/suites/suite.ts';
import golden from '../../../fixtures/clt/golden.json' with { type: 'json' };
import { described, evaluatedInside, located } from '../../evaluation/inside-block.ts';

const clt = fileURLToPath(new URL('../../../fixtures/clt/', import.meta.url));
const LAYER = 2;
const set = [
  'probing.sets=["topic"]',
  'evaluation.setTrainTexts=12',
  'evaluation.setTestTexts=8',
  'evaluation.tokens=512',
  'evaluation.resamples=20',
  'threads=1',
];
const model = { folder: demoModelFolder, revision: null };
const reporter = () => stageReporter('test', 'tokens', silent);
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cross-layer-job-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it('scores the latents of each layer as the suite scores those of an SAE, and says what is left out', async () => {
  const config = await resolveRun(['small-world-quick'], { set: [...set, 'evaluation.kValues=[1,3,5]'] });
  const suites = [core, kSparse];
  const run = { config, model, folder: clt, scratch: folder, memory: 2 ** 32, suites };
  const { evaluated, sae, exclusions, tokens } = await crossLayerStage(run, reporter);
  expect(sae).toMatchObject({ d_in: 128, d_out: 128, d_sae: 6 * 24, architecture: 'jumprelu' });
  const { curves, tables } = evaluated.suites['cross-layer']!;
  expect(Object.keys(curves!)).toEqual(['var_exp', 'l0', 'alive', 'probing_k1', 'probing_k5']);
  expect(Object.values(curves!).map(({ points }) => points.map(({ at }) => at))).toEqual(
    Array(5).fill([0, 1, 2, 3, 4, 5]),
  );
  // Each curve is of its own statistic: over the layers they come to those of the whole.
  const sum = (key: string): number =>
    curves![key]!.points.reduce((total, { values }) => total + values.transcoder!.value!, 0);
  expect(sum('l0')).toBeCloseTo(evaluated.metrics['l0@v1']!.value!, 9);
  expect(sum('alive') / 6).toBeCloseTo(evaluated.metrics['alive@v1']!.value!, 9);
  const explained = curves!.var_exp!.points.map(({ values }) => values.transcoder!.value!);
  expect(evaluated.metrics['var_exp@pooled-v1']!.value!).toBeGreaterThan(Math.min(...explained));
  expect(evaluated.metrics['var_exp@pooled-v1']!.value!).toBeLessThan(Math.max(...explained));
  const { measures } = evaluated.suites['cross-layer']!;
  expect(measures!['loss_all_mlps@v1']!.value!).toBeGreaterThan(measures!['loss_clean@v1']!.value!);
  expect(tables!.data_sets!.map(({ name }) => name)).toEqual(['topic']);
  expect(exclusions.map(({ suite, data }) => [suite, data])).toEqual([
    ['core', 'all'],
    ['controls', 'held-out text'],
    ['k-sparse', 'evaluation.kValues 3'],
  ]);
  expect(tokens).toBe(512);
  expect(Object.keys(evaluated.paired!.draws)).toContain('loss_recovered_all_mlps@v1');

  const file = await openCrossLayer(clt);
  const whole = (await loaded(file.layers[LAYER]!)) as JumpReluSae;
  const d = file.d_model;
  await file.close();
  const { d_out: _, ...same } = whole;
  const alone = { ...same, W_dec: new Float32Array(whole.d_sae * d).fill(0.1), b_dec: new Float32Array(d) };
  await writeSaeLens(join(folder, 'sae'), alone, {
    model_name: 'interpboard/small-world',
    hook_name: `blocks.${LAYER}.hook_resid_mid`,
  });
  const published = await described(await located([join(folder, 'sae')]));
  const suite = await evaluatedInside(published, golden.ids, {
    set: ['evaluation.suites=["k-sparse"]', ...set, 'evaluation.kValues=[1,5]'],
  });
  const { points, constants } = suite.evaluated[0]!.evaluated.suites['k-sparse']!.curves!.accuracy!;
  for (const { at: k, values } of points) {
    const ofLayers = curves![`probing_k${k}`]!.points;
    expect(ofLayers[LAYER]!.values).toEqual({
      sae: values.sae,
      channels: values.channels,
      ceiling: constants!.ceiling,
    });
    expect(ofLayers[LAYER]!.values).not.toEqual(ofLayers[LAYER + 1]!.values);
  }
});

it('without the suite or without sets there is no probing', async () => {
  const little = [
    'evaluation.tokens=512',
    'evaluation.resamples=20',
    'evaluation.controlTokens=0',
    'threads=1',
  ];
  for (const [suites, sets] of [
    [[], '["topic"]'],
    [[kSparse], '[]'],
  ] as const) {
    const config = await resolveRun(['small-world-quick'], { set: [...little, `probing.sets=${sets}`] });
    const run = { config, model, folder: clt, scratch: folder, memory: 2 ** 32, suites };
    const { evaluated, exclusions } = await crossLayerStage(run, reporter);
    expect(Object.keys(evaluated.suites['cross-layer']!.curves!)).toEqual(['var_exp', 'l0', 'alive']);
    expect(exclusions.length).toBe(suites.length);
  }
});

it('where every value is paired, keeps the resamples of all; probes no k that is not shown', async () => {
  const stages: string[] = [];
  const reporter = (stage: string) => {
    stages.push(stage);
    return stageReporter(stage, 'tokens', silent);
  };
  const more = ['evaluation.pairEvery=true', 'evaluation.kValues=[3,50]'];
  const config = await resolveRun(['small-world-quick'], { set: [...set, ...more] });
  const run = { config, model, folder: clt, scratch: folder, memory: 2 ** 32, suites: [kSparse] };
  const { evaluated, exclusions } = await crossLayerStage(run, reporter);
  const { draws } = evaluated.paired!;
  expect(Object.keys(draws)).toEqual(expect.arrayContaining(['l0@v1', 'mse@per-dim-v1', 'cosine@v1']));
  expect(stages).not.toContain('probing');
  const unprobed = exclusions.filter(({ suite }) => suite === 'k-sparse');
  expect(unprobed).toMatchObject([
    { data: 'evaluation.kValues 3', reason: expect.stringContaining('are shown') },
    { data: 'evaluation.kValues 50', reason: 'a layer has 24 latents' },
  ]);
});

it('stopped while its latents are probed says what is kept', async () => {
  const config = await resolveRun(['small-world-quick'], { set });
  const run = { config, model, folder: clt, scratch: folder, memory: 2 ** 32, suites: [kSparse] };
  let probing = false;
  const stopping = { ...silent, stopRequested: () => probing };
  const reporter = (stage: string) => {
    probing = stage === 'probing';
    return stageReporter(stage, 'tokens', stopping);
  };
  await expect(crossLayerStage(run, reporter)).rejects.toMatchObject({
    constructor: Stopped,
    message: expect.stringContaining('measures anew'),
  });
});

it('takes the memory that its plan says', async () => {
  const config = await resolveRun(['small-world-quick'], { sae: [clt], set });
  const suites = suitesOf(config);
  const file = await openCrossLayer(clt);
  const sizes = file.layers.map(pooledOf);
  const others = [
    {
      hooks: hooksOfCrossLayer(file),
      known: { id: 'clt', place: { layer: 0, site: file.reads }, d_sae: 144, crossLayer: true, sizes },
    },
  ] as const;
  await file.close();
  const checkpoint = await openCheckpoint(model.folder);
  const planned = (card: number | null, memory = 2 ** 32, asked: readonly Suite[] = suites) =>
    planOf(config, asked, checkpoint, memory, { others, card }).stages.at(-1)!;
  const { memory, tokens } = planned(null);
  expect(planned(null, 2 ** 32, [kSparse]).memory).toEqual(memory);
  // No room is kept for ablations, and no text counted of suites that are left out.
  expect(memory).toMatchObject({ waiting: 0, beside: 0 });
  const sets = readingsOf(config, [kSparse]).reduce((sum, { rows, rowTokens }) => sum + rows * rowTokens, 0);
  expect(tokens).toBe(512 + sets);
  // However many layers it has.
  const oneLayer = others.map(({ known, ...other }) => ({
    ...other,
    known: { ...known, sizes: [sizes[5]!] },
  }));
  const ofOne = planOf(config, suites, checkpoint, 2 ** 32, { others: oneLayer }).stages.at(-1)!;
  expect(ofOne.tokens).toBe(tokens);
  const weights = 4 * sizes.reduce((sum, { d_out }) => sum + 24 * (128 + d_out!), 0);
  expect(sizes.map(({ d_out }) => d_out)).toEqual([768, 640, 512, 384, 256, 128]);
  expect(planned(2 ** 32).devices.map(({ states }) => states)).toEqual([weights]);
  const short = memory.working - 100_000;
  const refused = `more than ${formatBytes(memory.working)}`;
  expect(() => planned(null, short)).toThrow(refused);
  const run = { config, model, folder: clt, scratch: folder, memory: short, suites };
  await expect(crossLayerStage(run, reporter)).rejects.toThrow(refused);
});

it('is one SAE of a run, alone in it, of its own model and without words behind #', async () => {
  const [found] = await described(await located([clt]));
  expect(found).toMatchObject({
    layer: 5,
    site: 'mlp_out',
    reads: { layer: 0, site: 'resid_mid' },
    layers: 6,
    d_sae: 144,
    id: 'L0_resid_mid_to_L5_mlp_out_clt',
    format: 'cross-layer-transcoder',
  });
  expect(found!.files.map(({ name }) => name)).toEqual([
    'config.yaml',
    ...[0, 1, 2, 3, 4, 5].flatMap((layer) => [`W_enc_${layer}.safetensors`, `W_dec_${layer}.safetensors`]),
  ]);
  await expect(located([`${clt}#layer=2`]).then(described)).rejects.toThrow(/its name alone/);
  const other = fileURLToPath(new URL('../../../fixtures/lm/llama', import.meta.url));
  await expect(
    describePublished(await located([clt]), await modelShape({ folder: other, revision: null }), (paths) =>
      Promise.all(paths.map(hashFile)),
    ),
  ).rejects.toThrow(/6 layers of width 128.*its files name "interpboard\/small-world"/s);
  const alone = { train: false, shard: false, from: [] };
  checkAlone([found!], alone);
  for (const [published, run, words] of [
    [[found!, found!], alone, /other SAEs beside it/],
    [[found!], { ...alone, train: true }, /SAEs to train beside it/],
    [[found!], { ...alone, shard: true }, /--shard beside it/],
    [[], { ...alone, from: [found!] }, /what training starts from/],
  ] as const)
    expect(() => checkAlone(published, run)).toThrow(words);
  expect(() => checkAlone([found!], { ...alone, train: true })).toThrow(UserError);
});
