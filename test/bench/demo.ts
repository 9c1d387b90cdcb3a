/**
 * The first minutes: `eval` as a fresh clone runs it, by stage. Processor time of the whole program, all threads and the site's build; of each stage
 * also that of its busiest thread (Linux). On two quiet cores a stage takes at least the larger of that and of half of
 * its processor time, which is what `two cores` says: times of the clock say nothing on a machine that does other things.
 *
 *     npm run bench -- demo [--rounds 1]
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { median } from './parts/median.ts';

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '1' } } });
const root = fileURLToPath(new URL('../../', import.meta.url));

/** What a process says of itself, at each line that it prints and at its end. */
interface Said {
  pid: number;
  /** First word of the line; null at the end. */
  stage: string | null;
  /** Seconds of processor time until then, and those of each of its threads. */
  cpu: number;
  threads: Record<string, number>;
  /** Bytes held at most until then. */
  peak: number;
}

interface Cost {
  cpu: number;
  busiest: number;
}

const STAGES = ['start', 'text', 'training', 'measuring', 'scoring', 'validation', 'similarity', 'site'];

async function demo(): Promise<{ stages: Map<string, Cost>; peak: number }> {
  const folder = mkdtempSync(join(tmpdir(), 'interpboard-bench-demo-'));
  try {
    const said = join(folder, 'said');
    const places = ['runs', 'content', 'out'].flatMap((name) => [`--${name}`, join(folder, name)]);
    const child = spawn(
      process.execPath,
      [join(root, 'runner/launch.mjs'), 'runner/cli.ts', 'eval', ...places],
      {
        cwd: root,
        stdio: ['ignore', 'ignore', 'inherit'],
        env: {
          ...process.env,
          INTERPBOARD_BENCH_SAID: said,
          // Nothing is left of an earlier run.
          NODE_COMPILE_CACHE: join(folder, 'compiled'),
          INTERPBOARD_CACHE: join(folder, 'cache'),
          NODE_OPTIONS: `--import=${new URL('./parts/say-usage.mjs', import.meta.url).href}`,
        },
      },
    );
    const code = await new Promise((done) => child.on('close', done));
    if (code !== 0) throw new Error(`eval ended with ${code}`);
    return costs(
      readFileSync(said, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Said),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What was used from the first line of each stage to that of the next. Processes that print no stage built the site. */
function costs(said: readonly Said[]): { stages: Map<string, Cost>; peak: number } {
  const stages = new Map<string, Cost>(STAGES.map((stage) => [stage, { cpu: 0, busiest: 0 }]));
  const program = said.find(({ stage }) => stage === 'measuring')?.pid;
  const add = (stage: string, cpu: number, busiest: number): void => {
    const cost = stages.get(stage)!;
    cost.cpu += cpu;
    cost.busiest += busiest;
  };
  let [stage, before] = ['start', { cpu: 0, threads: {} as Said['threads'] }];
  for (const line of said.filter(({ pid }) => pid === program)) {
    if (line.stage !== null && (!stages.has(line.stage) || line.stage === stage)) continue;
    const threads = Object.entries(line.threads).map(([id, used]) => used - (before.threads[id] ?? 0));
    add(stage, line.cpu - before.cpu, Math.max(0, ...threads));
    [stage, before] = [line.stage ?? stage, line];
  }
  for (const { pid, stage: none, cpu, threads } of said)
    if (pid !== program && none === null) add('site', cpu, Math.max(0, ...Object.values(threads)));
  return { stages, peak: Math.max(...said.map(({ peak }) => peak)) };
}

console.log(`${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} cores`);
const rounds: Awaited<ReturnType<typeof demo>>[] = [];
for (let round = 0; round < Number(values.rounds); round++) rounds.push(await demo());
let [all, wall, scores] = [0, 0, 0];
for (const stage of STAGES) {
  const of = (read: (cost: Cost) => number): number =>
    median(rounds.map(({ stages }) => read(stages.get(stage)!)));
  const [cpu, busiest] = [of((cost) => cost.cpu), of((cost) => cost.busiest)];
  if (cpu === 0) continue;
  const least = Math.max(busiest, cpu / 2);
  all += cpu;
  wall += least;
  if (stage !== 'site') scores += least;
  console.log(
    `${stage}: ${cpu.toFixed(1)} s of processor time, ${busiest.toFixed(1)} s of them in one thread; two cores ${least.toFixed(1)} s`,
  );
}
console.log(
  `all: ${all.toFixed(1)} s of processor time; two cores: scores ${scores.toFixed(0)} s, report ${wall.toFixed(0)} s; ${(median(rounds.map(({ peak }) => peak)) / 1e9).toFixed(2)} GB at most`,
);
