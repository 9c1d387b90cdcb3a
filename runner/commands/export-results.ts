import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../errors.ts';
import { readResultFile } from '../exchange/result-file.ts';
import { saeBenchFiles } from '../exchange/saebench/export.ts';
import { writeJsonAtomic } from '../io/write-atomic.ts';
import { checkRecord, readRunRecords } from '../report/run-records.ts';
import type { EvaluationRecord } from '../report/schema.ts';

/**
 * Writes records as result files of SAEBench, in a folder for each of its evaluations.
 *
 * @param sources run folders, record files
 * @returns the files' paths
 * @throws UserError where a file would be overwritten, or a record has nothing that SAEBench has a name for
 */
export async function exportSaeBench(sources: readonly string[], to: string): Promise<string[]> {
  const records = (await Promise.all(sources.map(readRecords))).flat();
  const files = records.flatMap((record) => {
    const found = saeBenchFiles(record);
    if (found.length === 0) {
      throw new UserError({
        thing: `record ${record.id}`,
        found: 'no value that SAEBench defines',
        expected: 'core, k-sparse probing, TPP or SCR',
        next: 'Leave it out.',
      });
    }
    return found.map(({ eval: folder, name, value }) => ({ path: join(to, folder, name), value }));
  });
  const paths = files.map(({ path }) => path);
  const taken = paths.find((path, i) => existsSync(path) || paths.indexOf(path) !== i);
  if (taken !== undefined) {
    throw new UserError({
      thing: taken,
      found: existsSync(taken) ? 'a file there' : 'two records for it',
      expected: 'a new file for each record',
      next: 'Choose another folder, or name each record once.',
    });
  }
  for (const { path, value } of files) await writeJsonAtomic(path, value);
  return paths;
}

async function readRecords(source: string): Promise<EvaluationRecord[]> {
  const found = await stat(source).catch(() => null);
  if (found?.isDirectory()) return readRunRecords(source);
  const { value } = await readResultFile(source);
  return [checkRecord(value, source)];
}
