/** A record is made again from what it carries; a changed one is found out. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { record } from '../../runner/report/schema.ts';
import { similarity } from '../../runner/report/similarity.ts';
import { LITTLE_TEXT, type Outcome, runProgram, settingWords } from './program.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'interpboard-verify-test-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const interpboard = (...args: string[]): Promise<Outcome> => runProgram(args);

it('verify makes the same numbers again, and names one that was changed', async () => {
  const places = ['--runs', join(folder, 'runs'), '--content', join(folder, 'content'), '--no-site'];
  const made = await interpboard(
    'eval',
    'small-world-quick',
    '--layers=2',
    '--set=training.tokens=20480',
    ...settingWords(LITTLE_TEXT),
    ...places,
  );
  expect(made.err).toBe('');
  const path = join(folder, 'content/measured/small-world-quick/small-world-quick-l2.json');
  const same = await interpboard('verify', path);
  expect(same.out).toMatch(/(\d+) numbers made again, \1 the same, 0 within their intervals, 0 moved beyond/);
  expect(same.code).toBe(0);

  const found = record.parse(JSON.parse(await readFile(path, 'utf8')));
  const l0 = found.metrics['l0@v1'];
  if (l0?.value == null) throw new Error('no L0');
  found.metrics['l0@v1'] = {
    ...l0,
    value: l0.value + 1,
    interval: { low: l0.value + 0.9, high: l0.value + 1.1 },
  };
  const changed = join(folder, 'changed.json');
  await writeFile(changed, JSON.stringify(found));
  // Beside a record lies how alike the run's decoders are, which is made again too.
  const decoders = 'small-world-quick-decoders.json';
  const alike = similarity.parse(JSON.parse(await readFile(join(dirname(path), decoders), 'utf8')));
  const [pair] = alike.pairs;
  if (pair === undefined || 'reason' in pair) throw new Error('the SAE was not held against itself');
  pair.values['decoder_mmcs@v1'] -= 0.01;
  await writeFile(join(folder, decoders), JSON.stringify(alike));
  const moved = await interpboard('verify', changed);
  expect(moved.out).toContain('moved    metrics.l0@v1');
  expect(moved.out).toMatch(/moved {4}decoders\.\S+-l2 among \S+-l2\.decoder_mmcs@v1/);
  expect(moved.out).toContain(', 2 moved beyond');
  expect(moved.code).toBe(1);

  const published = fileURLToPath(
    new URL('../../content/published/qwen3.6-27b-papergrade-l11.json', import.meta.url),
  );
  const foreign = await interpboard('verify', published);
  expect(foreign.code).toBe(2);
  expect(foreign.err).toMatch(/found a record of kind published; expected/);
});
