/** What `inspect` says of an SAE of one hook and of a cross-layer transcoder alike: where it comes from, and its files. */
import { quote } from '../errors.ts';
import { formatBytes } from '../io/bytes.ts';
import { hashFile } from '../io/hash.ts';
import type { SaePlace } from '../sae/published/place.ts';

export type PlaceFacts = Pick<SaePlace, 'name' | 'repo' | 'revision' | 'license'>;

export interface FileFacts {
  file: string;
  /** Both where files are hashed, which reads all of them. */
  bytes?: number;
  sha256?: string;
}

/** A name, or nothing below the row whose list goes on, and what is said of it. */
export type Row = [name: string, text: string];

export function placeFacts({ name, repo, revision, license }: SaePlace): PlaceFacts {
  return { name, repo, revision, license };
}

/** @throws UnavailableError when a file cannot be read */
export async function fileFacts(paths: readonly string[], hash: boolean): Promise<FileFacts[]> {
  const facts: FileFacts[] = [];
  for (const path of paths) facts.push({ file: path, ...(hash ? await hashFile(path) : {}) });
  return facts;
}

/** Texts from the files are quoted: they are strangers' and may hold anything. */
export function said(text: string | null): string {
  return text === null ? 'not said by its files' : quote(text);
}

export function count(value: number): string {
  return value.toLocaleString('en');
}

export function repositoryRows({ repo, revision, license }: PlaceFacts): Row[] {
  return repo === null ? [] : [['repository', `${repo}@${revision}, licence ${said(license)}`]];
}

export function fileRows(files: readonly FileFacts[]): Row[] {
  return files.map(({ file, bytes, sha256 }, i) => [
    i === 0 ? 'files' : '',
    `${quote(file)}${bytes === undefined ? '' : `  ${formatBytes(bytes)}, SHA-256 ${sha256}`}`,
  ]);
}

export function laidOut(rows: readonly Row[]): string {
  return rows.map(([name, text]) => `${name.padEnd(12)} ${text}`.trimEnd()).join('\n');
}
