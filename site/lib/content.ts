/** The content folder: where the site's records lie. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve, sep } from 'node:path';
import { FEATURES } from '../../runner/report/feature-places.ts';
import { LIVE } from '../../runner/report/live-places.ts';

/** Where the site's records lie. */
export const contentFolder = resolve(process.env.INTERPBOARD_CONTENT ?? 'content');

/** Paths in the folder of every file that holds records, sorted. */
export function contentFiles(folder = contentFolder): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((file) => file.split(sep).join('/'))
    .filter(
      (file) => file.endsWith('.json') && ![FEATURES, LIVE].some((beside) => file.startsWith(`${beside}/`)),
    )
    .toSorted();
}

/** Names of the folders in a folder. */
export function foldersIn(at: string): string[] {
  return readdirSync(at, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
}

export function readContent(file: string, folder = contentFolder): string {
  return readFileSync(join(folder, file), 'utf8');
}
