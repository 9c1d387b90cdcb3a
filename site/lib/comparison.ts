/**
 * Records side by side. Pure and free of zod: the same function makes the static tables at build and the picked
 * comparison in the browser.
 */
import type { Definition, Direction } from '../../runner/report/definition.ts';
import { baseDefinitionIds, definitions } from '../../runner/report/definitions.ts';
import { isMeasure } from '../../runner/report/is-measure.ts';
import { type PairedDifference, pairedDifference } from '../../runner/report/paired.ts';
import { isAtOneLayer } from '../../runner/report/place-site.ts';
import type { EvaluationRecord, Measure } from '../../runner/report/schema.ts';
import type { MeasuresView, SuiteDeclaration, View } from '../../runner/report/suite.ts';
import { definitionOf, suitesOf } from '../../runner/report/suites/find.ts';
import { describeMeasure, formatCount, formatDuration, formatPlain, formatSigned } from './format.ts';
import { hookNames, layerText } from './hook-words.ts';
import { kindLabels } from './kinds.ts';
import { unlikeIn } from './protocol.ts';
import { definitionPath } from './url.ts';

export interface ComparisonCell {
  /** What to print; null where it is missing. */
  text: string | null;
  /** Interval and window, each on its own line. */
  details: string[];
  /** Why there is no value, or no interval. */
  reason: string | null;
  /** Difference to the first record, for statistics, as it is printed. */
  change: string | null;
  /** The same, unrounded. */
  difference: number | null;
  /**
   * 95 % interval of that difference, of the paired bootstrap, and its kind where that is not the studentised one; null
   * where the rows were not the same.
   */
  changeInterval: string | null;
  /**
   * Whether the difference is one: by its own interval where there is one; else true for intervals that do not
   * overlap, null for ones that do, which says nothing, and for records that were not measured alike.
   */
  resolved: boolean | null;
  /** Whether the printed value is another than the first record's. */
  other: boolean;
}

export interface ComparisonRow {
  key: string;
  label: string;
  /** The definition's place on the methodology page, for statistics. */
  href: string | null;
  definition: string | null;
  /** Which direction of the statistic is better; null for settings. */
  direction: Direction | null;
  cells: ComparisonCell[];
  /** Whether the printed values are not all the same. */
  differs: boolean;
}

export interface ComparisonSection {
  title: string;
  rows: ComparisonRow[];
}

const unknown = 'The record does not say.';

/** Sections in reading order; rows nobody has a word for are left out. */
export function compareRecords(records: readonly EvaluationRecord[]): ComparisonSection[] {
  const fact = (label: string, read: (entry: EvaluationRecord) => Fact): ComparisonRow =>
    factRow(label, records.map(read));
  const suites = suitesOf(records);
  const sections: ComparisonSection[] = [
    ...suites.filter(({ leads }) => leads).map((suite) => suiteSection(records, suite)),
    { title: 'Reconstruction and sparsity', rows: metricRows(records, 'Reconstruction and sparsity') },
    { title: 'Loss', rows: metricRows(records, 'Loss') },
    ...suites.filter(({ leads }) => !leads).map((suite) => suiteSection(records, suite)),
    {
      title: 'Architecture',
      rows: [
        fact('Kind', (entry) => kindLabels[entry.kind]),
        fact('Model', (entry) => entry.model.id),
        fact('Model blocks', (entry) => entry.model.blocks),
        fact('Model type', (entry) => entry.model.dtype),
        fact('Architecture', (entry) => entry.sae.architecture),
        fact('Layer', (entry) => (isAtOneLayer(entry.sae) ? entry.sae.layer : layerText(entry.sae))),
        fact('Second model', ({ sae }) => sae.other_model?.id),
        fact('Hook', ({ sae }) => hookNames(sae).hook),
        fact('Hook that it reads', ({ sae }) => hookNames(sae).reads),
        fact('Width of the hook (d_in)', (entry) => entry.sae.d_in),
        fact('Latents (d_sae)', (entry) => entry.sae.d_sae),
        fact('k', (entry) => entry.sae.k),
        fact('Licence', (entry) => entry.sae.license),
      ],
    },
    { title: 'Training', rows: trainingRows(records) },
    {
      title: 'Evaluation data',
      rows: [
        fact('Text', (entry) => entry.data?.name),
        fact('Split', (entry) => entry.data?.split),
        fact('Seed', (entry) => entry.data?.seed),
        fact('Tokens', (entry) => entry.data?.tokens),
        fact('Rows', (entry) => entry.data?.rows),
        fact('Documents that hold them', (entry) => entry.data?.blocks),
        fact('Tokens per row', (entry) => entry.data?.row_tokens),
        fact('Device', (entry) => entry.provenance.device),
        fact('Wall time', ({ provenance }) =>
          provenance.wall_seconds === null ? null : formatDuration(provenance.wall_seconds),
        ),
      ],
    },
  ];
  const alike = records.map((entry) => unlikeIn([records[0]!, entry]).length === 0);
  return sections
    .map((section) => ({
      ...section,
      rows: section.rows
        .filter((row) => row.cells.some((cell) => cell.text !== null || row.href !== null))
        .map((row) => ({
          ...row,
          cells: row.cells.map((cell, i) => (alike[i] ? cell : { ...cell, resolved: null })),
        })),
    }))
    .filter((section) => section.rows.length > 0);
}

