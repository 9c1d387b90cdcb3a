import { getCollection } from 'astro:content';
import type { EvaluationRecord } from '../../runner/report/schema.ts';
import { isLightCheckpoint } from './along-training.ts';
import { arrangeRecords, type Entry } from './arrange.ts';

/** Every record of the content folder, ordered by model and layer; ids are unique or the build fails. */
export async function loadRecords(): Promise<EvaluationRecord[]> {
  const entries: Entry[] = await getCollection('records');
  return arrangeRecords(entries);
}

/**
 * The records of lists and columns, whose row numbers are places here. Light checkpoints are drawn along training, and
 * not listed beside what became of them.
 */
export async function listedRecords(): Promise<EvaluationRecord[]> {
  return (await loadRecords()).filter((entry) => !isLightCheckpoint(entry));
}
