/** What a second measurement changes: every number of a record against the same number of another. */
import type { EvaluationRecord } from './schema.ts';

export interface Movement {
  /** Where in the record, as `metrics.l0@v1`. */
  path: string;
  before: number | null;
  after: number | null;
  interval: { low: number; high: number } | null;
}

export interface Movements {
  /** Numbers compared. */
  compared: number;
  /** Those that are exactly the same. */
  same: number;
  /** Those outside the first one's interval; without an interval, those that are not the same to 1e-6. */
  moved: Movement[];
}

/** Rounding of float64 sums. */
const HAIR = 1e-9;
const SAME = 1e-6;

export function movements(before: EvaluationRecord, after: EvaluationRecord): Movements {
  const others = new Map(measuresOf(after).map((each) => [each.path, each]));
  const found: Movements = { compared: 0, same: 0, moved: [] };
  for (const { path, value, interval } of measuresOf(before)) {
    const again = others.get(path)?.value ?? null;
    found.compared++;
    if (again === value) {
      found.same++;
      continue;
    }
    if (value === null || again === null || !within(again, value, interval)) {
      found.moved.push({ path, before: value, after: again, interval });
    }
  }
  return found;
}

function within(again: number, value: number, interval: Movement['interval']): boolean {
  if (interval === null) return Math.abs(again - value) <= SAME * Math.max(1, Math.abs(value));
  return again >= interval.low - HAIR && again <= interval.high + HAIR;
}

interface FoundMeasure {
  path: string;
  value: number | null;
  interval: Movement['interval'];
}

/** Every measure of a record, wherever it stands. */
function measuresOf(record: EvaluationRecord): FoundMeasure[] {
  const found: FoundMeasure[] = [];
  const visit = (node: unknown, path: string): void => {
    if (typeof node !== 'object' || node === null) return;
    if (isMeasure(node)) found.push({ path, value: node.value, interval: node.interval ?? null });
    for (const [key, child] of Object.entries(node)) visit(child, path === '' ? key : `${path}.${key}`);
  };
  visit(record, '');
  return found;
}

function isMeasure(node: object): node is { value: number | null; interval?: Movement['interval'] } {
  return 'value' in node && ('interval' in node || 'reason' in node);
}
