import { dirname, extname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

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

/** One of the project's folders. @param given a path that the user names in its place */
export function projectFolder(name: 'runs' | 'content' | 'dist', given?: string): string {
  return resolve(given ?? join(projectRoot, name));
}
