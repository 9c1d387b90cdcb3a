import type { EvaluationRecord } from '../../runner/report/schema.ts';
import { ownRecordOf } from '../../runner/report/transfer.ts';
import { MOST_COMPARED } from './url.ts';

export interface Transfer {
  /** On the SAE's own model. */
  own: EvaluationRecord;
  /** On others, at most as many as are compared. */
  others: EvaluationRecord[];
}

/** What the page of a record says of its SAE on two models; null where it was measured on one alone. */
export function transferOf(entry: EvaluationRecord, records: readonly EvaluationRecord[]): Transfer | null {
  const own = ownRecordOf(entry, records);
  if (own !== null) return { own, others: [entry] };
  const others = records.filter((each) => ownRecordOf(each, records) === entry);
  return others.length === 0 ? null : { own: entry, others: others.slice(0, MOST_COMPARED - 1) };
}
