/** `preview`: the report in dist/, served to this machine's browser. */
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { quote, UserError } from '../errors.ts';
import { inWorkFolder, startAstro } from './astro.ts';
import { HANG_UP } from './hang-up.ts';
import { optionLines } from './option-lines.ts';
import { parseOptions } from './parse-options.ts';
import { projectFolder } from './paths.ts';
import { everyVerb } from './shared-options.ts';
import { whenInterrupted } from './when-interrupted.ts';

const options = {
  out: { type: 'string', help: 'folder of the report (default dist)' },
  port: { type: 'string', help: 'port to serve it at (default 4321, or the next that is free)' },
  ...everyVerb,
} as const;

/** @returns the exit code, when the server ends: of Ctrl-C 130 */
export async function run(args: readonly string[]): Promise<number> {
  const { values } = parseOptions('preview', args, options);
  if (values.help) {
    console.log(help());
    return 0;
  }
  const out = projectFolder('dist', values.out);
  if (!existsSync(join(out, 'index.html'))) {
    throw new UserError({
      thing: `report ${out}`,
      found: 'none',
      expected: 'a folder that eval or build wrote',
      next: 'Run npx interpboard build, or name the folder with --out.',
    });
  }
  const port = values.port ?? '4321';
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) {
    throw new UserError({
      thing: '--port',
      found: quote(port),
      expected: '1 to 65535',
      next: 'Choose another port.',
    });
  }
  return inWorkFolder((work) => serve(work, out, port));
}

const SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', ...HANG_UP];

function serve(work: string, out: string, port: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = startAstro(work, ['preview', '--port', port], { INTERPBOARD_OUT: out }, 'inherit');
    // The server ends with its input; what it needed is then removed.
    let stopped: NodeJS.Signals | undefined;
    whenInterrupted((signal) => {
      stopped = signal;
      child.stdin?.end();
    }, SIGNALS);
    child.on('error', reject);
    child.on('close', (code) =>
      resolve(stopped === undefined ? (code ?? 1) : 128 + constants.signals[stopped]),
    );
  });
}

function help(): string {
  return [
    'usage: npx interpboard preview [options]',
    '',
    'Serves the report until it is stopped with Ctrl-C.',
    '',
    'Options',
    ...optionLines(options),
  ].join('\n');
}
