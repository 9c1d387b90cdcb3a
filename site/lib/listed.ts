/** What is made of the listed records: once a build, as several pages and files are of the same. */
import type { EvaluationRecord } from '../../runner/report/schema.ts';
import { columnsOf, metricColumns } from './columns-of.ts';
import { listedRecords } from './records.ts';
import { tidyTable } from './tidy.ts';

function once<T>(make: (records: readonly EvaluationRecord[]) => T): () => Promise<T> {
  const made = new WeakMap<readonly EvaluationRecord[], { value: T }>();
  return async () => {
    const records = await listedRecords();
    const known = made.get(records) ?? { value: make(records) };
    made.set(records, known);
    return known.value;
  };
}

export const listedColumns = once(columnsOf);
export const listedMetrics = once(metricColumns);
export const listedTable = once(tidyTable);
