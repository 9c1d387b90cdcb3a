/** Pictures of a table of published figures: each fidelity against L0, a line an architecture. */
import { definitions } from '../../runner/report/definitions.ts';
import { measureOf } from '../../runner/report/measures.ts';
import type { RecordTable } from '../../runner/report/record-table.ts';
import type { EvaluationRecord } from '../../runner/report/schema.ts';
import { fixed } from '../charts/formats.ts';
import type { ChartSpec } from '../charts/spec.ts';
import { definitionAnchor } from './url.ts';

/** Fidelities that are worth their sparsity. */
const drawn = /^(?:loss_recovered|var_exp|kl_recovered)@/;

export function tableCharts(table: RecordTable, records: readonly EvaluationRecord[]): ChartSpec[] {
  const figureOf = (entry: EvaluationRecord, id: string): number | null =>
    measureOf(entry, id)?.value ?? null;
  const groups = Map.groupBy(records, ({ sae }) => [sae.architecture, sae.variant].filter(Boolean).join(' '));
  return table.columns
    .map(({ definition }) => definition)
    .filter((id) => drawn.test(id))
    .map((id) => {
      const { title, digits, short } = definitions[id];
      const series = [...groups].flatMap(([label, group]) => {
        const points = group
          .flatMap((entry) => {
            const [x, y] = [figureOf(entry, 'l0@v1'), figureOf(entry, id)];
            return x === null || y === null || x <= 0 ? [] : [{ x, y }];
          })
          .sort((a, b) => a.x - b.x);
        return points.length === 0
          ? []
          : [{ label, x: points.map(({ x }) => x), y: points.map(({ y }) => y) }];
      });
      return {
        id: definitionAnchor(id),
        heading: `${title} against L0`,
        title: `${title} against L0 by architecture, ${table.title}`,
        description: `${series.length} architectures: ${series.map(({ label }) => label).join(', ')}. All values stand in the table below.`,
        x: { label: 'L0 (log)', scale: 'log' as const, ticks: 'count' as const, values: 'fixed1' as const },
        y: { label: short, scale: 'linear' as const, ticks: 'fixed2' as const, values: fixed(digits) },
        series,
        source: `${id}, l0@v1 · ${table.provenance.source}`,
      };
    })
    .filter(({ series }) => series.length > 0);
}
