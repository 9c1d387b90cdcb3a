/** Records of many files, those of one SAE as one, beside what an earlier import left. */
import type { EvaluationRecord } from '../report/schema.ts';
import { idOf } from './imported.ts';
import { merged } from './merge.ts';
import { differences, factsOf, knownFacts, sameSae } from './same-sae.ts';

/** What one file holds. */
export interface FileRecords {
  path: string;
  records: readonly EvaluationRecord[];
}

/**
 * @param earlier what the folder of imported records holds
 * @param refused told of a file that says something else than another about one SAE; its records are left out
 * @returns the records that are new or changed, each id once
 */
export function collected(
  files: readonly FileRecords[],
  earlier: readonly EvaluationRecord[],
  refused: (path: string, error: unknown) => void,
  replace = false,
): EvaluationRecord[] {
  const held: EvaluationRecord[] = [...earlier];
  /** Those with an id that an earlier import gave. */
  const fixed = new Set(earlier);
  const changed = new Set<EvaluationRecord>();
  // What says most of its SAE comes first, so that what says less finds the one that it is of, in whatever order it is given.
  const parts = files
    .flatMap(({ path, records }) => records.map((record) => ({ path, record, known: knownFacts(record) })))
    .sort((a, b) => b.known - a.known);
  for (const { path, record } of parts) {
    try {
      const before = sameSae(record, held, path);
      const after = before === undefined ? record : merged(before, record, path, replace);
      if (before !== undefined) {
        held.splice(held.indexOf(before), 1);
        changed.delete(before);
        if (fixed.has(before)) fixed.add(after);
      }
      held.push(after);
      changed.add(after);
    } catch (error) {
      refused(path, error);
    }
  }
  const used = new Set(held.map(({ id }) => id));
  return [...changed].map((record) => {
    const namesakes = held.filter((other) => other !== record && other.id === record.id);
    if (fixed.has(record) || namesakes.length === 0) return record;
    const plain = idOf(`${record.id} ${whatTells(record, namesakes)}`);
    let id = plain;
    for (let again = 2; used.has(id); again++) id = idOf(`${plain}-${again}`);
    used.add(id);
    return { ...record, id };
  });
}

/** The facts that differ from those of others of one name, in the order in which they are compared. */
function whatTells(record: EvaluationRecord, others: readonly EvaluationRecord[]): string {
  const facts = factsOf(record);
  const differing = Object.keys(facts).filter((fact) =>
    others.some((other) => differences(record, other).includes(fact)),
  );
  return differing
    .map((fact) => (typeof facts[fact] === 'number' ? `${fact}-${facts[fact]}` : String(facts[fact])))
    .map((word) => (/^[0-9a-f]{64}$/.test(word) ? word.slice(0, 8) : word.slice(0, 40)))
    .join(' ');
}
