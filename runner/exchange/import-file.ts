import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { MalformedError } from '../errors.ts';
import type { EvaluationRecord } from '../report/schema.ts';
import { importDictionaryLearning, isDictionaryLearning } from './dictionary-learning-import.ts';
import type { Known } from './imported.ts';
import {
  importCombined,
  importLayer,
  importValidation,
  isCombinedFile,
  isLayerFile,
  isValidationFile,
} from './interpscore-import.ts';
import { readResultFile } from './result-file.ts';
import { importSaeBench, isSaeBench } from './saebench/import.ts';

/**
 * The records of a result file, whichever evaluation wrote it: one per SAE.
 *
 * @throws UserError when the file is missing or leaves out what only the user can know
 * @throws MalformedError when it is none of those known, or breaks its format
 */
export async function importFile(path: string, known: Known): Promise<EvaluationRecord[]> {
  const file = await readResultFile(path);
  const { value } = file;
  if (isSaeBench(value)) return [importSaeBench(file, known)];
  if (isCombinedFile(value)) return importCombined(file, known);
  if (isLayerFile(value)) return [importLayer(file, known)];
  if (isDictionaryLearning(value)) {
    const beside = join(dirname(path), 'config.json');
    const config = existsSync(beside) ? await readResultFile(beside) : undefined;
    return [importDictionaryLearning(file, config, known)];
  }
  if (isValidationFile(value)) return importValidation(file, known);
  throw new MalformedError({
    thing: path,
    found: 'JSON of another kind',
    expected: 'a result file of SAEBench, of the reference evaluation or of dictionary_learning',
    next: 'Import the file that the evaluation wrote.',
  });
}