type Fact = string | number | boolean | null | undefined;

function factRow(label: string, facts: readonly Fact[], key = label): ComparisonRow {
  const cells = facts.map((found) => {
    const missing = found === null || found === undefined;
    return {
      text: missing ? null : factText(found),
      details: [],
      reason: missing ? unknown : null,
      change: null,
      difference: null,
      changeInterval: null,
      resolved: null,
    };
  });
  return { key, label, href: null, definition: null, direction: null, ...markOthers(cells) };
}

function factText(found: string | number | boolean): string {
  if (typeof found === 'number') return Number.isInteger(found) ? formatCount(found) : formatPlain(found);
  return typeof found === 'boolean' ? (found ? 'yes' : 'no') : found;
}

function markOthers(
  cells: readonly Omit<ComparisonCell, 'other'>[],
): Pick<ComparisonRow, 'cells' | 'differs'> {
  const marked = cells.map((cell) => ({ ...cell, other: cell.text !== cells[0]?.text }));
  return { cells: marked, differs: marked.some((cell) => cell.other) };
}

interface Measured {
  id: string;
  definition: Definition;
  measures: readonly (Measure | undefined)[];
  key: string;
  label?: string;
  /** Where the measures are the ones their paired difference is of; left out for parts of them. */
  records?: readonly EvaluationRecord[];
}

function measureRow({
  id,
  definition,
  measures,
  key,
  label = definition.title,
  records = [],
}: Measured): ComparisonRow {
  const first = measures[0];
  const cells = measures.map((measure, i) => {
    const words = describeMeasure(measure, definition);
    const details = [words.interval ?? 'no interval', words.window].filter((line) => line !== null);
    const comparable = i > 0 && sameWindow(definition, measure, first);
    const { digits } = definition;
    const difference =
      comparable && measure?.value != null && first?.value != null ? measure.value - first.value : null;
    const change = difference === null ? null : formatSigned(difference, digits);
    const found = change === null ? null : pairedChange(records[i], records[0], id);
    // Equal in every resample, such as the L0 of two TopK SAEs of one k: there is nothing to resolve.
    const paired = found !== null && found.low === 0 && found.high === 0 ? null : found;
    return {
      text: words.value,
      details,
      reason: words.reason,
      change,
      difference,
      changeInterval: paired && changeText(paired, digits),
      resolved: paired ? paired.resolved : comparable && intervalsApart(measure, first) ? true : null,
    };
  });
  const { direction } = definition;
  return { key, label, href: definitionPath(id), definition: id, direction, ...markOthers(cells) };
}

function changeText({ low, high, method }: PairedDifference, digits: number): string {
  const ends = `${formatSigned(low, digits)} to ${formatSigned(high, digits)}`;
  return method === 'studentised' ? ends : `${ends} (${method})`;
}

function pairedChange(
  entry: EvaluationRecord | undefined,
  first: EvaluationRecord | undefined,
  id: string,
): PairedDifference | null {
  return entry && first ? pairedDifference(entry, first, id) : null;
}

