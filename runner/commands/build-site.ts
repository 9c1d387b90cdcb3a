import { spawn } from 'node:child_process';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { MalformedError } from '../errors.ts';
import { projectRoot } from './paths.ts';
import type { ProgressView } from './progress.ts';

/** Lines of the builder's output kept for an error. */
const TAIL_LINES = 12;

/**
 * Builds the static site from the records in `content` beside its final place, then changes the folders' names: a
 * reader of `out` sees the old site or the new one.
 *
 * @throws MalformedError when the build fails, with the builder's last lines (a wrong record is named there)
 */
export async function buildSite(site: {
  content: string;
  out: string;
  /** Path it is served under; without it that of the environment, or /. */
  base?: string | undefined;
  view: ProgressView;
}): Promise<void> {
  const { content, out, base, view } = site;
  const building = `${out}.building`;
  const previous = `${out}.previous`;
  const progress = { stage: 'site', total: 1, unit: 'site', rate: 0, fields: {} };
  view.show({ ...progress, done: 0 });
  const { code, output } = await astroBuild({
    INTERPBOARD_CONTENT: content,
    INTERPBOARD_OUT: building,
    ...(base === undefined ? {} : { INTERPBOARD_BASE: base }),
  });
  if (code !== 0) {
    await rm(building, { recursive: true, force: true });
    throw new MalformedError({
      thing: `site build from ${content}`,
      found: output.trim().split('\n').slice(-TAIL_LINES).join(' | '),
      expected: 'records that follow runner/report/schema.ts',
      next: 'Mend or remove the record named there, then run npm run build.',
    });
  }
  await rm(previous, { recursive: true, force: true });
  await rename(out, previous).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
  await rename(building, out);
  await rm(previous, { recursive: true, force: true });
  view.show({ ...progress, done: 1 });
}

/** Variables that Vite would take for its own: one named BASE_URL would move every link of the site. */
const NOT_OURS = { BASE_URL: undefined, MODE: undefined, DEV: undefined, PROD: undefined, SSR: undefined };

function astroBuild(settings: Record<string, string>): Promise<{ code: number; output: string }> {
  return new Promise((resolve, reject) => {
    const program = join(projectRoot, 'node_modules', 'astro', 'bin', 'astro.mjs');
    const child = spawn(process.execPath, [program, 'build'], {
      cwd: projectRoot,
      env: { ...process.env, ...NOT_OURS, ...settings, ASTRO_TELEMETRY_DISABLED: '1', NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    const keep = (chunk: Buffer): void => {
      output = `${output}${chunk.toString()}`.slice(-20_000);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('error', reject);
    child.on('close', (code) => resolve({ code: code ?? 1, output }));
  });
}
