/**
 * How work grows: each stage at a size, at twice and at four times that, in a process of its own; what is printed is the exponent of
 * its processor time and of the memory that it takes beyond what the process held before, fitted to the three (1: twice as
 * much takes twice as long). Above 1.1 a reason stands beside it, or the benchmark fails.
 *
 *     npm run bench -- growth [--stage "tpp, classes"]
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildSite } from '../e2e/build-site.ts';
import { gzipped } from '../e2e/site-bytes.ts';
import { writeMany } from '../fixtures/site/make_many.ts';
import { exponent } from './parts/exponent.ts';
import { stages } from './parts/growth-stages.ts';
import { trainingStages } from './parts/growth-training.ts';
import type { Stage, Used } from './parts/growth-used.ts';

const { values } = parseArgs({
  options: { stage: { type: 'string' }, size: { type: 'string' } },
});

const BOUND = 1.1;
/** Of less at the least size, in seconds and bytes, nothing is fitted: noise is as large. */
const LEAST = { cpu: 0.02, memory: 8e6 };

const usage = `process.on('exit', () => console.error('used ' + JSON.stringify(process.resourceUsage())))`;

/** Pages of so many records: built in a process of its own already. */
const site: Stage & { reads: (out: string) => number } = {
  axis: 'records',
  sizes: [200, 400, 800],
  reads: (out) => gzipped(join(out, 'data/explorer.json')),
  async run(size) {
    const folder = mkdtempSync(join(tmpdir(), 'interpboard-growth-'));
    try {
      writeMany(size, join(folder, 'many'));
      const out = join(folder, 'out');
      const nodeArgs = ['--import', `data:text/javascript,${encodeURIComponent(usage)}`];
      const built = { content: join(folder, 'many'), out, cache: join(folder, 'cache'), base: '/', nodeArgs };
      const { code, output } = await buildSite(built);
      const found = /used (\{.*\})/.exec(output)?.[1];
      if (code !== 0 || found === undefined) throw new Error(`astro build ended with ${code}: ${output}`);
      const { userCPUTime, systemCPUTime, maxRSS } = JSON.parse(found) as NodeJS.ResourceUsage;
      const bytes = readdirSync(out, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
      return {
        '': { cpu: (userCPUTime + systemCPUTime) / 1e6, memory: 1_024 * maxRSS },
        // Of what is written sizes are what grows.
        'all its files': { cpu: 0, memory: bytes },
        'the front page’s data': { cpu: 0, memory: site.reads(out) },
      };
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};
const all: Readonly<Record<string, Stage>> = { ...stages, ...trainingStages, 'site build': site };

if (values.size !== undefined) {
  console.log(JSON.stringify(await all[values.stage!]!.run(Number(values.size))));
} else {
  const unknown = values.stage !== undefined && !Object.hasOwn(all, values.stage);
  if (unknown)
    throw new RangeError(`--stage: found ${values.stage}; expected one of ${Object.keys(all).join('; ')}`);
  console.log(`${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} cores`);
  for (const name of values.stage === undefined ? Object.keys(all) : [values.stage]) report(name, all[name]!);
}

function report(name: string, { axis, sizes, reason }: Stage): void {
  const found = sizes.map((size) => {
    const words = [fileURLToPath(import.meta.url), '--stage', name, '--size', String(size)];
    const output = execFileSync(process.execPath, ['--expose-gc', ...words], { encoding: 'utf8' });
    return JSON.parse(output.trim().split('\n').at(-1)!) as Record<string, Used>;
  });
  for (const part of Object.keys(found.at(-1)!)) {
    const read = (what: keyof Used): number[] => found.map((each) => each[part]?.[what] ?? 0);
    /** Bytes that are written, without noise. */
    const written = read('cpu').every((cpu) => cpu === 0);
    const fitted = (what: keyof Used): number | null =>
      Math.min(...read(what)) < (written ? 1 : LEAST[what]) ? null : exponent(sizes, read(what));
    const [time, memory] = [fitted('cpu'), fitted('memory')];
    const text = (value: number | null): string => (value === null ? '–' : value.toFixed(2));
    const above = [time, memory].some((value) => value !== null && value > BOUND);
    console.log(
      `${name}${part === '' ? '' : `, ${part}`} · ${axis} ${sizes.join(', ')}: time ${text(time)} (${read(
        'cpu',
      )
        .map((each) => each.toFixed(2))
        .join(', ')} s), memory ${text(memory)} (${read('memory')
        .map((each) => (each / 1e6).toFixed(each < 1e7 ? 2 : 0))
        .join(', ')} MB)${above ? `: ${reason ?? 'ABOVE THE BOUND'}` : ''}`,
    );
    if (above && reason === undefined) process.exitCode = 1;
  }
}
