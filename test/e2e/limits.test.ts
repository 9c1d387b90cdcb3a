/** What the system or whoever started the program does to it: limits, signals, output that nobody reads. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { shortHash, thisMachine } from '../../runner/io/process-identity.ts';
import { slowTest } from '../sample.ts';
import { root, settingWords, startProgram, until } from './program.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'interpboard-limits-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const linux = process.platform === 'linux';
const unix = process.platform !== 'win32';

/** How a process ended and what it wrote. */
function ended(child: ChildProcess): Promise<{ code: number | null; signal: string | null; err: string }> {
  let err = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  return new Promise((done) => child.on('close', (code, signal) => done({ code, signal, err })));
}

describe('limits of the system are one line and exit code 4', () => {
  it.skipIf(!linux).each([
    [
      'ulimit -v 33554432',
      /^address space: found a limit of 32\.0 GiB \(ulimit -v\); expected none, or 64 GiB.*\n$/,
    ],
    ['ulimit -n 64', /^open files: found a limit of 64 \(ulimit -n\); expected 128 or more.*\n$/],
  ])('%s (on Linux)', async (limit, says) => {
    const command = `${limit}; exec "$0" runner/launch.mjs runner/cli.ts eval small-world-quick --runs='${folder}/limited'`;
    const { code, err } = await ended(spawn('sh', ['-c', command, process.execPath], { cwd: root }));
    expect(err).toMatch(says);
    expect(code).toBe(4);
    expect(await readdir(folder)).not.toContain('limited');
  });
});

test.skipIf(!unix)('a verb whose output nobody reads ends without a word (not on Windows)', async () => {
  const words = ['runner/launch.mjs', 'runner/cli.ts', 'eval', '--help'];
  const child = spawn(process.execPath, words, { cwd: root });
  child.stdout.destroy();
  expect(await ended(child)).toEqual({ code: 141, signal: null, err: '' });
});

/** A run of some seconds, more than pass between two lines that it writes; its state is saved every few hundred milliseconds. */
const small = settingWords({
  layers: '[2]',
  'training.tokens': '307200',
  'training.checkpointTokens': '4096',
  'evaluation.tokens': '2048',
  'evaluation.controlTokens': '0',
  'evaluation.resamples': '50',
  'evaluation.suites': '["core"]',
});

/** Errors of the program go to a terminal, as far as it can see: without one it does not end with it. */
const ON_A_TERMINAL = { NODE_OPTIONS: '--import=data:text/javascript,process.stderr.isTTY=true' };

function start(place: string, environment: Readonly<Record<string, string>> = {}) {
  const places = [`--runs=${join(folder, place, 'runs')}`, `--content=${join(folder, place, 'content')}`];
  return startProgram(['eval', 'small-world-quick', '--no-site', ...places, ...small], environment);
}

const runOf = (place: string): string => join(folder, place, 'runs', 'small-world-quick');

async function generations(place: string): Promise<number> {
  const names = await readdir(join(runOf(place), 'checkpoints')).catch(() => []);
  return names.filter((name) => name.startsWith('generation-')).length;
}

async function stageOf(place: string): Promise<string> {
  const { stage } = JSON.parse(await readFile(join(runOf(place), 'run.json'), 'utf8')) as { stage: string };
  return stage;
}

/** Stops a run at work; gives how it ended. */
async function stopped(place: string, stop: (child: ChildProcess) => void) {
  const program = start(place, ON_A_TERMINAL);
  await until(() => generations(place).then((count) => count >= 1), program);
  stop(program.child);
  const { code, err, out } = await program.outcome;
  return { code, err, out };
}

describe.skipIf(!unix)('a run saves its state and ends with the code of what stopped it', () => {
  const causes: [string, number, (child: ChildProcess) => void][] = [
    ['SIGTERM', 143, (child) => void child.kill('SIGTERM')],
    ['SIGUSR2', 140, (child) => void child.kill('SIGUSR2')],
    ['SIGHUP', 129, (child) => void child.kill('SIGHUP')],
    ['a reader that goes away (EPIPE)', 141, (child) => void child.stdout!.destroy()],
  ];
  for (const [name, code, stop] of causes) {
    slowTest(name, async () => {
      const place = `stopped-${code}`;
      const first = await stopped(place, stop);
      expect({ code: first.code, err: first.err }).toEqual({ code, err: '' });
      expect(await readdir(runOf(place))).not.toContain('lock');
      expect(await stageOf(place)).toBe('training');
      // What killed processes left half-made goes at the next start, which goes on from the state.
      const here = shortHash(thisMachine.host);
      const left = [
        join(runOf(place), `run.json.${here}-4194305-0123456789abcdef.tmp`),
        join(runOf(place), 'records', `x.json.${here}-4194305-0123456789abcdef.tmp`),
        join(runOf(place), 'checkpoints', `sae.${here}-4194305-0123456789abcdef.incomplete`),
      ];
      for (const path of left) {
        await mkdir(join(path, '..'), { recursive: true });
        await writeFile(path, 'half');
      }
      const young = join(runOf(place), 'records', 'young.00000000-7-0123456789abcdef.tmp');
      await writeFile(young, 'of a process elsewhere');
      await utimes(young, new Date(), new Date());
      const second = await start(place).outcome;
      expect({ code: second.code, err: second.err }).toEqual({ code: 0, err: '' });
      expect(second.out).toContain('resumes training');
      const names = await readdir(runOf(place), { recursive: true });
      expect(names.filter((each) => /\.(tmp|incomplete)$/.test(each))).toEqual([
        join('records', 'young.00000000-7-0123456789abcdef.tmp'),
      ]);
    });
  }
});
