import { readdirSync, readFileSync } from 'node:fs';
import { type EvaluationRecord, record } from '../../../runner/report/schema.ts';

const folder = new URL('../../fixtures/site/records/', import.meta.url);

/** The committed records the site is tested with, validated. */
export const fixtures: readonly EvaluationRecord[] = readdirSync(folder)
  .filter((name) => name.endsWith('.json'))
  .toSorted()
  .map((name) => record.parse(JSON.parse(readFileSync(new URL(name, folder), 'utf8'))));

export function fixture(id: string): EvaluationRecord {
  const found = fixtures.find((entry) => entry.id === id);
  if (!found) throw new Error(`no fixture ${id}`);
  return found;
}
