import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { clip, MalformedError } from '../errors.ts';
import { parseJson } from '../formats/json.ts';
import { writeJsonAtomic } from '../io/write-atomic.ts';
import { type EvaluationRecord, record } from './schema.ts';

/** Records of a run lie in its folder, one file each: `records/<id>.json`. */
function recordsFolder(runFolder: string): string {
  return join(runFolder, 'records');
}

/**
 * Validates a record against the schema that the site reads it by.
 *
 * @throws MalformedError naming the first field that is wrong
 */
export function checkRecord(value: unknown, thing: string): EvaluationRecord {
  const parsed = record.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new MalformedError({
    thing: `record ${thing}, ${clip(issue?.path.join('.') || 'top level')}`,
    found: clip(issue?.message ?? 'another shape'),
    expected: 'the fields of runner/report/schema.ts',
    next: 'Make the record again with npx interpboard eval --fresh.',
  });
}

/** Makes the run's folder hold exactly these records. */
export async function writeRunRecords(
  runFolder: string,
  records: readonly EvaluationRecord[],
): Promise<void> {
  for (const each of records) {
    await writeJsonAtomic(join(recordsFolder(runFolder), `${each.id}.json`), checkRecord(each, each.id));
  }
  const names = records.map(({ id }) => `${id}.json`);
  await removeOthers(recordsFolder(runFolder), /\.json$/, names);
}

/** Removes the files of a folder that an earlier evaluation wrote and this one did not. */
export async function removeOthers(folder: string, kind: RegExp, kept: readonly string[]): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    if (kind.test(name) && !kept.includes(name)) await rm(join(folder, name), { force: true });
  }
}

/** Ids of the records in a run's folder, whether or not they can be read. */
export async function runRecordIds(runFolder: string): Promise<string[]> {
  const files = await readdir(recordsFolder(runFolder)).catch(() => []);
  return files.flatMap((name) => (name.endsWith('.json') ? [name.slice(0, -'.json'.length)] : [])).sort();
}

/**
 * The records of a finished run, by layer.
 *
 * @throws MalformedError when a file is not a record
 */
export async function readRunRecords(runFolder: string): Promise<EvaluationRecord[]> {
  const folder = recordsFolder(runFolder);
  const files = (await readdir(folder).catch(() => [])).filter((file) => file.endsWith('.json')).sort();
  if (files.length === 0) {
    throw new MalformedError({
      thing: folder,
      found: 'no record',
      expected: 'the records of a finished run',
      next: 'Make them again with npx interpboard eval --fresh.',
    });
  }
  const records: EvaluationRecord[] = [];
  for (const file of files) {
    const path = join(folder, file);
    let value: unknown;
    try {
      value = parseJson(await readFile(path, 'utf8'));
    } catch {
      value = undefined;
    }
    records.push(checkRecord(value, path));
  }
  return records.sort((a, b) => a.sae.layer - b.sae.layer || (a.id < b.id ? -1 : 1));
}
