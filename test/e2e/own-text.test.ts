/** A run whose training text, evaluation text and a probe set are data sets of a hub. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { demoRow, probeSet } from '../../runner/demo/index.ts';
import type { EvaluationRecord } from '../../runner/report/schema.ts';
import { type StandIn, startStandIn } from '../hub/stand-in.ts';
import {
  canInterrupt,
  LITTLE_TEXT,
  type Program,
  readRecords,
  settingWords,
  startProgram,
  until,
} from './program.ts';

let folder: string;
let hub: StandIn;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'interpboard-own-text-'));
  hub = await startStandIn();
});
afterAll(async () => {
  await hub.close();
  await rm(folder, { recursive: true, force: true });
});

/** Prose and problems: parquet shards of several row groups, and lines. */
function putData(): { prose: string; problems: string } {
  const column = (shard: number) =>
    Array.from({ length: 400 }, (_, i) => demoRow('prose', 5, 400 * shard + i).text);
  const shard = (number: number): Uint8Array =>
    new Uint8Array(
      parquetWriteBuffer({
        columnData: [
          { name: 'text', data: column(number), type: 'STRING' },
          { name: 'url', data: column(number), type: 'STRING' },
        ],
        codec: 'ZSTD',
        compressors: { ZSTD: (input) => zstdCompressSync(input) },
        rowGroupSize: 100,
      }),
    );
  const problems = Array.from({ length: 2000 }, (_, i) => JSON.stringify(demoRow('arithmetic', 5, i))).join(
    '\n',
  );
  const labelled = probeSet('sentiment', 3, 300)
    .map((row) => JSON.stringify(row))
    .join('\n');
  hub.put('lab/probe', { 'train.jsonl': { text: labelled } }, { type: 'dataset' });
  return {
    prose: hub.put(
      'lab/prose',
      {
        'data/train-00000.parquet': { text: shard(0), lfs: true },
        'data/train-00001.parquet': { text: shard(1), lfs: true },
      },
      { type: 'dataset' },
    ),
    problems: hub.put('lab/problems', { 'all.jsonl.gz': { text: gzipSync(problems) } }, { type: 'dataset' }),
  };
}

const settings = {
  ...LITTLE_TEXT,
  layers: '[2]',
  'corpus.source': JSON.stringify([
    { data: 'datasets/lab/prose:data/*.parquet', weight: 3 },
    { data: 'datasets/lab/problems', extract: { kind: 'problem-solution' } },
  ]),
  'corpus.heldoutShare': '0.1',
  'probing.tasks': JSON.stringify([
    'toxicity',
    {
      name: 'praise',
      files: [{ data: 'datasets/lab/probe:train.jsonl', split: 'train' }],
      classes: [
        { value: 0, name: 'blame' },
        { value: 1, name: 'praise' },
      ],
    },
  ]),
};

function start(place: string, more: Record<string, string> = {}): Program {
  const places = [`--runs=${join(folder, place, 'runs')}`, `--content=${join(folder, place, 'content')}`];
  return startProgram(
    ['eval', 'small-world-quick', '--name=own', '--no-site', ...places, ...settingWords(settings)],
    { HF_ENDPOINT: hub.url, HF_HOME: join(folder, place, 'home'), HF_TOKEN: '', ...more },
  );
}

function records(place: string): Promise<EvaluationRecord[]> {
  return readRecords(join(folder, place, 'runs', 'own', 'records'));
}

/** Without what tells one try from another. */
function repeatable({ provenance, trajectory, ...rest }: EvaluationRecord) {
  return { ...rest, config: provenance.config_sha256, points: trajectory?.points.length };
}

test('text of a hub trains, evaluates and probes; stopped and resumed it gives the same SAEs', async () => {
  const commits = putData();
  const whole = await start('whole').outcome;
  expect({ code: whole.code, err: whole.err }).toEqual({ code: 0, err: '' });
  const [first] = (await records('whole')) as [EvaluationRecord];
  const words = `75 % datasets/lab/prose@${commits.prose}:data/*.parquet, 25 % datasets/lab/problems@${commits.problems}`;
  expect(first.data).toMatchObject({ name: words, tokens: 2048 });
  expect(first.data!.documents!.count).toBeGreaterThan(10);
  expect(first.sae.training).toMatchObject({ source: words, boundaries: 'joined' });
  const probes = first.suites.interpscore!.tables!.probes!;
  expect(probes.map(({ name }) => name)).toEqual(['toxicity', 'praise']);
  expect(probes[1]!.note).toMatch(/^datasets\/lab\/probe@[0-9a-f]{40}:train\.jsonl$/);

  const stopped = start('cut');
  const checkpoints = join(folder, 'cut', 'runs', 'own', 'checkpoints');
  const isSaved = async () =>
    (await readdir(checkpoints).catch(() => [])).some((name) => !name.includes('tmp'));
  await until(isSaved, stopped);
  stopped.child.kill('SIGINT');
  const { code } = await stopped.outcome;
  // On Windows the run was killed: it resumes all the same.
  if (canInterrupt) expect(code).toBe(130);
  // The branch moves on meanwhile: the run stays with the commit that it began with.
  hub.put('lab/prose', { 'data/train-00000.parquet': { text: 'another' } }, { type: 'dataset' });
  const resumed = await start('cut').outcome;
  expect({ code: resumed.code, err: resumed.err }).toEqual({ code: 0, err: '' });
  expect(resumed.out).toContain('resumes training');
  expect((await records('cut')).map(repeatable)).toEqual((await records('whole')).map(repeatable));
});

test('offline, what is missing is one line with the next step', async () => {
  const { code, err } = await start('offline', { HF_HUB_OFFLINE: '1' }).outcome;
  expect(err).toMatch(
    /^error: datasets\/lab\/prose@main: found that it is not in the cache, and HF_HUB_OFFLINE is set/,
  );
  expect(err.trim().split('\n')).toHaveLength(1);
  expect(code).toBe(4);
});
