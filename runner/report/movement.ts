/** What a second measurement changes: every number of a record against the same number of another. */
import type { EvaluationRecord } from './schema.ts';
import type { Similarity } from './similarity.ts';
import { similarityIds } from './similarity-definitions.ts';

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
  return moved(measuresOf(before), measuresOf(after));
}

/**
 * The same of how alike an SAE's decoder is to others, where both measurements are of the very same SAEs: another SAE has
 * other directions, and no interval says how far they may lie.
 *
 * @param record of the SAE
 */
export function similarityMovements(before: Similarity, after: Similarity, record: string): Movements {
  const hashes = new Map(after.saes.map((sae) => [sae.record, sae.sha256]));
  const same = new Set(
    before.saes.flatMap((sae) => (hashes.get(sae.record) === sae.sha256 ? [sae.record] : [])),
  );
  const of = (all: Similarity): FoundMeasure[] =>
    all.pairs.flatMap((pair) => {
      const names = [pair.of, pair.among].map((place) => all.saes[place]!.record);
      if (!('values' in pair) || !names.includes(record) || names.some((name) => !same.has(name))) return [];
      return similarityIds.map((id) => ({
        path: `decoders.${names.join(' among ')}.${id}`,
        value: pair.values[id],
        interval: null,
      }));
    });
  return moved(of(before), of(after));
}

function moved(before: readonly FoundMeasure[], after: readonly FoundMeasure[]): Movements {
  const others = new Map(after.map((each) => [each.path, each]));
  const found: Movements = { compared: 0, same: 0, moved: [] };
  for (const { path, value, interval } of before) {
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
