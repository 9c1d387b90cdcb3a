import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import path, { basename, join, resolve, sep } from 'node:path';
import { quote, UserError } from '../errors.ts';
import { openFile, withFile } from './byte-source.ts';
import { byPath, type DataFile, type DataFiles, formatOf, isPattern, patternOf } from './data-files.ts';

/** From the start and the end of a file into its fingerprint. */
const SAMPLE_BYTES = 2 ** 16;
const MAX_FILES = 100_000;

/**
 * Files of this machine: one file, those of a folder, or those that a pattern such as `texts/*.jsonl.gz` matches.
 *
 * @throws UserError when there is none that can be read
 */
export async function findLocalFiles(path: string): Promise<DataFiles> {
  const files = (await matching(path)).filter((file) => formatOf(file.path) !== null).sort(byPath);
  if (files.length === 0 || files.length > MAX_FILES) {
    throw new UserError({
      thing: `data files ${quote(path)}`,
      found: files.length === 0 ? 'none' : `${files.length}`,
      expected: `1 to ${MAX_FILES} files named .parquet, .jsonl, .json or .txt (the last three also .gz or .zst)`,
      next: 'Check the path or the pattern.',
    });
  }
  return { reference: path, fingerprint: await fingerprintOf(files), files };
}

async function matching(given: string): Promise<DataFile[]> {
  const whole = resolve(given);
  if (!isPattern(given)) {
    const found = await stat(whole).catch(() => null);
    if (found?.isFile()) return [dataFile(basename(whole), whole, found.size)];
    if (found?.isDirectory()) return walk(whole, () => true);
    return [];
  }
  const { folder, names } = splitPattern(whole);
  const pattern = patternOf(names);
  return walk(folder, (name) => pattern.test(name));
}

/**
 * The folder that a pattern is looked for in, and what names are matched with, / between its parts.
 *
 * @param whole an absolute path with a pattern in it
 * @param system the rules of paths: `path.win32` for `C:\\texts\\*.txt`
 */
export function splitPattern(whole: string, system = path): { folder: string; names: string } {
  const { root } = system.parse(whole);
  const parts = whole.slice(root.length).split(system.sep);
  const first = parts.findIndex(isPattern);
  return { folder: system.join(root, ...parts.slice(0, first)), names: parts.slice(first).join('/') };
}

async function walk(folder: string, wanted: (name: string) => boolean): Promise<DataFile[]> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const files: DataFile[] = [];
  for (const each of names) {
    const name = each.split(sep).join('/');
    if (!wanted(name) || formatOf(name) === null) continue;
    const file = join(folder, each);
    const found = await stat(file).catch(() => null);
    if (found?.isFile()) files.push(dataFile(name, file, found.size));
  }
  return files;
}

function dataFile(path: string, file: string, bytes: number): DataFile {
  return { path, name: file, bytes, open: () => openFile(file) };
}

/** Tells one state of the files from another without reading them whole: names, sizes, both ends. */
async function fingerprintOf(files: readonly DataFile[]): Promise<string> {
  const hash = createHash('sha256');
  for (const { path, name, bytes } of files) {
    hash.update(`${path}\0${bytes}\0`);
    await withFile(name, async (source) => {
      hash.update(await source.slice(0, Math.min(SAMPLE_BYTES, bytes)));
      hash.update(await source.slice(Math.max(0, bytes - SAMPLE_BYTES), bytes));
    });
  }
  return hash.digest('hex');
}
