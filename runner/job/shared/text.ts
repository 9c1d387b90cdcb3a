/** What the texts of training and of evaluation have in common: where they come from, and the batches that are made of them. */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import type { CorpusSettings } from '../../config/sections.ts';
import { UserError } from '../../errors.ts';
import { dataFileFinder } from '../../hub/data-files.ts';
import { openHubHere } from '../../hub/here.ts';
import { describeFiles, type FindDataFiles } from '../../io/data-files.ts';
import type { TokenBatch } from '../../lm/language-model.ts';
import { type Reporter, Stopped } from '../../reporter.ts';
import { corpora } from '../../text/corpora.ts';
import { demoMixture } from '../../text/demo-source.ts';
import { fileSource, type SourceDeclaration } from '../../text/file-source.ts';
import type { TextSource } from '../../text/source.ts';

/** Data files of this machine and of the hub that the environment names. */
export const findFiles: FindDataFiles = dataFileFinder(openHubHere, { exists: existsSync, home: homedir() });

/** Rows of equal length as one batch. */
export function batchOf(rows: readonly Int32Array[]): TokenBatch {
  const tokens = rows[0]!.length;
  const ids = new Int32Array(rows.length * tokens);
  rows.forEach((row, i) => {
    ids.set(row, i * tokens);
  });
  return { ids, rows: rows.length, tokens };
}

/** For loops over rows of text. */
export function stopWhenAsked(reporter: Reporter): () => void {
  return () => {
    if (reporter.stopRequested()) throw new Stopped();
  };
}

/** The declarations behind a corpus; null for the generator of the small world, and for a synthetic model's samples. */
export function declarationsOf(source: CorpusSettings['source']): readonly SourceDeclaration[] | null {
  if (source === 'small-world' || source === 'samples') return null;
  return typeof source === 'string' ? corpora[source] : source;
}

/** Sources with their commits and shares, in one line. */
export function corpusText(source: CorpusSettings['source']): string {
  const declarations = declarationsOf(source);
  if (declarations === null) return source === 'samples' ? 'samples of the synthetic model' : 'small world';
  const total = declarations.reduce((sum, { weight }) => sum + weight, 0);
  const parts = declarations.map(({ data, weight, fingerprint = null }) => {
    const words = describeFiles({ reference: data, fingerprint });
    return declarations.length === 1 ? words : `${Math.round((1000 * weight) / total) / 10} % ${words}`;
  });
  const line = parts.join(', ');
  return line.length <= 2_000 ? line : `${line.slice(0, 1_999)}…`;
}

export async function sourcesOf(
  source: CorpusSettings['source'],
  seed: number,
  find: FindDataFiles,
): Promise<TextSource[]> {
  const declarations = declarationsOf(source);
  if (source === 'samples') throw new TypeError('samples are no text');
  if (declarations === null) return demoMixture(seed);
  const sources: TextSource[] = [];
  for (const [index, declaration] of declarations.entries()) {
    const { files } = await find(declaration.data);
    const { data: reference, fingerprint = null } = declaration;
    // The number keeps two declarations of the same files apart. Of local files neither draws nor the saved state may
    // depend on where they lie.
    sources.push(fileSource(`${index} ${describeFiles({ reference, fingerprint })}`, declaration, files));
  }
  return sources;
}

export function tooShort(
  thing: string,
  source: string,
  found: number,
  expected: number,
  setting: string,
): UserError {
  return new UserError({
    thing,
    found: `the end of source ${JSON.stringify(source)} after ${found} tokens`,
    expected: `${expected}`,
    next: `Lower ${setting}, or give the sources more text.`,
  });
}
