/** Builds the site into a folder of the test's own, the way the runner does: a child process with an environment. */
import { spawn } from 'node:child_process';
import { join, relative } from 'node:path';
import { inWorkFolder } from '../../runner/commands/astro.ts';
import { root } from './program.ts';

export interface BuildOptions {
  content: string;
  out: string;
  cache: string;
  base: string;
  /** Whether the documentation is built too. */
  docs?: boolean;
  /** Arguments of the process's Node. */
  nodeArgs?: readonly string[];
}

export interface BuildResult {
  code: number | null;
  /** Standard output and standard error, in the order they came. */
  output: string;
}

/** Several may be built at once. */
export function buildSite(options: BuildOptions): Promise<BuildResult> {
  return inWorkFolder((work) => buildIn(work, options));
}

function buildIn(work: string, options: BuildOptions): Promise<BuildResult> {
  const program = join(root, 'node_modules/astro/bin/astro.mjs');
  const config = relative(work, join(root, 'astro.config.mjs'));
  const child = spawn(process.execPath, [...(options.nodeArgs ?? []), program, 'build', '--config', config], {
    cwd: work,
    env: {
      ...process.env,
      NODE_ENV: 'production',
      NO_COLOR: '1',
      FORCE_COLOR: '0',
      ASTRO_TELEMETRY_DISABLED: '1',
      INTERPBOARD_CONTENT: options.content,
      INTERPBOARD_OUT: options.out,
      INTERPBOARD_CACHE: options.cache,
      INTERPBOARD_WORK: work,
      INTERPBOARD_BASE: options.base,
      INTERPBOARD_DOCS: options.docs ? '1' : '',
      INTERPBOARD_SITE: '',
      // Set by vitest; Vite would take them for its own.
      VITEST: undefined,
      TEST: undefined,
      DEV: undefined,
      PROD: undefined,
      MODE: undefined,
      BASE_URL: undefined,
      SSR: undefined,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
  });
}
