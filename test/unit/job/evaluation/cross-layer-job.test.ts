/** k-sparse probing on the latents of a cross-layer transcoder is the suite's on an SAE with the encoder of the layer. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { resolveRun } from '../../../../runner/config/resolve.ts';
import { demoModelFolder } from '../../../../runner/demo/model-folder.ts';
import { UserError } from '../../../../runner/errors.ts';
import { crossLayerJob } from '../../../../runner/job/evaluation/cross-layer-job.ts';
import { silent, stageReporter } from '../../../../runner/reporter.ts';
import { openCrossLayer } from '../../../../runner/sae/checkpoints/cross-layer.ts';
import { writeSaeLens } from '../../../../runner/sae/checkpoints/sae-lens-export.ts';
import type { JumpReluSae } from '../../../../runner/sae/sae.ts';
import { loaded } from '../../../../runner/sae/stored-sae.ts';
import golden from '../../../fixtures/clt/golden.json' with { type: 'json' };
import { described, evaluatedInside, located } from '../../evaluation/inside-block.ts';

const clt = fileURLToPath(new URL('../../../fixtures/clt/', import.meta.url));
const LAYER = 2;
const set = [
  'probing.sets=["topic"]',
  'evaluation.setTrainTexts=12',
  'evaluation.setTestTexts=8',
  'evaluation.kValues=[1,4]',
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

it('scores the latents of each layer as the suite scores those of an SAE', async () => {
  const config = await resolveRun(['small-world-quick'], { set });
  const run = { config, model, folder: clt, scratch: folder, memory: 2 ** 32 };
  const { probing, layers, d_sae } = await crossLayerJob(run, reporter);
  expect([probing!.length, layers.length, d_sae.length]).toEqual([6, 6, 6]);
  const file = await openCrossLayer(clt);
  const whole = (await loaded(file.layers[LAYER]!)) as JumpReluSae;
  const d = file.d_model;
  await file.close();
  const { d_out: _, ...same } = whole;
  const sae = { ...same, W_dec: new Float32Array(whole.d_sae * d).fill(0.1), b_dec: new Float32Array(d) };
  await writeSaeLens(join(folder, 'sae'), sae, {
    model_name: 'interpboard/small-world',
    hook_name: `blocks.${LAYER}.hook_resid_mid`,
  });
  const published = await described(await located([join(folder, 'sae')]));
  const suite = await evaluatedInside(published, golden.ids, {
    set: ['evaluation.suites=["k-sparse"]', ...set],
  });
  const [{ evaluated }] = suite.evaluated as [(typeof suite.evaluated)[number]];
  const of = (part: (typeof probing & object)[number]) =>
    part.curves!.accuracy!.points.map(({ at, values: { sae, channels, ceiling } }) => [
      at,
      sae,
      channels,
      ceiling,
    ]);
  expect(of(probing![LAYER]!)).toEqual(of(evaluated.suites['k-sparse']!));
  expect(of(probing![LAYER]!)).not.toEqual(of(probing![LAYER + 1]!));
});

it('without sets there is none, and a transcoder of another model is refused', async () => {
  const config = await resolveRun(['small-world-quick'], { set: ['probing.sets=[]', ...set.slice(1)] });
  const run = { config, model, folder: clt, scratch: folder, memory: 2 ** 32 };
  expect((await crossLayerJob(run, reporter)).probing).toBeNull();
  const other = fileURLToPath(new URL('../../../fixtures/lm/llama', import.meta.url));
  const elsewhere = crossLayerJob({ ...run, model: { folder: other, revision: null } }, reporter);
  await expect(elsewhere).rejects.toThrow(UserError);
});
