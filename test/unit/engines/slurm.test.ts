/** The text that Slurm is given; what it makes of it is in test/e2e/slurm.test.ts. */
import { spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type SlurmJob, slurmArray, slurmScript } from '../../../runner/engines/slurm.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'interpboard-slurm-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const job = (changes: Partial<SlurmJob> = {}): SlurmJob => ({
  name: 'mine',
  shards: 6,
  words: ['small-world', '--set=sweep.k=[8,16]'],
  mergeWords: ['--no-site'],
  gpus: 1,
  seconds: 100_000,
  program: '/opt/inter board',
  folder,
  logs: join(folder, 'logs'),
  directives: ['--partition=gpu'],
  ...changes,
});

/** Programs that only note how they were called, before the others of the system. */
async function stubs(programs: Record<string, string>): Promise<NodeJS.ProcessEnv> {
  const bin = await mkdtemp(join(folder, 'bin-'));
  for (const [name, script] of Object.entries(programs)) {
    await writeFile(
      join(bin, name),
      `#!/usr/bin/env bash\necho "${name} $*" >> "${folder}/calls"\n${script}\n`,
    );
    await chmod(join(bin, name), 0o755);
  }
  return { ...process.env, PATH: `${bin}:${process.env.PATH}` };
}

async function calls(): Promise<string[]> {
  const text = await readFile(join(folder, 'calls'), 'utf8');
  await rm(join(folder, 'calls'));
  return text.trim().split('\n');
}

describe.skipIf(process.platform === 'win32')('the script of an array', () => {
  it('asks for what the job needs', () => {
    const lines = slurmArray(job()).split('\n');
    for (const option of [
      '--array=1-6',
      '--requeue',
      '--gres=gpu:1',
      '--time=1-03:46:40',
      '--signal=B:USR2@300',
      '--partition=gpu',
    ])
      expect(lines).toContain(`#SBATCH ${option}`);
    const without = slurmArray(job({ gpus: 0, seconds: null, directives: [] }));
    expect(without).not.toMatch(/--gres|--time|--partition/);
    expect(slurmArray(job({ seconds: 600 }))).toContain('--signal=B:USR2@150');
  });

  async function run(env: NodeJS.ProcessEnv, signal: boolean): Promise<number | null> {
    const file = join(folder, 'shards.sh');
    await writeFile(file, slurmArray(job()));
    const child = spawn('bash', [file], {
      env: { ...env, SLURM_ARRAY_JOB_ID: '70', SLURM_ARRAY_TASK_ID: '3' },
    });
    const ready = new Promise((resolve) => child.stdout.once('data', resolve));
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
    if (signal) {
      await ready;
      child.kill('SIGUSR2');
    }
    return ended;
  }

  it('passes the signal on, waits for the state to be saved, and asks to be queued again', async () => {
    const saves = `trap 'sleep 0.3; echo saved >> "${folder}/calls"; exit 140' USR2; echo ready; while :; do sleep 0.05; done`;
    const env = await stubs({ node: saves, scontrol: '' });
    expect(await run(env, true)).toBe(140);
    expect(await calls()).toEqual([
      'node /opt/inter board/runner/interpboard.mjs eval small-world --set=sweep.k=[8,16] --shard 3/6',
      'saved',
      'scontrol requeue 70_3',
    ]);
  });

  it('ends as the shard does where it was not told to stop, or was done in time', async () => {
    const fails = await stubs({ node: 'exit 4', scontrol: '' });
    expect(await run(fails, false)).toBe(4);
    const done = await stubs({
      node: `trap 'exit 0' USR2; echo ready; while :; do sleep 0.05; done`,
      scontrol: '',
    });
    expect(await run(done, true)).toBe(0);
    expect((await calls()).filter((line) => line.startsWith('scontrol'))).toEqual([]);
  });

  it('is submitted with its merge after it, from the printed text alone', async () => {
    const env = await stubs({ sbatch: '[ "$1" = --parsable ] && echo "71;cluster"' });
    const files = { array: join(folder, 'a b.sh'), merge: join(folder, 'merge.sh') };
    await mkdir(join(folder, 'logs'), { recursive: true });
    const child = spawn('bash', ['-c', slurmScript(job(), files)], { env });
    await new Promise((resolve) => child.once('exit', resolve));
    expect(await calls()).toEqual([
      `sbatch --parsable ${files.array}`,
      `sbatch --dependency=afterany:71 ${files.merge}`,
    ]);
    expect(await readFile(files.array, 'utf8')).toBe(slurmArray(job()));
    expect(await readFile(files.merge, 'utf8')).toContain(
      "exec node '/opt/inter board/runner/interpboard.mjs'",
    );
  });
});
