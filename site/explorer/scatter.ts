/** Points on two axes, in panels. Pure geometry: pixels of each panel's own view box. */
import { median } from '../../runner/math/quantile.ts';
import { isTranscoderSite } from '../../runner/report/place-site.ts';
import { COLOURS, shapePath, tenths } from '../charts/palette.ts';
import { type Axis, type Frame, linearAxis, logAxis, type Tick } from '../charts/scale.ts';
import { type Columns, textAt } from '../lib/columns.ts';
import { formatBrief } from '../lib/numbers.ts';
import { inWords } from '../lib/order.ts';
import {
  endsOf,
  type Field,
  ownDefinitionField,
  preferred,
  type Source,
  valuesOf,
  wordsOf,
} from './fields.ts';
import { frontier } from './frontier.ts';
import { groupNumbers } from './rows.ts';
import type { Scale, State } from './state.ts';

export interface ScatterPoint {
  row: number;
  x: number;
  y: number;
}

export interface ScatterPanel {
  title: string;
  /** What its points are. */
  noun: 'SAE' | 'transcoder';
  frame: Frame;
  xTicks: Tick[];
  yTicks: Tick[];
  /** Points of one colour and shape as one path. */
  series: { colour: number; shape: number; path: string }[];
  /** 95 % intervals, one path a colour. */
  whiskers: { colour: number; path: string }[];
  /** One for each group and definition in the panel. */
  frontiers: string[];
  /** What an untrained SAE scores, the median over the panel's rows; null where it is not known, off the axis, or of values by several definitions. */
  untrained: { x: number | null; y: number | null };
  /** In the order of x. */
  points: ScatterPoint[];
  /** Of an axis whose values are each by the definition of its row: the definitions, and how many rows are by each. */
  definitions: { name: string; by: { id: string; rows: number }[] }[];
  /** Rows that lack a value on an axis, or whose value a logarithmic axis cannot show. */
  left: number;
}

export interface Legend {
  field: string;
  entries: { label: string; index: number }[];
}

export interface Scatter {
  panels: ScatterPanel[];
  /** Panels beyond those that are drawn. */
  more: number;
  colours: Legend;
  shapes: Legend;
  /** Which way each axis is better; null where no frontier can be told. */
  better: { x: 'more' | 'less'; y: 'more' | 'less' } | null;
}

/** More panels than these are a list, not a picture. */
export const MOST_PANELS = 12;
/** Of the ends of a logarithmic axis. */
const LEAST_RATIO = 2;

const frames = {
  several: { width: 400, height: 268, left: 46, right: 14, top: 12, bottom: 40 },
  one: { width: 600, height: 340, left: 50, right: 16, top: 12, bottom: 42 },
} as const satisfies Record<string, Frame>;

export interface ScatterInput {
  source: Source;
  state: State;
  rows: readonly number[];
  x: Field;
  y: Field;
  /** Panels one under another on a screen too narrow for a wide one. */
  narrow?: boolean;
}

export function scatter({ source, state, rows, x, y, narrow = false }: ScatterInput): Scatter {
  const { columns } = source;
  const colours = legendOf(columns, state.colour);
  const shapeKey = legendOf(columns, state.shape);
  const values = { x: valuesOf(source, x.id), y: valuesOf(source, y.id) };
  const logs = { x: isLog(state.xScale, x), y: isLog(state.yScale, y) };
  const shown = (row: number, axis: 'x' | 'y'): boolean => {
    const value = values[axis]?.[row];
    return value !== null && value !== undefined && (!logs[axis] || value > 0);
  };
  const byPanel = [...Map.groupBy(rows, panelOf(columns, state.panels)).entries()]
    .map(([title, members]) => ({
      title,
      members,
      drawn: members.filter((row) => shown(row, 'x') && shown(row, 'y')),
    }))
    .filter(({ drawn }) => drawn.length > 0);
  // The fullest first, so that what is left out is the least.
  const kept = byPanel.toSorted((a, b) => b.drawn.length - a.drawn.length).slice(0, MOST_PANELS);
  const ordered = byPanel.filter((panel) => kept.includes(panel));
  const frame = ordered.length === 1 && !narrow ? frames.one : frames.several;
  const towards = { x: preferred(x), y: preferred(y) };
  const better = towards.x && towards.y ? { x: towards.x, y: towards.y } : null;
  const everywhere = ordered.flatMap(({ drawn }) => drawn);
  const groups = groupNumbers(columns);

  const panels = ordered.map(({ title, members, drawn }): ScatterPanel => {
    const axisRows = state.shared ? everywhere : drawn;
    const definitions = { x: definitionsIn(columns, x, drawn), y: definitionsIn(columns, y, drawn) };
    // Of values by several definitions there is no one line.
    const untrainedOn = (name: 'x' | 'y', { id }: Field): number | null =>
      (definitions[name]?.by.length ?? 1) > 1 ? null : medianOf(endsOf(source, id, 'untrained'), drawn);
    const untrained = { x: untrainedOn('x', x), y: untrainedOn('y', y) };
    const axis = (name: 'x' | 'y', field: Field, ends: readonly [number, number]): Axis =>
      axisOf({
        values: reach(source, field, axisRows, values[name]!, state.whiskers),
        include: untrained[name],
        log: logs[name],
        ends,
      });
    const across = axis('x', x, [frame.left, frame.width - frame.right]);
    const up = axis('y', y, [frame.height - frame.bottom, frame.top]);
    const points = drawn
      .map((row) => ({ row, x: across.at(values.x![row]!), y: up.at(values.y![row]!) }))
      .toSorted((a, b) => a.x - b.x || a.y - b.y);
    const place = (value: number | null, log: boolean, at: Axis): number | null =>
      value === null || (log && value <= 0) ? null : at.at(value);
    return {
      title,
      noun: drawn.every((row) => isTranscoderSite(textAt(columns, 'site', row) ?? '')) ? 'transcoder' : 'SAE',
      frame,
      xTicks: across.ticks,
      yTicks: up.ticks,
      series: seriesOf(
        points,
        (row) => colours.index(row),
        (row) => shapeKey.index(row),
      ),
      whiskers: state.whiskers
        ? whiskersOf(source, { x, y }, points, { x: across, y: up }, logs, (row) => colours.index(row))
        : [],
      frontiers:
        state.frontier && better !== null
          ? [
              ...Map.groupBy(
                drawn,
                (row) => `${groups[row]} ${ownDefinitions(columns, [x, y], row)}`,
              ).values(),
            ].flatMap((members) => frontierOf(members, values.x!, values.y!, better, across, up))
          : [],
      untrained: { x: place(untrained.x, logs.x, across), y: place(untrained.y, logs.y, up) },
      points,
      definitions: [definitions.x, definitions.y].filter((each) => each !== null),
      left: members.length - drawn.length,
    };
  });
  return {
    panels,
    more: byPanel.length - ordered.length,
    colours: colours.legend,
    shapes: shapeKey.legend,
    better,
  };
}

