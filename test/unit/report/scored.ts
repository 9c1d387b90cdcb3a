/** A board of records whose composite is a mean over rows, with the draws and influences that evaluation stores. */
import { pairedPart } from '../../../runner/evaluation/pairing.ts';
import type { Random } from '../../../runner/math/random.ts';
import { resampleRows } from '../../../runner/metrics/bootstrap.ts';
import { combine, type Estimate, sumOf, toMeasure } from '../../../runner/metrics/statistic.ts';
import type { EvaluationRecord } from '../../../runner/report/schema.ts';
import { fixture } from '../site/fixtures.ts';

const keys = { tokens: 'a'.repeat(64), probes: 'b'.repeat(64) };

interface Shape {
  saes: number;
  rows: number;
  /** From one true value to the next. */
  gap: number;
  count?: number;
  /** Rows on which they differ; all, where it is not said. */
  differ?: number;
}

/** Composites over the same rows, the first the best. */
export function scoredStatistic(
  stream: Random,
  { saes, rows, gap, count = 1_000, differ = rows }: Shape,
): Estimate[] {
  const shared = Float64Array.from({ length: rows }, () => 0.1 * stream.gaussian());
  const resamples = resampleRows(rows, { count, seed: 7 });
  const ones = sumOf(new Float64Array(rows).fill(1), resamples);
  return Array.from({ length: saes }, (_, i) => {
    const column = shared.map(
      (each, row) => 0.7 + each + (row < differ ? 0.01 * stream.gaussian() - i * gap : 0),
    );
    const score = combine([sumOf(column, resamples), ones], (a, b) => a / b, 'no rows');
    if (score.value === null) throw new Error(score.reason);
    return score;
  });
}

/** Records of these. */
export function boardOf(stream: Random, shape: Shape): EvaluationRecord[] {
  return scoredStatistic(stream, shape).map((score, i) => {
    const copy = structuredClone(fixture('small-world-l0'));
    copy.id = `${copy.id}-${i}`;
    // The components are another's: no sum is claimed.
    delete copy.suites.interpscore!.weights;
    copy.suites.interpscore!.measures!['interpscore@0.0.1'] = toMeasure(score);
    copy.paired = pairedPart({ 'interpscore@0.0.1': score }, keys)!;
    return copy;
  });
}
