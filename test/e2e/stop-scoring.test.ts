/** Ctrl-C while a suite scores, in a loop that never returns to its event loop. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Program, settingWords, startProgram, until } from './program.ts';

let folder: string;
let program: Program | undefined;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'interpboard-stop-'));
});
afterAll(async () => {
  // Asked twice it ends at once, should it not have heard the first time.
  program?.child.kill('SIGINT');
  await program?.outcome;
  await rm(folder, { recursive: true, force: true });
});

/** It would score for ever. */
const endless = `
const AUC = 'endless@v1';
export default ({ fitLogistic }) => ({
  id: 'endless',
  title: 'Endless',
  about: 'Fits probes without end.',
  definitions: {
    [AUC]: { metric: 'endless', title: 'Endless', short: 'endless', formula: '-', note: '', unit: '', direction: 'higher', digits: 3, range: [0, 1] },
  },
  views: [{ kind: 'measures', title: 'Endless', ids: [AUC] }],
  begin: () => ({
    score() {
      const [rows, columns] = [64, 16];
      const values = Float32Array.from({ length: rows * columns }, (_, i) => Math.sin(i * i));
      const all = Int32Array.from({ length: rows }, (_, row) => row);
      for (;;) fitLogistic({ values, rows, columns }, all.map((row) => row % 2), all);
    },
  }),
});
`;

test('ends the scoring, with the trained SAEs kept', async () => {
  const suite = join(folder, 'endless.ts');
  await writeFile(suite, endless);
  program = startProgram([
    'eval',
    'small-world-quick',
    '--layers=2',
    `--runs=${join(folder, 'runs')}`,
    `--content=${join(folder, 'content')}`,
    '--no-site',
    `--suite=${suite}`,
    ...settingWords({
      'training.tokens': '2048',
      'evaluation.tokens': '512',
      'evaluation.resamples': '10',
      'evaluation.controlTokens': '0',
      'evaluation.suites': '[]',
    }),
  ]);
  let out = '';
  program.child.stdout!.on('data', (chunk: string) => {
    out += chunk;
  });
  await until(() => out.includes('scoring'), program);
  program.child.kill('SIGINT');
  const { code, err, all } = await program.outcome;
  expect({ code, err }).toEqual({ code: 130, err: '' });
  expect(all).toContain('stopped; the same command goes on from what is saved');
  const run = join(folder, 'runs', 'small-world-quick');
  const state: unknown = JSON.parse(await readFile(join(run, 'run.json'), 'utf8'));
  expect(state).toMatchObject({ stage: 'evaluating' });
});
