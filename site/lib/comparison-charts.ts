/** Records over one another: density of firing, alive latents by window, and the curves of their suites. */
import type { EvaluationRecord } from '../../runner/report/schema.ts';
import type { CurveView } from '../../runner/report/suite.ts';
import { definitionOf, suitesOf } from '../../runner/report/suites/find.ts';
import type { ChartSpec, SeriesSpec } from '../charts/spec.ts';
import { definitionsOf } from './definitions.ts';
import { columnsOf, curvePanel } from './views.ts';

export interface Compared {
  label: string;
  record: EvaluationRecord;
}

export function comparisonCharts(saes: readonly Compared[]): ChartSpec[] {
  return [...densityChart(saes), ...aliveChart(saes), ...curveCharts(saes)];
}

function densityChart(saes: readonly Compared[]): ChartSpec[] {
  const series = saes.flatMap(({ label, record }, index): SeriesSpec[] => {
    const { density } = record.curves;
    if (density === null) return [];
    const bins = density.counts.flatMap((count, i) => {
      const [from, to] = [density.edges[i], density.edges[i + 1]];
      if (from === undefined || to === undefined) return [];
      return [{ x: 10 ** ((from + to) / 2), y: count / record.sae.d_sae / (to - from) }];
    });
    return [{ label, index, x: bins.map(({ x }) => x), y: bins.map(({ y }) => y) }];
  });
  if (series.length === 0) return [];
  const never = saes.flatMap(({ label, record }) =>
    record.curves.density === null ? [] : [`${label}: ${record.curves.density.never}`],
  );
  return [
    {
      id: 'compared-density',
      heading: 'Firing density',
      title: 'Share of latents per decade of firings per token',
      description: `Latents that never fired: ${never.join(', ')}.`,
      x: { label: 'firings per token (log)', scale: 'log', ticks: 'brief', values: 'brief' },
      y: {
        label: 'share of latents per decade of firings per token',
        scale: 'linear',
        ticks: 'fixed2',
        values: 'fixed3',
        include: [0],
      },
      series,
      source: 'density@v1',
    },
  ];
}

function aliveChart(saes: readonly Compared[]): ChartSpec[] {
  const series = saes.flatMap(({ label, record }, index): SeriesSpec[] => {
    const points = record.curves.alive.filter(({ tokens }) => tokens > 0);
    return points.length < 2
      ? []
      : [{ label, index, x: points.map(({ tokens }) => tokens), y: points.map(({ alive }) => alive) }];
  });
  if (series.length === 0) return [];
  return [
    {
      id: 'compared-alive',
      heading: 'Alive latents by window',
      title: 'Share of latents seen at least once within a window of tokens',
      description: series.map(({ label, y }) => `${label}: ${y.at(-1)?.toFixed(3)} at the end`).join('; '),
      x: { label: 'window, tokens (log)', scale: 'log', ticks: 'tokens', values: 'tokens' },
      y: { label: 'alive', scale: 'linear', ticks: 'fixed2', values: 'fixed4' },
      series,
      source: 'alive@v1',
    },
  ];
}

/** The SAEs' own line of every curve that a suite declares. */
function curveCharts(saes: readonly Compared[]): ChartSpec[] {
  return suitesOf(saes.map(({ record }) => record)).flatMap((suite) =>
    suite.views
      .filter((view): view is CurveView => view.kind === 'curve')
      .flatMap((view) => {
        const series = saes.flatMap(({ label, record }, index): SeriesSpec[] => {
          const curve = record.suites[suite.id]?.curves?.[view.key];
          if (curve === undefined) return [];
          const own = curvePanel(view, curve, definitionsOf(record)).series[0];
          return own === undefined || own.points.length === 0
            ? []
            : [{ label, index, ...columnsOf(own.points) }];
        });
        if (series.length === 0) return [];
        const id = view.lines[0]?.definition ?? '';
        const meaning = saes
          .map(({ record }) => definitionOf(record, id))
          .find((found) => found !== undefined);
        return [
          {
            id: `compared-${suite.id}-${view.key}`,
            heading: view.title,
            title: `${view.title} against the number of ${view.xLabel}`,
            description: 'All values stand in the table below.',
            x: { label: `${view.xLabel} (log)`, scale: 'log', ticks: 'count', values: 'count' },
            y: {
              label: meaning?.short ?? view.title,
              scale: 'linear',
              ticks: 'fixed2',
              values: 'fixed4',
              include: view.include,
            },
            series,
            source: `${id} · whiskers: 95 % intervals`,
          } satisfies ChartSpec,
        ];
      }),
  );
}
