import type { FileSource } from './byte-source.ts';

/** A file of a data set, wherever it lies. */
export interface DataFile {
  /** Path in its data set, with / between folders: decides the order and the format. */
  path: string;
  /** What it is called in errors. */
  name: string;
  bytes: number;
  open(): Promise<FileSource>;
}

/** The files that a reference names, in the order they are read. */
export interface DataFiles {
  /** The reference with its commit; a local one as it was written. */
  reference: string;
  /** Of local files: hash of names, sizes and samples. Null where the commit stands for the contents. */
  fingerprint: string | null;
  files: DataFile[];
}

/** Data files in words for a record: local ones by their last name and fingerprint, not by where they lie. */
export function describeFiles({ reference, fingerprint }: Omit<DataFiles, 'files'>): string {
  if (fingerprint === null) return reference;
  const name = reference.split(/[\\/]/).findLast((part) => part !== '') ?? reference;
  return `${name} (local, fingerprint ${fingerprint.slice(0, 12)})`;
}

/** @throws UserError when nothing is found; UnavailableError when offline and not all is there */
export type FindDataFiles = (reference: string) => Promise<DataFiles>;

/** Endings that can be read, and how. */
const FORMATS =
  /\.(?:(?<parquet>parquet)|(?:(?<json>jsonl|ndjson|json)|(?<table>csv|tsv)|(?<txt>txt|text))(?:\.(?<packed>gz|zst))?)$/i;

export interface DataFormat {
  /** json: a value a line, or, where the name ends so, a list. */
  kind: 'parquet' | 'json' | 'csv' | 'tsv' | 'text';
  compression: 'none' | 'gzip' | 'zstd';
}

/** The format that a name tells, or null. */
export function formatOf(path: string): DataFormat | null {
  const groups = FORMATS.exec(path)?.groups;
  if (groups === undefined) return null;
  const packed = groups.packed?.toLowerCase();
  const table = groups.table?.toLowerCase();
  return {
    kind: groups.parquet
      ? 'parquet'
      : groups.json
        ? 'json'
        : table === 'csv' || table === 'tsv'
          ? table
          : 'text',
    compression: packed === 'gz' ? 'gzip' : packed === 'zst' ? 'zstd' : 'none',
  };
}

export function isPattern(path: string): boolean {
  return /[*?]/.test(path);
}

/** A path pattern: `*` and `?` within a name, `**` over folders. */
export function patternOf(text: string): RegExp {
  const parts = text
    .split(/(\*\*\/|\*\*|\*|\?)/)
    .map((part) =>
      part === '**/'
        ? '(?:.*/)?'
        : part === '**'
          ? '.*'
          : part === '*'
            ? '[^/]*'
            : part === '?'
              ? '[^/]'
              : part.replace(/[.+^${}()|[\]\\]/g, '\\$&'),
    );
  return new RegExp(`^${parts.join('')}$`, 's');
}

/** Paths in the order of their characters' codes: the same on every system. */
export function byPath(a: { path: string }, b: { path: string }): number {
  return a.path < b.path ? -1 : a.path > b.path ? 1 : 0;
}
