/** One SAE by several roads: in a sweep, beside other layers, and by itself. Its weights and its figures are the same. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readFloats, readSafetensors } from '../../runner/formats/safetensors.ts';
import { withFile } from '../../runner/io/byte-source.ts';
import type { EvaluationRecord } from '../../runner/report/schema.ts';
import { slowTest } from '../sample.ts';
import { readRecords, runProgram, settingWords } from './program.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'interpboard-same-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const small = {
  'training.tokens': '12288',
  'training.shuffle.megabytes': '1',
  'sae.deadThresholdTokens': '2048',
  'evaluation.tokens': '2048',
  'evaluation.controlTokens': '1024',
  'evaluation.resamples': '50',
  'evaluation.probeTexts': '60',
  'evaluation.suites': '["interpscore","core"]',
};

async function run(name: string, settings: Record<string, string>): Promise<string> {
  const places = ['runs', 'content'].map((each) => `--${each}=${join(folder, each)}`);
  const words = settingWords({ ...small, ...settings });
  const { code, err } = await runProgram([
    ...['eval', 'small-world-quick', `--name=${name}`, '--no-site', '--cache=off'],
    ...places,
    ...words,
  ]);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return join(folder, 'runs', name);
}

const weightsOf = (runFolder: string, id: string): Promise<Buffer> =>
  readFile(join(runFolder, `sae_${id}_latest.safetensors`));

async function recordOf(runFolder: string, id: string): Promise<EvaluationRecord> {
  const all = await readRecords(join(runFolder, 'records'));
  const found = all.find(({ sae }) => sae.files.some(({ name }) => name === `sae_${id}_latest.safetensors`));
  if (found === undefined) throw new Error(`no record of ${id}`);
  return found;
}

/** What is known of an SAE, without the name of its run and the time it took. */
function figures({ sae, metrics, suites, curves, trajectory, ...rest }: EvaluationRecord) {
  const { controls, paired, data } = rest;
  const points = trajectory?.points.map(({ tokens_per_second: _, ...point }) => point);
  const { training, sha256, k, d_sae } = sae;
  const own = { training, sha256, k, d_sae };
  return { own, data, metrics, suites, curves, points, controls, paired };
}

test('a member of a sweep is the SAE of the run by itself, bit for bit, with the same figures', async () => {
  const swept = await run('swept', { layers: '[2]', 'sweep.k': '[8,16]', 'sweep.seed': '[0,1]' });
  const alone = await run('alone', { layers: '[2]', 'sae.k': '16', 'sae.seed': '1' });
  expect(await weightsOf(swept, 'L2_k16_s1')).toEqual(await weightsOf(alone, 'L2'));
  const found = await recordOf(alone, 'L2');
  expect(figures(await recordOf(swept, 'L2_k16_s1'))).toEqual(figures(found));
  expect(found.sae.training?.streams).toBe('hook-v1');
  expect(found.controls?.streams).toBe('hash-v1');
  // The others of the sweep are others.
  for (const id of ['L2_k8_s1', 'L2_k16_s0'])
    expect((await recordOf(swept, id)).sae.sha256).not.toBe(found.sae.sha256);
});

slowTest('SAEs of one seed that differ in k or width begin alike', async () => {
  const begun = await run('begun', {
    layers: '[2]',
    'sweep.dSae': '[128,256]',
    'sweep.k': '[8,16]',
    'training.snapshots': 'float32',
    'training.tokens': '2048',
    'evaluation.suites': '[]',
    'evaluation.controlTokens': '0',
  });
  // The first step of a warm-up has learning rate 0: after it the weights are the initial ones.
  const initial = (id: string): Promise<Float32Array> =>
    withFile(join(begun, 'snapshots', 'step-000001', `sae_${id}_latest.safetensors`), async (source) =>
      readFloats(source, await readSafetensors(source), 'W_dec'),
    );
  const narrow = await initial('L2_n128_k8');
  expect(await initial('L2_n128_k16')).toEqual(narrow);
  const wide = await initial('L2_n256_k8');
  expect(await initial('L2_n256_k16')).toEqual(wide);
  expect(wide.length).toBe(2 * narrow.length);
  expect(wide.subarray(0, narrow.length)).toEqual(narrow);
});
