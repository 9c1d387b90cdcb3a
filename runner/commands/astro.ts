/** Astro, which the report's pages are made with, as a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { copyFile, mkdir, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { sweepAbandoned, temporaryName } from '../io/temporary-name.ts';
import { programRoot, projectRoot } from './paths.ts';

/** Where it was installed: below the program, or beside it where the program is a package itself. */
const astro = dirname(createRequire(join(programRoot, 'package.json')).resolve('astro/package.json'));

/**
 * A folder for what one process needs while it runs, where modules find the packages that came with this program; what
 * killed ones left there is removed.
 */
export async function inWorkFolder<T>(use: (work: string) => Promise<T>): Promise<T> {
  const all = join(projectRoot, '.cache', 'site');
  await sweepAbandoned(all);
  const work = temporaryName(join(all, 'build'));
  await mkdir(work, { recursive: true });
  try {
    // Astro looks from its root for what pages import and which packages are its own, and the program may lie elsewhere.
    await symlink(dirname(astro), join(work, 'node_modules'), 'junction');
    await copyFile(join(programRoot, 'package.json'), join(work, 'package.json'));
    return await use(work);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Variables that Vite would take for its own: one named BASE_URL would move every link of the site. */
const NOT_OURS = { BASE_URL: undefined, MODE: undefined, DEV: undefined, PROD: undefined, SSR: undefined };

/**
 * @param work from `inWorkFolder`: Astro keeps what it makes on the way in the current folder, where the site is not made below it
 * @param settings variables of astro.config.mjs
 * @param output `pipe` to read it, `inherit` for the terminal
 */
export function startAstro(
  work: string,
  words: readonly string[],
  settings: Readonly<Record<string, string>>,
  output: 'pipe' | 'inherit',
): ChildProcess {
  const config = relative(work, join(programRoot, 'astro.config.mjs'));
  return spawn(process.execPath, [join(astro, 'bin', 'astro.mjs'), ...words, '--config', config], {
    cwd: work,
    env: {
      ...process.env,
      ...NOT_OURS,
      ...settings,
      INTERPBOARD_WORK: work,
      ASTRO_TELEMETRY_DISABLED: '1',
      NO_COLOR: '1',
      INTERPBOARD_ENDS_WITH_INPUT: '1',
    },
    // Its input ends with this process, however that ends: the configuration ends Astro then.
    stdio: ['pipe', output, output],
  });
}
