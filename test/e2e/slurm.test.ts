/** A run in shards under a real Slurm: an array whose tasks are killed, queued again and lost with their node, and the merge. */
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hashFile } from '../../runner/io/hash.ts';
import { whichShard } from '../../runner/job/shards/which-shard.ts';
import { type EvaluationRecord, record } from '../../runner/report/schema.ts';
import { slowTest } from '../sample.ts';
import { readRecords, runProgram, settingWords } from './program.ts';
import { type Cluster, lackedForSlurm, startCluster } from './slurm-cluster.ts';

const name = 'small-world-quick';
const SHARDS = 6;
const settings = settingWords({
  layers: '[0,2,4]',
  'sweep.k': '[8,16]',
  'training.tokens': '24576',
  'training.checkpointTokens': '2048',
  'evaluation.tokens': '2048',
  'evaluation.controlTokens': '0',
  'evaluation.probeTexts': '40',
  'evaluation.resamples': '20',
});

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'interpboard-slurm-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function words(side: string): string[] {
  return [
    '--threads=1',
    `--runs=${join(folder, side, 'runs')}`,
    `--content=${join(folder, side, 'content')}`,
  ];
}

function withoutTimes({ provenance, trajectory, ...rest }: EvaluationRecord): unknown {
  const { started: _, wall_seconds: __, ...origin } = provenance;
  const points = trajectory?.points.map(({ tokens_per_second: ___, ...point }) => point);
  return { ...rest, trajectory: trajectory && { ...trajectory, points }, provenance: origin };
}

const lacked = lackedForSlurm();
if (lacked !== null) test.skip(`a run under Slurm (${lacked})`, () => undefined);
else slowTest('a run under Slurm equals one process, whatever happens to its tasks', underSlurm, 3_000_000);

async function underSlurm(): Promise<void> {
  const environment = { INTERPBOARD_CACHE: join(folder, 'cache') };
  const whole = await runProgram(['eval', name, ...settings, ...words('whole'), '--no-site'], environment);
  expect(whole).toMatchObject({ code: 0, err: '' });
  const cluster = await startCluster(join(folder, 'slurm'));
  try {
    await throughArray(cluster, { ...environment, ...cluster.environment });
    await readsItsVariables(cluster);
  } finally {
    await cluster.stop();
  }
}

const shards = () => join(folder, 'parts', 'runs', `${name}_shards`);

function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const look = async (): Promise<void> => {
    while (!(await holds())) await wait(500);
  };
  const late = wait(900_000, undefined, { ref: false }).then(async () => {
    throw new Error(
      `waited in vain until ${what}: ${JSON.stringify(await readdir(shards()).catch(() => []))}`,
    );
  });
  return Promise.race([look(), late]);
}

/** Whether a shard has saved something and is not done. */
async function midway(index: number): Promise<boolean> {
  const at = join(shards(), `${index}-of-${SHARDS}`, 'checkpoints');
  const generations = await readdir(at).catch(() => []);
  return generations.some((generation) => existsSync(join(at, generation, 'manifest.json')));
}

