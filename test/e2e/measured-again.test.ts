/** What was trained stays when something else is to be measured; a command that is refused leaves nothing. */
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { demoRow } from '../../runner/demo/index.ts';
import { slowTest, whole } from '../sample.ts';
import { type Outcome, readRecords, runProgram, settingWords } from './program.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'interpboard-again-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const small = {
  layers: '[2]',
  'training.tokens': '4096',
  'evaluation.tokens': '1024',
  'evaluation.suites': '[]',
  'evaluation.controlTokens': '0',
  'evaluation.resamples': '20',
};

function evaluate(name: string, settings: Record<string, string> = {}, ...words: string[]): Promise<Outcome> {
  return runProgram([
    ...['eval', 'small-world-quick', `--name=${name}`, '--no-site', '--cache=off'],
    ...['runs', 'content'].map((each) => `--${each}=${join(folder, each)}`),
    ...settingWords({ ...small, ...settings }),
    ...words,
  ]);
}

const runFolder = (name: string): string => join(folder, 'runs', name);
const recordsOf = (name: string) => readRecords(join(runFolder(name), 'records'));
const succeeded = ({ code, err }: Outcome): void => expect({ code, err }).toEqual({ code: 0, err: '' });

function refused({ code, err }: Outcome, message: RegExp): void {
  expect(err).toMatch(message);
  expect(err.trim().split('\n')).toHaveLength(1);
  expect(code).toBe(2);
}

describe('a run that is done', () => {
  beforeAll(async () => succeeded(await evaluate('done')));

  test('is measured again where the measurement is another, with the SAE that it trained', async () => {
    const [before] = await recordsOf('done');
    const weights = await readFile(join(runFolder('done'), 'sae_L2_latest.safetensors'));
    const again = await evaluate('done', { 'evaluation.tokens': '2048', 'validation.tokens': '1024' });
    succeeded(again);
    expect(again.out).not.toContain('training ');
    const [after] = await recordsOf('done');
    expect(after!.data?.tokens).toBe(2048);
    expect(before!.data?.tokens).toBe(1024);
    expect(after!.sae.sha256).toBe(before!.sae.sha256);
    expect(after!.provenance.config_sha256).not.toBe(before!.provenance.config_sha256);
    expect(await readFile(join(runFolder('done'), 'sae_L2_latest.safetensors'))).toEqual(weights);
    const back = await evaluate('done');
    succeeded(back);
    const [restored] = await recordsOf('done');
    expect(restored!.metrics).toEqual(before!.metrics);
    const same = await evaluate('done');
    expect(same.out).toContain('up to date');
  });

  slowTest(
    'measures an SAE of others beside its own, and keeps its record until that is deleted',
    async () => {
      const other = join(folder, 'runs', 'done');
      succeeded(await evaluate('beside', {}));
      succeeded(await evaluate('beside', {}, `--sae=${join(other, 'sae_L2_latest.safetensors')}`, '--train'));
      const [theirs] = (await recordsOf('beside')).filter(({ sae }) => sae.source !== undefined);
      refused(
        await evaluate('beside', {}),
        /the record "beside-l2-[^"]+", of an SAE that this run leaves out/,
      );
      expect(await recordsOf('beside')).toHaveLength(2);
      await rm(join(runFolder('beside'), 'records', `${theirs!.id}.json`));
      succeeded(await evaluate('beside', {}));
      expect(await recordsOf('beside')).toHaveLength(1);
      const exports = (await readdir(runFolder('beside'))).filter((name) => name.startsWith('interpscore_'));
      expect(exports.sort()).toEqual(['interpscore_L2.json', 'interpscore_beside.json']);
    },
  );

  test('asks before it trains another SAE in its place, and names what differs', async () => {
    refused(
      await evaluate('done', { 'sae.k': '4', 'corpus.trainSeed': '7' }),
      /corpus\.trainSeed, sae\.k.*--fresh/,
    );
  });
});

describe(`a command that is refused leaves nothing${whole ? '' : ' (more cases: npm run test:e2e)'}`, () => {
  const cases: [string, Record<string, string>, RegExp][] = [
    ['a layer that the model lacks', { layers: '[0,6]' }, /hook layer: found 6/],
    ['validation of less than a row', { 'validation.tokens': '100' }, /validation\.tokens.*at least one row/],
    [
      'training of less than a batch',
      { 'training.tokens': '1000' },
      /training\.tokens.*at least 2 of sae\.batchTokens/,
    ],
    [
      'training by the step of rate 0 alone',
      { 'training.tokens': '1024' },
      /first step of a warm-up has learning rate 0/,
    ],
    [
      'a probing task that nobody knows',
      { 'evaluation.suites': '["interpscore"]', 'probing.tasks': '["nothing"]' },
      /nothing/,
    ],
    ['a set that nobody knows', { 'evaluation.suites': '["tpp"]', 'probing.sets': '["nothing"]' }, /nothing/],
  ];
  test.each(whole ? cases : cases.slice(0, 1))('%s', async (name, settings, message) => {
    const place = name.replaceAll(' ', '-').toLowerCase();
    refused(await evaluate(place, settings), message);
    expect(existsSync(runFolder(place))).toBe(false);
  });

  const settings: [string, Record<string, string>][] = [
    ['evaluation.tokens', { 'evaluation.tokens': '8192' }],
    ['validation.tokens', { 'evaluation.tokens': '256', 'validation.tokens': '8192' }],
    [
      'evaluation.coreTokens',
      { 'evaluation.tokens': '256', 'evaluation.suites': '["core"]', 'evaluation.coreTokens': '8192' },
    ],
  ];
  test.each(whole ? settings : settings.slice(0, 1))(
    'too little held-out text for %s, found before anything is trained',
    async (setting, given) => {
      const file = join(folder, 'short.jsonl');
      const rows = Array.from({ length: 300 }, (_, row) => JSON.stringify(demoRow('prose', 11, row)));
      await writeFile(file, rows.join('\n'));
      const name = `short-${setting.replace('.', '-').toLowerCase()}`;
      const words = { 'corpus.source': file, 'corpus.heldoutShare': '0.02', ...given };
      const outcome = await evaluate(name, words);
      refused(outcome, new RegExp(`held-out text: found the end of source .*Lower ${setting}`));
      expect(outcome.out).not.toMatch(/^training/m);
      expect(existsSync(runFolder(name))).toBe(false);
      // The same name is free for what can be done.
      if (setting === 'evaluation.tokens')
        succeeded(await evaluate(name, { ...words, 'sae.k': '8', 'evaluation.tokens': '256' }));
    },
  );
});

test('a long document of one character does not stop the training', async () => {
  const file = join(folder, 'monotone.jsonl');
  const rows = Array.from({ length: 400 }, (_, row) => JSON.stringify(demoRow('prose', 12, row)));
  // Twice, so that it does not fall to the held-out share whatever its hash.
  rows.splice(
    30,
    0,
    JSON.stringify({ text: 'a'.repeat(40_000) }),
    JSON.stringify({ text: 'e'.repeat(40_000) }),
  );
  await writeFile(file, rows.join('\n'));
  const outcome = await evaluate('monotone', {
    'corpus.source': file,
    'corpus.heldoutShare': '0.1',
    'training.tokens': '32768',
  });
  succeeded(outcome);
  const [found] = await recordsOf('monotone');
  expect(found!.sae.tokens_trained).toBe(32768);
});
