/** A record with a given composite and its resamples: most of their spread is shared by all SAEs, as rows are. */
import { random } from '../../../runner/math/random.ts';
import { packDraws } from '../../../runner/report/paired-draws.ts';
import type { EvaluationRecord } from '../../../runner/report/schema.ts';

/** @param rows names the rows evaluated on */
export function withDraws(
  record: EvaluationRecord,
  score: number,
  own: number,
  rows = 'a',
): EvaluationRecord {
  const copy = structuredClone(record);
  const shared = random('shared draws');
  const other = random('own draws', own);
  const samples = Float64Array.from({ length: 1_000 }, () => {
    return score + 0.01 * shared.gaussian() + 0.001 * other.gaussian();
  });
  const measures = copy.suites.interpscore?.measures;
  if (measures === undefined) throw new Error(`${record.id} has no composite`);
  // The components are another's: no sum is claimed.
  delete copy.suites.interpscore?.weights;
  measures['interpscore@0.0.1'] = { value: score, interval: { low: score - 0.02, high: score + 0.02 } };
  copy.paired = {
    count: 1_000,
    tokens: rows.repeat(64),
    probes: 'b'.repeat(64),
    draws: { 'interpscore@0.0.1': { over: 'both', ...packDraws(samples) } },
  };
  return copy;
}
