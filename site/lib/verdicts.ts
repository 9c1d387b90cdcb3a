/** What a comparison comes to: which differences to the first SAE are resolved, and which are not. */
import type { EvaluationRecord } from '../../runner/report/schema.ts';
import type { ComparisonRow, ComparisonSection } from './comparison.ts';
import { unlikeIn } from './protocol.ts';

export interface Difference {
  label: string;
  href: string | null;
  change: string;
  /** 95 % interval of the difference; null where only the two intervals were compared. */
  interval: string | null;
  /** Whether this SAE is the better of the two by it; null where neither is. */
  better: boolean | null;
}

export interface Verdict {
  /** Place of the SAE among those compared, 1 or more. */
  column: number;
  /** What the two were not measured alike in: then nothing is resolved and nothing counted. */
  unlike: string[];
  resolved: Difference[];
  /** Differences whose interval holds 0. */
  open: Difference[];
  /** Differences of which nothing can be said: no interval, or intervals that overlap and were not drawn over the same rows. */
  unknown: number;
}

/** A statistic that stands in two sections of the table, such as a component that is a metric too, is counted once. */
export function verdicts(
  sections: readonly ComparisonSection[],
  records: readonly EvaluationRecord[],
): Verdict[] {
  const all = sections.flatMap((section) => section.rows).filter(({ definition }) => definition !== null);
  const rows = [...Map.groupBy(all, valuesOf).values()].map(([row]) => row!);
  return records.slice(1).map((entry, i) => {
    const column = i + 1;
    const unlike = unlikeIn([records[0]!, entry]).map(({ name }) => name.toLowerCase());
    const verdict: Verdict = { column, unlike, resolved: [], open: [], unknown: 0 };
    if (unlike.length > 0) return verdict;
    for (const row of rows) {
      const cell = row.cells[column];
      if (!cell || cell.change === null || cell.difference === null) continue;
      const difference: Difference = {
        label: row.label,
        href: row.href,
        change: cell.change,
        interval: cell.changeInterval,
        better: betterOf(row.direction, cell.difference),
      };
      if (cell.resolved === true) verdict.resolved.push(difference);
      else if (cell.resolved === false) verdict.open.push(difference);
      else if (cell.other) verdict.unknown++;
    }
    return verdict;
  });
}

function valuesOf({ href, label, cells }: ComparisonRow): string {
  return JSON.stringify([
    href,
    label,
    cells.map(({ text, change, changeInterval }) => [text, change, changeInterval]),
  ]);
}

/** By the unrounded difference: one that is printed as 0.0000 may be resolved. */
function betterOf(direction: ComparisonRow['direction'], difference: number): boolean | null {
  if (direction === null || direction === 'neutral' || difference === 0) return null;
  return difference < 0 === (direction === 'lower');
}
