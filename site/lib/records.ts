import { getCollection } from 'astro:content';
import type { EvaluationRecord } from '../../runner/report/schema.ts';
import { arrangeRecords, type Entry } from './arrange.ts';

/** Every record of the content folder, ordered by model and layer; ids are unique or the build fails. */
export async function loadRecords(): Promise<EvaluationRecord[]> {
  const entries: Entry[] = await getCollection('records');
  return arrangeRecords(entries);
}
