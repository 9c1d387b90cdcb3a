import { type EvaluationRecord, type Kind, rankedKinds } from '../../runner/report/schema.ts';
import { compareValues } from './order.ts';

/** Own measurements first, figures that are not ranked last. */
const readingOrder: readonly Kind[] = ['measured', 'published', 'imported', 'demo', 'external'];

/** A record with the file it was read from, by its path in the content folder. */
export interface Entry {
  id: string;
  data: EvaluationRecord;
}

/**
 * Records in reading order: by kind, those of large tables behind the others of their kind, then model, layer and id.
 *
 * @throws Error when two files carry one record id, which would be one page address.
 */
export function arrangeRecords(entries: readonly Entry[]): EvaluationRecord[] {
  const files = new Map<string, string>();
  for (const { id: file, data } of entries) {
    const other = files.get(data.id);
    if (other !== undefined) {
      throw new Error(
        `content: field id: found "${data.id}" in both ${other} and ${file}; expected one file per record. Rename or delete one.`,
      );
    }
    files.set(data.id, file);
  }
  return entries
    .map((entry) => entry.data)
    .toSorted(
      (a, b) =>
        readingOrder.indexOf(a.kind) - readingOrder.indexOf(b.kind) ||
        Number(ofTable(a)) - Number(ofTable(b)) ||
        compareValues(a.model.id, b.model.id, 'ascending') ||
        a.sae.layer - b.sae.layer ||
        compareValues(a.id, b.id, 'ascending'),
    );
}

function ofTable({ provenance }: EvaluationRecord): boolean {
  return provenance.table !== undefined;
}

export interface ModelGroup {
  model: string;
  /** Whether any of its records may be ranked. */
  ranked: boolean;
  records: EvaluationRecord[];
}

/** Records by model, keeping their order. */
export function groupByModel(records: readonly EvaluationRecord[]): ModelGroup[] {
  const groups = new Map<string, ModelGroup>();
  for (const entry of records) {
    const found = groups.get(entry.model.id) ?? { model: entry.model.id, ranked: false, records: [] };
    found.records.push(entry);
    found.ranked ||= rankedKinds.includes(entry.kind);
    groups.set(entry.model.id, found);
  }
  return [...groups.values()];
}
