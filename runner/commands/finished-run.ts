/** A run that has ended, for verbs that read it. */
import { existsSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { quote, UserError } from '../errors.ts';
import { openRunFolder } from '../job/run/run-folder.ts';
import { projectFolder } from './paths.ts';

/** The folder of a run that is named, or is given by its folder. @param runs folder of the run folders */
export function finishedRunFolder(name: string, runs: string | undefined): string {
  return existsSync(join(name, 'run.json')) ? resolve(name) : join(projectFolder('runs', runs), name);
}

/** The run's folder is held while its files are read. */
export async function withFinishedRun(path: string, use: (name: string) => Promise<void>): Promise<void> {
  if (!existsSync(join(path, 'run.json'))) {
    throw new UserError({
      thing: `run ${quote(path)}`,
      found: 'no such run',
      expected: 'the name of a run, or its folder',
      next: 'Look into the folder runs, or name another with --runs.',
    });
  }
  const opened = await openRunFolder(path);
  try {
    if (opened.found?.stage !== 'done') {
      throw new UserError({
        thing: `run ${quote(path)}`,
        found: `one that is still ${opened.found?.stage ?? 'to begin'}`,
        expected: 'a finished run',
        next: 'Let npx interpboard eval finish it first.',
      });
    }
    await use(String(opened.found.config.name ?? basename(path)));
  } finally {
    await opened.release();
  }
}
