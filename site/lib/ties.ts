/**
 * Tie groups of a ranking: SAEs whose order the evaluation does not resolve. The best SAE leads the first group; every
 * SAE whose paired difference to it has a 95 % interval that holds 0 belongs there; the best of the rest leads the next.
 * Only SAEs evaluated over the same rows are compared; others are in no group with each other.
 */
import { pairedDifference } from '../../runner/report/paired.ts';
import type { EvaluationRecord } from '../../runner/report/schema.ts';

export interface Tie {
  /** A, B, C, … in the order of the ranking. */
  label: string;
  /** First and last rank its members hold by value. */
  from: number;
  to: number;
  /** The other members, best first. */
  with: readonly EvaluationRecord[];
}

/**
 * @param records best first, all with a composite
 * @param ranks of each, by value
 * @returns for each record its group, or null when its rank is its own
 */
export function tiesOf(records: readonly EvaluationRecord[], ranks: readonly number[]): (Tie | null)[] {
  const group = new Array<number | undefined>(records.length).fill(undefined);
  const groups: number[][] = [];
  records.forEach((leader, i) => {
    if (group[i] !== undefined) return;
    const members = [i];
    for (let j = i + 1; j < records.length; j++) {
      if (group[j] !== undefined) continue;
      if (pairedDifference(leader, records[j]!, 'interpscore@0.0.1')?.resolved === false) members.push(j);
    }
    if (members.length === 1) return;
    for (const member of members) group[member] = groups.length;
    groups.push(members);
  });
  return records.map((_, i) => {
    const number = group[i];
    if (number === undefined) return null;
    const members = groups[number]!;
    const held = members.map((member) => ranks[member]!);
    return {
      label: labelOf(number),
      from: Math.min(...held),
      to: Math.max(...held),
      with: members.filter((member) => member !== i).map((member) => records[member]!),
    };
  });
}

/** A … Z, then A2, B2 and so on. */
function labelOf(number: number): string {
  const letter = String.fromCharCode(65 + (number % 26));
  return number < 26 ? letter : `${letter}${Math.floor(number / 26) + 1}`;
}
