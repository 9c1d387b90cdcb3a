import { columnWidths, inColumns } from './columns.ts';
import type { Definition } from './definition.ts';
import { headlines, leadFigures } from './headline.ts';
import { measureOf } from './measures.ts';
import { placeSite } from './place-site.ts';
import type { EvaluationRecord, Measure } from './schema.ts';
import { definitionOf } from './suites/find.ts';

/** Columns after what SAEs are judged by and before its components: what a reader compares first. */
const columns = ['var_exp@pooled-v1', 'l0@v1'];

/**
 * The scores of a run as a table for a terminal: a line per SAE with values, and below it their 95 % intervals. What no SAE
 * was asked for has no column; below the table stands why a value is not there, where the record says.
 */
export function scoreTable(records: readonly EvaluationRecord[]): string {
  const shown = new Set<string>([
    ...records.flatMap(leadFigures),
    ...columns,
    ...headlines.flatMap(({ components }) => components),
  ]);
  const cells = [...shown].flatMap((id) => {
    const asked = records.find((each) => measureOf(each, id) !== undefined);
    return asked === undefined ? [] : [{ id, definition: definitionOf(asked, id)! }];
  });
  const oneALayer =
    new Set(records.map(({ sae }) => sae.layer)).size === records.length &&
    records.every(({ sae }) => placeSite(sae) === 'resid_post');
  const header = [oneALayer ? 'layer' : 'SAE', ...cells.map(({ definition }) => definition.short)];
  const rows: string[][] = [header];
  const reasons = new Set<string>();
  for (const each of records) {
    const measures = cells.map(({ id }) => measureOf(each, id));
    rows.push([
      oneALayer ? String(each.sae.layer) : each.sae.name,
      ...measures.map((measure, i) => valueText(cells[i]!.definition, measure)),
    ]);
    rows.push(['', ...measures.map((measure, i) => intervalText(cells[i]!.definition, measure))]);
    measures.forEach((measure, i) => {
      if (measure?.value === null) reasons.add(`${cells[i]!.definition.short} n/a: ${measure.reason}`);
    });
  }
  const lines = inColumns(rows, { first: 'right' });
  const rule = columnWidths(rows).map((width) => '─'.repeat(width));
  lines.splice(1, 0, rule.join('  '));
  return [...lines, ...reasons].join('\n');
}

function valueText({ digits }: Definition, measure: Measure | undefined): string {
  if (measure === undefined || measure.value === null) return 'n/a';
  return measure.value.toFixed(digits);
}

function intervalText({ digits }: Definition, measure: Measure | undefined): string {
  if (measure === undefined || measure.value === null || measure.interval === null) return '';
  const { low, high } = measure.interval;
  const [from, to] = [low, high].map((end) => end.toFixed(Math.min(digits, 3))) as [string, string];
  // A dash beside a minus sign reads as another one.
  return low < 0 || high < 0 ? `${from} to ${to}` : `${from}–${to}`;
}
