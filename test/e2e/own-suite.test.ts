/** A suite from a user's file: beside the built-in ones, in the record, on the page, and without the file no more. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readRecords, root, runProgram } from './program.ts';

const quick = 'small-world-quick';
const example = join(root, 'docs', 'examples', 'single-latent.ts');

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'interpboard-own-suite-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const settings = [
  'training.tokens=4096',
  'evaluation.tokens=1024',
  'evaluation.controlTokens=0',
  'evaluation.probeTexts=60',
  'evaluation.probeTokens=32',
  'evaluation.resamples=50',
  'evaluation.suites=["interpscore"]',
].map((setting) => `--set=${setting}`);

test('--suite runs the example, and a site is built of its record without the file', async () => {
  const places = ['runs', 'content', 'out'].map(
    (name) => `--${name}=${join(folder, name === 'out' ? 'dist' : name)}`,
  );
  const words = ['eval', quick, '--layers=2', ...settings, ...places, `--suite=${example}`];
  const { code, err } = await runProgram(words, { INTERPBOARD_CACHE: join(folder, 'astro') });
  expect({ code, err }).toEqual({ code: 0, err: '' });
  const [found] = await readRecords(join(folder, 'content', 'measured', quick));
  expect(Object.keys(found!.suites)).toEqual(['interpscore', 'single-latent']);
  expect(found!.suites['single-latent']?.measures?.['single_latent_auc@v1']).toMatchObject({
    value: expect.any(Number),
    interval: { low: expect.any(Number) },
  });
  expect(found!.paired?.draws['single_latent_auc@v1']).toMatchObject({
    over: 'suite',
    suite: 'single-latent',
  });
  expect(found!.paired?.suites).toEqual({ 'single-latent': expect.stringMatching(/^[0-9a-f]{64}$/) });
  expect(found!.declared).toMatchObject([{ id: 'single-latent', file: 'single-latent.ts' }]);
  expect(JSON.stringify(found)).not.toContain(root);
  expect(found!.provenance.source).toContain('--suite=single-latent.ts');

  // The same settings without the file are another run, which the record's own settings say.
  const file = join(folder, 'config.json');
  await writeFile(file, JSON.stringify(found!.provenance.config));
  const without = await runProgram(['eval', `--config=${file}`, ...places, '--no-site']);
  expect(without.code).toBe(2);
  expect(without.err).toMatch(/^error: suite single-latent: found settings that name it, and no file/);

  // The builder is given the records alone.
  const page = await readFile(join(folder, 'dist', 'sae', found!.id, 'index.html'), 'utf8');
  expect(page).toContain('<h2 id="suite-single-latent">Single latents</h2>');
  expect(page).toContain('AUROC of the best single latent');
  const methodology = await readFile(join(folder, 'dist', 'methodology', 'index.html'), 'utf8');
  expect(methodology).toContain('single_latent_auc@v1');
});
