/**
 * How soon the program answers: help, a mistyped verb, option, preset and setting, by the launcher as npm starts it; what a run has used when its first
 * line and its first line of progress are there; and what a process holds that waits. Processor time of all processes, median of
 * nine: times of the clock say nothing on a machine that does other things. On Linux and macOS (it reads `times` of the shell).
 *
 *     npm run bench -- start-up [--rounds 9]
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { median } from './parts/median.ts';

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '9' } } });
const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'interpboard-bench-start-up-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
/** The Node that a user has: the launcher finds the pinned one. */
const systemNode = execFileSync(
  'sh',
  ['-c', 'PATH=$(printf %s "$PATH" | tr : "\\n" | grep -v node_modules | paste -sd : -); command -v node'],
  { encoding: 'utf8' },
).trim();

/** Milliseconds of processor time of a command and of all that it starts. */
function used(words: readonly string[]): number {
  const said = execFileSync('sh', ['-c', '"$@" >/dev/null 2>&1; times', 'sh', ...words], {
    cwd: root,
    encoding: 'utf8',
  });
  const children = said.trim().split('\n').at(-1)!;
  return [...children.matchAll(/(\d+)m([\d.]+)s/g)].reduce(
    (sum, [, minutes, seconds]) => sum + 60_000 * Number(minutes) + 1_000 * Number(seconds),
    0,
  );
}

const middle = (words: readonly string[]): string =>
  median(Array.from({ length: Number(values.rounds) }, () => used(words))).toFixed(0);

/** Bytes that a process and what it started hold. */
function held(pid: number): number {
  const [, kB] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))!;
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  const below = children === '' ? [] : children.split(' ').map(Number);
  return Number(kB) * 1_024 + below.reduce((sum, child) => sum + held(child), 0);
}

async function lineOf(child: ChildProcess, wanted: RegExp): Promise<void> {
  let said = '';
  for await (const chunk of child.stdout!) {
    said += String(chunk);
    if (wanted.test(said)) return;
  }
  throw new Error(`no ${wanted} in ${said}`);
}

/** A run that ends when its first line of progress is there. */
async function firstLines(round: number): Promise<{ first: number; progress: number }> {
  const said = join(folder, `said-${round}`);
  const places = ['runs', 'content', 'out'].flatMap((name) => [
    `--${name}`,
    join(folder, `${name}-${round}`),
  ]);
  const child = spawn(
    systemNode,
    ['runner/launch.mjs', 'runner/cli.ts', 'eval', '--cache', 'off', ...places],
    {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
      env: {
        ...process.env,
        INTERPBOARD_BENCH_SAID: said,
        NODE_OPTIONS: `--import=${new URL('./parts/say-usage.mjs', import.meta.url).href}`,
      },
    },
  );
  await lineOf(child, /^checking/m);
  child.kill('SIGINT');
  child.stdout!.resume();
  await new Promise((done) => child.on('close', done));
  const lines = readFileSync(said, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { stage: string | null; cpu: number });
  const at = (stage: string): number => 1_000 * lines.find((line) => line.stage === stage)!.cpu;
  return { first: at('run'), progress: at('checking') };
}

console.log(`${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} cores`);
const launched = [systemNode, 'runner/launch.mjs', 'runner/cli.ts'];
used([...launched, 'eval', '--help']);
used([...launched, 'plan', 'nope']);
console.log(
  `an empty program: ${middle([systemNode, '-e', '0'])} ms, on the pinned Node ${middle([process.execPath, '-e', '0'])} ms`,
);
for (const words of [
  '--help',
  'evl',
  'eval --help',
  'eval --nope',
  'eval nope',
  'eval --set sae.k=none',
  'plan nope',
  'inspect --help',
  'publish --nope',
]) {
  const all = words.split(' ');
  console.log(
    `${words}: ${middle([...launched, ...all])} ms, without the launcher ${middle([process.execPath, 'runner/cli.ts', ...all])} ms`,
  );
}
const cold = ['env', `NODE_COMPILE_CACHE=${join(folder, 'compiled')}`, ...launched, 'eval', '--help'];
console.log(`eval --help, started for the first time: ${used(cold).toFixed(0)} ms`);
console.log(`npm run eval -- --nope: ${middle(['npm', 'run', 'eval', '--', '--nope'])} ms`);
const lines: { first: number; progress: number }[] = [];
for (let round = 0; round < Math.ceil(Number(values.rounds) / 3); round++)
  lines.push(await firstLines(round));
console.log(
  `a run: ${median(lines.map(({ first }) => first)).toFixed(0)} ms until its first line, ${median(lines.map(({ progress }) => progress)).toFixed(0)} ms until its first line of progress`,
);
if (process.platform === 'linux') {
  const child = spawn(systemNode, ['runner/launch.mjs', 'runner/cli.ts', 'preview', '--port', '0'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const serves = await lineOf(child, /https?:/).then(
    () => true,
    () => false,
  );
  const size = serves ? `${(held(child.pid!) / 1e6).toFixed(0)} MB` : 'no report to show (npm run build)';
  console.log(`preview, waiting: ${size}`);
  child.kill();
}