async function throughArray(cluster: Cluster, environment: Record<string, string>): Promise<void> {
  const submit = (...more: string[]) =>
    runProgram(
      [
        'submit',
        name,
        '--engine=slurm',
        `--shards=${SHARDS}`,
        '--gpus=0',
        ...settings,
        ...words('parts'),
        '--no-site',
        ...more,
      ],
      environment,
    );
  const sent = await submit('--send');
  expect(sent).toMatchObject({ code: 0, err: '' });
  const [, array, merge] = /array (\d+), merge as job (\d+)/.exec(sent.out) ?? [];
  const task = async (index: number) =>
    (await cluster.jobs()).find((each) => each.name === `${array}_${index}`);
  const log = async (file: string) => readFile(join(shards(), 'logs', file), 'utf8').catch(() => '');

  // The first is killed with everything it runs, at work and with a state saved.
  await until('shard 1 is midway', () => midway(1));
  await cluster
    .command('scancel', ['--signal=KILL', '--full', (await task(1))!.id], 3_000)
    .catch(() => undefined);
  // The second is warned, as before its time is over: it saves its state and is queued again. The command would repeat the
  // signal while the task is between two states, so that it is given up.
  await until('shard 2 is midway', () => midway(2));
  await cluster
    .command('scancel', ['--signal=USR2', '--batch', (await task(2))!.id], 2_000)
    .catch(() => undefined);
  await until('shard 2 has saved its state', async () =>
    (await log('2.log')).includes('the same command goes on from there'),
  );
  // The third loses its node.
  await until('shard 3 is midway', () => midway(3));
  const { node } = (await task(3))!;
  await cluster.lose(node);
  await until('shard 3 is queued again', async () => (await task(3))!.state === 'PENDING');
  cluster.restore(node);

  // The merge comes after all of them, however they ended, and names the one that was killed.
  const state = async (id: string) => (await cluster.jobs()).find((each) => each.name === id)?.state;
  const ended = async (id: string) => ['COMPLETED', 'FAILED', 'CANCELLED'].includes((await state(id)) ?? '');
  await until('the merge has ended', () => ended(merge!));
  expect(await state(merge!)).toBe('FAILED');
  expect(await log('merge.log')).toMatch(
    /error: shards of small-world-quick: found 1-of-6 is still training;/,
  );
  const status = await runProgram(['submit', '--status', name, ...words('parts').slice(1)], environment);
  expect(status.out).toContain(`${name}: 6 shards, 1 stopped, 5 done`);
  for (const index of [2, 3]) expect(await log(`${index}.log`)).toMatch(/\(resumes training\)/);

  // Started again by its number it goes on from its checkpoint.
  const again = (
    await cluster.command('sbatch', ['--parsable', '--array=1', join(shards(), 'shards.sh')])
  ).trim();
  const second = (
    await cluster.command('sbatch', [
      '--parsable',
      `--dependency=afterany:${again}`,
      join(shards(), 'merge.sh'),
    ])
  ).trim();
  await until('the second merge has ended', () => ended(second));
  expect(await log('1.log')).toMatch(/\(resumes training\)/);
  expect(await state(second), await log('merge.log')).toBe('COMPLETED');
  await equal();
}

async function equal(): Promise<void> {
  const at = (side: string) => join(folder, side, 'content', 'measured', name);
  const [a, b] = await Promise.all([readRecords(at('whole')), readRecords(at('parts'))]);
  expect(b.map(withoutTimes)).toEqual(a.map(withoutTimes));
  expect(b).toHaveLength(SHARDS);
  for (const { sae } of b.map((each) => record.parse(each))) {
    for (const { name: file, sha256 } of sae.files)
      expect((await hashFile(join(folder, 'parts', 'runs', name, file))).sha256).toBe(sha256);
  }
}

/** What Slurm says in the tasks of an array is what `--shard auto` reads. */
async function readsItsVariables(cluster: Cluster): Promise<void> {
  const script = join(folder, 'variables.sh');
  await writeFile(
    script,
    `#!/bin/sh\nenv | grep ^SLURM_ARRAY_ > "${folder}/variables-$SLURM_ARRAY_TASK_ID"\n`,
  );
  const submitted = ['--parsable', '--array=3-7:2', '--output=/dev/null', script];
  const id = (await cluster.command('sbatch', submitted)).trim();
  await until('the array has ended', async () => {
    const tasks = (await cluster.jobs()).filter((each) => each.name.startsWith(`${id}_`));
    return tasks.length === 3 && tasks.every(({ state }) => state === 'COMPLETED');
  });
  for (const [i, task] of [3, 5, 7].entries()) {
    const lines = (await readFile(join(folder, `variables-${task}`), 'utf8')).trim().split('\n');
    const variables = Object.fromEntries(lines.map((line) => line.split('=') as [string, string]));
    expect(whichShard('auto', variables)).toEqual({ index: i + 1, of: 3 });
  }
}
