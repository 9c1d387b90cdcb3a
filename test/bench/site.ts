/**
 * Building the site: of what a clone holds (the published records, the 252 of SAEBench among them) and of 1,000 invented
 * records as large as a run's own. Wall and processor time, peak memory of the build's process, files and what a reader
 * of the front page loads (gzip). Each build is a first one, without a cache.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSite } from '../e2e/build-site.ts';
import { builtFiles, gzipped, scriptBytes } from '../e2e/site-bytes.ts';
import { writeMany } from '../fixtures/site/make_many.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const MANY = 1_000;

/** Says at its end what the process used. */
const usage = `process.on('exit', () => console.error('used ' + JSON.stringify(process.resourceUsage())))`;

interface Used {
  wall: number;
  cpu: number;
  /** Bytes. */
  peak: number;
}

async function build(content: string, out: string, cache: string): Promise<Used> {
  const started = performance.now();
  const { code, output } = await buildSite({
    content,
    out,
    cache,
    base: '/',
    nodeArgs: ['--import', `data:text/javascript,${encodeURIComponent(usage)}`],
  });
  const found = /used (\{.*\})/.exec(output)?.[1];
  if (code !== 0 || found === undefined) throw new Error(`astro build ended with ${code}: ${output}`);
  const { userCPUTime, systemCPUTime, maxRSS } = JSON.parse(found) as NodeJS.ResourceUsage;
  return {
    wall: (performance.now() - started) / 1_000,
    cpu: (userCPUTime + systemCPUTime) / 1e6,
    peak: maxRSS * 1_024,
  };
}

const kB = (bytes: number): string => `${(bytes / 1_000).toFixed(0)} kB`;
const MB = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;

console.log(`${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} cores`);
const folder = await mkdtemp(join(tmpdir(), 'interpboard-bench-site-'));
try {
  writeMany(MANY, join(folder, 'many'));
  for (const [name, content] of [
    ['as cloned', join(root, 'content/published')],
    [`${MANY} records`, join(folder, 'many')],
  ] as const) {
    const out = join(folder, `dist ${name}`);
    const { wall, cpu, peak } = await build(content, out, join(folder, `cache ${name}`));
    const { files, bytes, pages } = builtFiles(out);
    console.log(
      `${name}: ${wall.toFixed(1)} s (processor ${cpu.toFixed(1)} s), ${MB(peak)} at most; ${pages.length} pages, ${files} files, ${MB(bytes)}`,
    );
    console.log(
      `  front page, gzipped: HTML ${kB(gzipped(join(out, 'index.html')))}, scripts ${kB(scriptBytes(out, 'index.html', '/'))}, first data ${kB(gzipped(join(out, 'data/explorer.json')))}`,
    );
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
