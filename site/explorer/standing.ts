/** The rank a row is shown with, and what a run of ties looks like. Pure. */
import type { Columns } from '../lib/columns.ts';
import { once } from '../lib/once.ts';
import type { Source } from './fields.ts';

export interface Standing {
  best: number;
  worst: number;
  /** Whether resamples stand behind it; else it is the order of the values alone. */
  resolved: boolean;
}

/** Of every row; null where a row is not ranked. */
export type Standings = readonly (Standing | null)[];

/** As the records' own composite is ranked. */
export const publishedStandings = once(
  ({ rank, count }: Columns): Standings =>
    Array.from({ length: count }, (_, row) => {
      const [best, worst] = [rank.best[row] ?? null, rank.worst[row] ?? null];
      return best === null || worst === null ? null : { best, worst, resolved: true };
    }),
);

/** By the order of other values within each ranking group: what can be said before the resamples are here. */
export function orderedStandings(
  { columns: { rank, count } }: Source,
  values: readonly (number | null)[],
): Standings {
  const byGroup = Map.groupBy(
    Array.from({ length: count }, (_, row) => row).filter(
      (row) => rank.group[row] != null && values[row] != null,
    ),
    (row) => rank.group[row]!,
  );
  const standings = new Array<Standing | null>(count).fill(null);
  for (const members of byGroup.values()) {
    let place = 1;
    members
      .toSorted((a, b) => values[b]! - values[a]!)
      .forEach((row, i, sorted) => {
        // Equal values share a place.
        if (i > 0 && values[row]! < values[sorted[i - 1]!]!) place = i + 1;
        standings[row] = { best: place, worst: place, resolved: false };
      });
  }
  return standings;
}

/** Where a row stands in a run of rows whose ranks overlap: the bracket beside them. */
export type Bracket = 'start' | 'middle' | 'end' | null;

/** Of rows in the order shown, under one heading. */
export function brackets(rows: readonly number[], standings: Standings): Bracket[] {
  const joined = rows.map((row, i) => overlaps(standings[row], standings[rows[i + 1] ?? -1]));
  return rows.map((_, i) => {
    const [above, below] = [i > 0 && joined[i - 1]!, joined[i]!];
    if (above && below) return 'middle';
    return below ? 'start' : above ? 'end' : null;
  });
}

function overlaps(a: Standing | null | undefined, b: Standing | null | undefined): boolean {
  if (a == null || b == null) return false;
  return a.best <= b.worst && b.best <= a.worst && (a.best < a.worst || b.best < b.worst);
}
