/** A run on a synthetic model: trained, swept and evaluated by the same program as on a language model. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readRecords, root, runProgram } from './program.ts';

const fixtures = join(root, 'test', 'fixtures', 'synthetic');
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'interpboard-synthetic-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const asWords = (settings: readonly string[]): string[] => settings.map((setting) => `--set=${setting}`);
const measured = asWords([
  'sae.batchTokens=256',
  'evaluation.tokens=1024',
  'evaluation.resamples=50',
  'evaluation.suites=["core","ground-truth"]',
]);
const trainedBy = asWords([
  'sae.dSae=64',
  'sae.biasInitSamples=256',
  'sae.warmupSteps=1',
  'sae.scheduleSteps=8',
  'training.tokens=2048',
]);

test('eval trains and measures SAEs on it, and leaves out what needs text', async () => {
  const places = ['runs', 'content'].map((name) => `--${name}=${join(folder, name)}`);
  const words = ['eval', 'synthetic-small', `--model=${join(fixtures, 'model')}`, ...measured, ...places];
  const { code, err, out } = await runProgram([...words, ...trainedBy, '--set=sweep.k=[2,4]', '--no-site']);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(out).toContain('left out on a synthetic model: core');
  const records = await readRecords(join(folder, 'content', 'measured', 'synthetic-small'));
  expect(records).toHaveLength(2);
  for (const record of records) {
    expect(Object.keys(record.suites)).toEqual(['ground-truth']);
    expect(record.model).toMatchObject({ family: 'synthetic', d_model: 16 });
    expect(record.metrics['loss_recovered@pooled-v1']).toBeUndefined();
    const reason = 'a synthetic model has no text';
    expect(record.exclusions).toContainEqual({ suite: 'core', data: 'all', reason });
  }
  expect(JSON.stringify(records)).not.toContain(root);

  // Read back from its files, as an SAE of others, it is the same SAE.
  const file = join(folder, 'runs', 'synthetic-small', 'sae_L0_k4_latest.safetensors');
  const again = await runProgram([...words, `--sae=${file}`, '--name=again', '--no-site']);
  expect({ code: again.code, err: again.err }).toEqual({ code: 0, err: '' });
  const [other] = await readRecords(join(folder, 'content', 'measured', 'again'));
  const trained = records.find(({ sae }) => sae.k === 4)!;
  expect(other!.sae.sha256).toBe(trained.sae.sha256);
  expect(other!.suites).toEqual(trained.suites);
});

test('a corpus of text is refused in one line', async () => {
  const { code, err } = await runProgram(['eval', `--model=${join(fixtures, 'model')}`, `--runs=${folder}`]);
  expect(code).toBe(2);
  expect(err).toMatch(/corpus\.source: found small-world for a synthetic model; expected samples/);
});