function isLog(scale: Scale, field: Field): boolean {
  return scale === 'auto' ? field.log : scale === 'log';
}

interface AxisInput {
  values: readonly number[];
  include: number | null;
  log: boolean;
  ends: readonly [number, number];
}

function axisOf({ values, include, log, ends }: AxisInput): Axis {
  const also = include === null ? [] : [include];
  if (!log) return linearAxis(values, ends, { include: also, format: formatBrief });
  return logAxis(withRoom([...values, ...also].filter((value) => value > 0)), ends, formatBrief);
}

/** The ends of a logarithmic axis: beyond the values, and far enough apart that a hair's difference is not a gulf. */
function withRoom(values: readonly number[]): number[] {
  if (values.length === 0) return [];
  const [low, high] = [least(values), most(values)];
  const room = Math.max(1.06, Math.sqrt(LEAST_RATIO / (high / low)));
  return [low / room, high * room];
}

function least(values: readonly number[]): number {
  return values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
}

function most(values: readonly number[]): number {
  return values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
}

/** What an axis must reach: the values, and the ends of their intervals where those are drawn. */
function reach(
  source: Source,
  field: Field,
  rows: readonly number[],
  values: readonly (number | null)[],
  whiskers: boolean,
): number[] {
  const ends = whiskers ? [endsOf(source, field.id, 'low'), endsOf(source, field.id, 'high')] : [];
  const present = (column: readonly (number | null)[] | null): number[] =>
    column === null ? [] : rows.flatMap((row) => column[row] ?? []);
  return [...present(values), ...ends.flatMap(present)];
}

function medianOf(column: readonly (number | null)[] | null, rows: readonly number[]): number | null {
  if (column === null) return null;
  return median(rows.flatMap((row) => column[row] ?? []));
}

/** Of axes whose values are each row's own: by which definition a row's are. */
function ownDefinitions(columns: Columns, fields: readonly Field[], row: number): string[] {
  return fields.flatMap(({ id }) => {
    const by = ownDefinitionField(id);
    return by === null ? [] : (textAt(columns, by, row) ?? []);
  });
}

/** Null of a field that has one definition for all, which needs no mention. */
function definitionsIn(
  columns: Columns,
  field: Field,
  rows: readonly number[],
): ScatterPanel['definitions'][number] | null {
  const counts = new Map<string, number>();
  for (const row of rows)
    for (const id of ownDefinitions(columns, [field], row)) counts.set(id, (counts.get(id) ?? 0) + 1);
  if (counts.size === 0 || field.definitions.length < 2) return null;
  return { name: field.name, by: [...counts].map(([id, count]) => ({ id, rows: count })) };
}

function seriesOf(
  points: readonly ScatterPoint[],
  colour: (row: number) => number,
  shape: (row: number) => number,
): ScatterPanel['series'] {
  const byLook = new Map<string, { colour: number; shape: number; path: string }>();
  for (const { row, x, y } of points) {
    const look = { colour: colour(row), shape: shape(row) };
    const key = `${look.colour} ${look.shape}`;
    const one = byLook.get(key) ?? { ...look, path: '' };
    one.path += shapePath(look.shape, x, y);
    byLook.set(key, one);
  }
  return [...byLook.values()];
}

