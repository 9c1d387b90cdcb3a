import { type DefinitionId, definitions } from './definitions.ts';
import { headlines } from './headline.ts';
import { measureOf } from './measures.ts';
import type { EvaluationRecord, Measure } from './schema.ts';

/** Columns after the headline values and before their components: what a reader compares first. */
const columns: readonly DefinitionId[] = ['var_exp@pooled-v1', 'l0@v1'];

/**
 * The scores of a run as a table for a terminal: a line per SAE with values, and below it their 95 % intervals. Below the
 * table stands why a value is not there, where the record says.
 */
export function scoreTable(records: readonly EvaluationRecord[]): string {
  const ids: DefinitionId[] = [
    ...headlines.map(({ id }) => id),
    ...columns,
    ...headlines.flatMap(({ components }) => components),
  ];
  const oneALayer = new Set(records.map(({ sae }) => sae.layer)).size === records.length;
  const header = [oneALayer ? 'layer' : 'SAE', ...ids.map((id) => definitions[id].short)];
  const rows: string[][] = [header];
  const reasons = new Set<string>();
  for (const each of records) {
    // A run without the composite still has some of its parts.
    const measures = ids.map((id) => measureOf(each, id));
    rows.push([
      oneALayer ? String(each.sae.layer) : each.sae.name,
      ...measures.map((measure, i) => valueText(ids[i]!, measure)),
    ]);
    rows.push(['', ...measures.map((measure, i) => intervalText(ids[i]!, measure))]);
    measures.forEach((measure, i) => {
      if (measure?.value === null) reasons.add(`${definitions[ids[i]!].short} n/a: ${measure.reason}`);
    });
  }
  const widths = header.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padStart(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
  lines.splice(1, 0, widths.map((width) => '─'.repeat(width)).join('  '));
  return [...lines, ...reasons].join('\n');
}

function valueText(id: DefinitionId, measure: Measure | undefined): string {
  if (measure === undefined || measure.value === null) return 'n/a';
  return measure.value.toFixed(definitions[id].digits);
}

function intervalText(id: DefinitionId, measure: Measure | undefined): string {
  if (measure === undefined || measure.value === null || measure.interval === null) return '';
  const { digits } = definitions[id];
  const { low, high } = measure.interval;
  return `${low.toFixed(Math.min(digits, 3))}–${high.toFixed(Math.min(digits, 3))}`;
}
