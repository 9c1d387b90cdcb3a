import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { basename, join, resolve, sep } from 'node:path';
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

async function matching(path: string): Promise<DataFile[]> {
  const whole = resolve(path);
  if (!isPattern(path)) {
    const found = await stat(whole).catch(() => null);
    if (found?.isFile()) return [dataFile(basename(whole), whole, found.size)];
    if (found?.isDirectory()) return walk(whole, () => true);
    return [];
  }
  const parts = whole.split(sep);
  const first = parts.findIndex(isPattern);
  const pattern = patternOf(parts.slice(first).join('/'));
  return walk(parts.slice(0, first).join(sep) || sep, (name) => pattern.test(name));
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
