/**
 * An SAE on another model than its own, such as a base model's SAE on a fine-tune: the record there names the one that
 * the same SAE has on its own model, and every value is compared with that one's. Free of zod.
 */
import { inColumns } from './columns.ts';
import { baseDefinitionIds } from './definitions.ts';
import { measureOf } from './measures.ts';
import { type PairedDifference, pairedDifference } from './paired.ts';
import type { EvaluationRecord } from './schema.ts';
import { definitionOf } from './suites/find.ts';

/** Name of the run that measures SAEs on their own model, of the run on another. */
export function ownRunOf(run: string): string {
  return `${run}-own-model`;
}

/** The record of the same SAE on its own model, among these; null where it is not there or of other tensors. */
export function ownRecordOf(
  { transfer, sae }: EvaluationRecord,
  records: readonly EvaluationRecord[],
): EvaluationRecord | null {
  if (transfer === undefined) return null;
  const own = records.find(({ id }) => id === transfer.record);
  return own !== undefined && own.sae.sha256 === sae.sha256 && own.sae.hook === sae.hook ? own : null;
}

interface Transferred {
  label: string;
  digits: number;
  own: number | null;
  here: number | null;
  difference: PairedDifference | null;
}

/** Every measure that both records have, in the order of the record. */
function transferredOf(here: EvaluationRecord, own: EvaluationRecord): Transferred[] {
  const ofSuites = Object.values(here.suites).flatMap(({ measures = {} }) => Object.keys(measures));
  const ids = new Set([...baseDefinitionIds.filter((id) => here.metrics[id] !== undefined), ...ofSuites]);
  return [...ids].flatMap((id) => {
    const definition = definitionOf(here, id);
    const [found, there] = [measureOf(here, id), measureOf(own, id)];
    if (definition === undefined || found === undefined || there === undefined) return [];
    return [
      {
        label: definition.short,
        digits: definition.digits,
        own: there.value,
        here: found.value,
        difference: pairedDifference(here, own, id),
      },
    ];
  });
}

/** For a terminal: a table of each SAE with its values on both models, and their difference with its 95 % interval. */
export function transferTables(
  records: readonly EvaluationRecord[],
  others: readonly EvaluationRecord[],
): string {
  const tables = records.flatMap((here) => {
    const there = ownRecordOf(here, others);
    if (there === null) return [];
    const header = ['', there.model.id, here.model.id, 'difference', '95 %'];
    const rows = transferredOf(here, there).map(transferRow);
    return [`transfer ${here.sae.name}`, ...inColumns([header, ...rows], { first: 'left' })];
  });
  return tables.join('\n');
}

function transferRow({ label, digits, own, here, difference }: Transferred): string[] {
  const number = (value: number | null): string => (value === null ? 'n/a' : value.toFixed(digits));
  const signed = (value: number): string => `${value < 0 ? '' : '+'}${value.toFixed(digits)}`;
  const change = own === null || here === null ? '' : signed(here - own);
  const ends = difference && `${signed(difference.low)} to ${signed(difference.high)}`;
  return [label, number(own), number(here), change, ends ?? ''];
}
