import { type Stats, statSync } from 'node:fs';
import { dirname, extname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { quote, UserError } from '../errors.ts';

const here = fileURLToPath(import.meta.url);

/** Folder of the program's own files: the repository, or the package. */
export const programRoot = dirname(dirname(dirname(here)));

/** In a package the program is JavaScript. */
const packaged = extname(here) === '.js';

/**
 * Folder that holds runs/, content/, dist/ and .cache/: the repository, wherever the command is run from; with the package
 * the folder it is run in.
 */
export const projectRoot = packaged ? process.cwd() : programRoot;

/**
 * One of the project's folders.
 *
 * @param given a path that the user names in its place
 * @throws UserError when a file is there
 */
export function projectFolder(name: 'runs' | 'content' | 'dist', given?: string): string {
  const path = resolve(given ?? join(projectRoot, name));
  // Found at the end of a run it would have cost the run.
  for (let at = path; ; at = dirname(at)) {
    const found = statOf(at);
    if (found?.isDirectory() || at === dirname(at)) return path;
    if (found === null) continue;
    throw new UserError({
      thing: `${name === 'dist' ? '--out' : `--${name}`} ${quote(given ?? path)}`,
      found: at === path ? 'a file there' : `${quote(at)}, which is a file`,
      expected: 'a folder, or a path where one can be made',
      next: 'Name another.',
    });
  }
}

/** null where nothing is, and below a file. */
function statOf(path: string): Stats | null {
  try {
    return statSync(path);
  } catch {
    return null;
  }
}