function whiskersOf(
  source: Source,
  fields: { x: Field; y: Field },
  points: readonly ScatterPoint[],
  axes: { x: Axis; y: Axis },
  logs: { x: boolean; y: boolean },
  colour: (row: number) => number,
): ScatterPanel['whiskers'] {
  const paths = new Map<number, string>();
  for (const name of ['x', 'y'] as const) {
    const [low, high] = [endsOf(source, fields[name].id, 'low'), endsOf(source, fields[name].id, 'high')];
    if (low === null || high === null) continue;
    for (const { row, x, y } of points) {
      const [from, to] = [low[row] ?? null, high[row] ?? null];
      if (from === null || to === null || (logs[name] && from <= 0)) continue;
      const ends = [tenths(axes[name].at(from)), tenths(axes[name].at(to))];
      const line =
        name === 'x' ? `M${ends[0]} ${tenths(y)}H${ends[1]}` : `M${tenths(x)} ${ends[0]}V${ends[1]}`;
      paths.set(colour(row), (paths.get(colour(row)) ?? '') + line);
    }
  }
  return [...paths].map(([index, path]) => ({ colour: index, path }));
}

function frontierOf(
  rows: readonly number[],
  x: readonly (number | null)[],
  y: readonly (number | null)[],
  better: { x: 'more' | 'less'; y: 'more' | 'less' },
  across: Axis,
  up: Axis,
): string[] {
  const best = frontier(
    rows.map((row) => ({ x: x[row]!, y: y[row]! })),
    better.x,
    better.y,
  );
  if (best.length < 2) return [];
  // Steps, not a slope: between two points nothing was measured.
  const steps = best.map((point, i) => {
    const at = [tenths(across.at(point.x)), tenths(up.at(point.y))];
    if (i === 0) return `M${at[0]} ${at[1]}`;
    return better.x === 'less' ? `H${at[0]}V${at[1]}` : `V${at[1]}H${at[0]}`;
  });
  return [steps.join('')];
}

interface Key {
  legend: Legend;
  index: (row: number) => number;
}

/** The panel of a row. What a transcoder reads and reconstructs is two hooks: it shares no panel with SAEs, nor a frontier. */
function panelOf(columns: Columns, split: string): (row: number) => string {
  const word = split === 'none' ? () => '' : wordsOf(columns, split);
  return (row) => {
    const site = textAt(columns, 'site', row);
    return site === null || split === 'site' || !isTranscoderSite(site)
      ? word(row)
      : [word(row), site].filter(Boolean).join(', ');
  };
}

/** A number for each value of a field, of all rows and not of those shown, so that a filter changes no colour. */
function legendOf(columns: Columns, field: string): Key {
  if (field === 'none') return { legend: { field, entries: [] }, index: () => 0 };
  const word = wordsOf(columns, field);
  const words = Array.from({ length: columns.count }, (_, row) => word(row));
  const distinct = [...new Set(words)].toSorted(inWords.compare);
  const number = new Map(distinct.map((word, i) => [word, Math.min(i, COLOURS - 1)]));
  const entries = distinct.slice(0, COLOURS).map((label, index) => ({ label, index }));
  const beyond = distinct.length - COLOURS;
  if (beyond > 0) entries[COLOURS - 1] = { label: `${beyond + 1} others`, index: COLOURS - 1 };
  return { legend: { field, entries }, index: (row) => number.get(words[row]!) ?? 0 };
}

/** The point nearest to a place, none where the nearest is farther than `within` pixels. */
export function nearest(
  points: readonly ScatterPoint[],
  x: number,
  y: number,
  within: number,
): ScatterPoint | null {
  let [best, least] = [null as ScatterPoint | null, within ** 2];
  for (const point of points) {
    const distance = (point.x - x) ** 2 + (point.y - y) ** 2;
    if (distance <= least) [best, least] = [point, distance];
  }
  return best;
}

/** The next point that an arrow key leads to: right and left by x, up and down by y. The ends hold. */
export function step(
  points: readonly ScatterPoint[],
  from: ScatterPoint | null,
  key: 'ArrowRight' | 'ArrowLeft' | 'ArrowUp' | 'ArrowDown' | 'Home' | 'End',
): ScatterPoint | null {
  if (points.length === 0) return null;
  if (key === 'Home' || from === null) return points[0]!;
  if (key === 'End') return points.at(-1)!;
  const vertical = key === 'ArrowUp' || key === 'ArrowDown';
  // Pixels grow downwards.
  const order = vertical ? points.toSorted((a, b) => b.y - a.y || a.x - b.x) : points;
  const at = order.findIndex(({ row }) => row === from.row);
  const next = at + (key === 'ArrowRight' || key === 'ArrowUp' ? 1 : -1);
  return order[Math.min(Math.max(next, 0), order.length - 1)]!;
}
