/** The similarity of a run's decoders as a file: read and written whole. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { clip, MalformedError } from '../errors.ts';
import { parseJson } from '../formats/json.ts';
import { writeJsonAtomic } from '../io/write-atomic.ts';
import { SIMILARITY_FILE, type Similarity, similarity } from './similarity.ts';

/**
 * Null where there is none: a run of an earlier version, or one without SAEs.
 *
 * @param path of the file
 * @throws MalformedError when it is not one
 */
export async function readSimilarity(path: string): Promise<Similarity | null> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return null;
  let value: unknown;
  try {
    value = parseJson(text);
  } catch {
    value = undefined;
  }
  return checkSimilarity(value, path);
}

export async function writeSimilarity(folder: string, found: Similarity): Promise<void> {
  const path = join(folder, SIMILARITY_FILE);
  await writeJsonAtomic(path, checkSimilarity(found, path));
}

function checkSimilarity(value: unknown, path: string): Similarity {
  const parsed = similarity.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new MalformedError({
    thing: `${path}, ${clip(issue?.path.join('.') || 'top level')}`,
    found: clip(issue?.message ?? 'another shape'),
    expected: 'the fields of runner/report/similarity.ts',
    next: 'Make the file again with npx interpboard eval --fresh.',
  });
}
