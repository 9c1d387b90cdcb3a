/** Orders in which rows are shown. Missing values stand last in either direction: they are not small, only unknown. */

export type SortDirection = 'ascending' | 'descending';

type Sortable = number | string | null;

/** Names with numbers in them in the order people count: L4 before L31. */
export const inWords = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });

export function compareValues(a: Sortable, b: Sortable, direction: SortDirection): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
  const order =
    typeof a === 'number' && typeof b === 'number' ? a - b : inWords.compare(String(a), String(b));
  return direction === 'ascending' ? order : -order;
}