/** Shares that grow or shrink with the window are only subtracted over equal windows. */
function sameWindow({ metric }: Definition, a: Measure | undefined, b: Measure | undefined): boolean {
  if (metric !== 'alive' && metric !== 'dead_fraction') return true;
  return a?.value != null && b?.value != null && a.window_tokens === b.window_tokens;
}

function intervalsApart(a: Measure | undefined, b: Measure | undefined): boolean {
  if (a?.value == null || b?.value == null || !a.interval || !b.interval) return false;
  return a.interval.low > b.interval.high || a.interval.high < b.interval.low;
}

function metricRows(records: readonly EvaluationRecord[], group: string): ComparisonRow[] {
  return baseDefinitionIds
    .filter((id) => definitions[id].group === group && records.some((entry) => entry.metrics[id]))
    .map((id) =>
      measureRow({
        id,
        definition: definitions[id],
        measures: records.map((entry) => entry.metrics[id]),
        key: `metrics.${id}`,
        records,
      }),
    );
}

/** What the suite's views hold: each measure, its own line of each curve at each point, and the compared columns. */
function suiteSection(records: readonly EvaluationRecord[], suite: SuiteDeclaration): ComparisonSection {
  const { id: name, title, views } = suite;
  const parts = records.map(({ suites }) => suites[name]);
  const row = (
    id: string,
    { place, ...rest }: Omit<Measured, 'id' | 'definition'> & { place?: string },
  ): ComparisonRow[] => {
    const definition = records.map((entry) => definitionOf(entry, id)).find((found) => found !== undefined);
    return definition && rest.measures.some((measure) => measure !== undefined)
      ? [measureRow({ id, definition, ...(place && { label: `${definition.short}, ${place}` }), ...rest })]
      : [];
  };
  const rowsOf = (view: View): ComparisonRow[] => {
    switch (view.kind) {
      case 'measures':
        return totalFirst(view).flatMap((id) =>
          row(id, { measures: parts.map((part) => part?.measures?.[id]), key: `${name}.${id}`, records }),
        );
      case 'curve': {
        const [line] = view.lines;
        const curves = parts.map((part) => part?.curves?.[view.key]?.points ?? []);
        const places = [...new Set(curves.flatMap((points) => points.map(({ at }) => at)))];
        return places
          .sort((a, b) => a - b)
          .flatMap((place) =>
            row(line?.definition ?? '', {
              measures: curves.map(
                (points) => points.find(({ at }) => at === place)?.values[line?.key ?? ''],
              ),
              key: `${name}.${view.key}.${place}`,
              place: `${view.x} = ${formatPlain(place)}`,
            }),
          );
      }
      case 'table':
        return view.columns.flatMap(({ key, label, definition, compared }) => {
          if (!compared || definition === undefined) return [];
          const tables = parts.map((part) => part?.tables?.[view.key] ?? []);
          const names = [...new Set(tables.flatMap((table) => table.map((each) => each.name)))];
          return names.flatMap((each) =>
            row(definition, {
              measures: tables.map((table) => {
                const cell = table.find((one) => one.name === each)?.cells[key];
                return isMeasure(cell) ? cell : undefined;
              }),
              key: `${name}.${view.key}.${each}`,
              label: `${label}: ${each}`,
            }),
          );
        });
      case 'examples':
        return [];
    }
  };
  return { title, rows: views.flatMap(rowsOf) };
}

/** What one looks for first. */
function totalFirst({ ids, total }: MeasuresView): string[] {
  return total === undefined ? [...ids] : [total, ...ids.filter((id) => id !== total)];
}

function trainingRows(records: readonly EvaluationRecord[]): ComparisonRow[] {
  const settings = [...new Set(records.flatMap((entry) => Object.keys(entry.sae.training ?? {})))];
  return [
    factRow(
      'Training tokens',
      records.map((entry) => entry.sae.tokens_trained),
      'tokens_trained',
    ),
    ...settings.map((setting) =>
      factRow(
        setting,
        records.map((entry) => entry.sae.training?.[setting]),
        `training.${setting}`,
      ),
    ),
  ];
}
