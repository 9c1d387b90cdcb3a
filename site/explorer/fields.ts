/**
 * What can stand on an axis, in a column or in a legend: texts and numbers of every SAE, any definition, the loss recovered
 * that each row has by a definition of its own, and what the explorer computes. Pure.
 */
import {
  type Available,
  type Columns,
  type MetricColumn,
  type NumberField,
  numberFields,
  type TextField,
  textAt,
  textFields,
} from '../lib/columns.ts';
import { formatNumber, formatTokens } from '../lib/numbers.ts';
import { once } from '../lib/once.ts';
import { presets } from './composite.ts';

type Numbers = readonly (number | null)[];

export interface Interval {
  low: number;
  high: number;
}

export interface Field {
  id: string;
  /** At the head of a column, on an axis. */
  name: string;
  title: string;
  unit: string;
  /** Heading of a list to choose from. */
  group: string;
  /** Definitions its values are by; more than one where each row has its own. */
  definitions: readonly string[];
  better: 'more' | 'less' | null;
  digits: number;
  /** Drawn on a logarithmic axis unless asked otherwise. */
  log: boolean;
  warning?: string;
  study?: string;
}

/** The columns, with what has been loaded or computed since. */
export interface Source {
  columns: Columns;
  /** By id: values and intervals of definitions. */
  loaded: ReadonlyMap<string, MetricColumn>;
  /** By id: what the explorer computes, such as the composite with other weights. */
  computed: ReadonlyMap<string, Partial<Pick<MetricColumn, 'low' | 'high'>> & { value: Numbers }>;
}

/** What each row has by the definition that its record uses: the field, and the text that says by which. */
const OWN_LOSS = 'loss_recovered';
const LOSS_BY = 'loss_definition' satisfies TextField;

const described: Readonly<Record<NumberField, Pick<Field, 'name' | 'title' | 'unit' | 'digits' | 'log'>>> = {
  layer: { name: 'layer', title: 'Layer', unit: '', digits: 0, log: false },
  depth: { name: 'depth', title: 'Depth: share of the blocks passed', unit: '', digits: 2, log: false },
  k: { name: 'k', title: 'k', unit: 'latents', digits: 0, log: true },
  d_sae: { name: 'd_sae', title: 'Width: d_sae', unit: 'latents', digits: 0, log: true },
  tokens: { name: 'tokens', title: 'Training tokens', unit: 'tokens', digits: 0, log: true },
};

/** Texts that rows may be coloured, shaped and set apart by, with their names. */
export const textNames = {
  model: 'Model',
  site: 'Hook',
  architecture: 'Architecture',
  kind: 'Kind',
  release: 'Release',
  text: 'Evaluation text',
  loss_definition: 'Definition of loss recovered',
} as const satisfies Partial<Record<TextField, string>>;

export const compositeId = 'composite';
export const firstByResamples = 'first_resamples';
export const firstByWeights = 'first_weights';

const computedFields: readonly Field[] = [
  {
    id: compositeId,
    name: 'composite',
    title: 'Composite: the components by the weights chosen',
    unit: '',
    group: 'Composite',
    definitions: [],
    better: 'more',
    digits: 4,
    log: false,
  },
  {
    id: firstByResamples,
    name: 'first, resamples',
    title: 'Share of the stored resamples in which it is first in its group',
    unit: '',
    group: 'Composite',
    definitions: [],
    better: 'more',
    digits: 3,
    log: false,
  },
  {
    id: firstByWeights,
    name: 'first, weights',
    title: 'Share of random weights with which it is first in its group',
    unit: '',
    group: 'Composite',
    definitions: [],
    better: 'more',
    digits: 3,
    log: false,
  },
];

/** Everything that can be chosen as a column or an axis, in the order of the lists. */
export const numberFieldsOf = once((columns: Columns): readonly Field[] => {
  const sae = numberFields.map(
    (id): Field => ({ id, group: 'SAE', definitions: [], better: null, ...described[id] }),
  );
  return [...ownLoss(columns), ...computedFields, ...sae, ...columns.available.map(definedField)];
});

function ownLoss({ text, available }: Columns): Field[] {
  const definitions = text[LOSS_BY].values;
  const first = available.find(({ id }) => definitions.includes(id));
  if (first === undefined) return [];
  const { unit, digits } = first;
  return [
    {
      id: OWN_LOSS,
      name: 'loss recovered',
      title: 'Loss recovered, each by its own definition',
      group: 'Each by its definition',
      unit,
      digits,
      definitions,
      better: 'more',
      log: false,
    },
  ];
}

function definedField(one: Available): Field {
  const { id, name, title, unit, direction, digits, group, definition, warning, study } = one;
  return {
    id,
    name,
    title,
    unit,
    group,
    definitions: [definition],
    better: direction === null ? null : direction === 'up' ? 'more' : 'less',
    digits,
    log: unit === 'latents' || unit === 'tokens',
    ...(warning === undefined ? {} : { warning }),
    ...(study === undefined ? {} : { study }),
  };
}

/**
 * Of a chosen field on a frontier: fewer active latents, a smaller dictionary and fewer training tokens are the cheaper
 * way to the same score. Null where neither end is better.
 */
export function preferred({ id, better }: Field): 'more' | 'less' | null {
  if (better !== null) return better;
  return ['l0@v1', 'k', 'd_sae', 'tokens'].includes(id) ? 'less' : null;
}

/** Values of every row; null where they are not here yet. */
export function valuesOf(source: Source, id: string): Numbers | null {
  const { columns, loaded, computed } = source;
  const made = computed.get(id);
  if (made !== undefined) return made.value;
  if (id === OWN_LOSS) return ownLossOf(source, 'value', (one) => valuesOf(source, one));
  if (isNumberField(id)) return columns.numbers[id];
  return columns.metrics[id] ?? loaded.get(id)?.value ?? null;
}

/** One end of the intervals of every row; null where they are not here. */
export function endsOf(source: Source, id: string, end: 'low' | 'high' | 'untrained'): Numbers | null {
  if (id === OWN_LOSS) return ownLossOf(source, end, (one) => endsOf(source, one, end));
  const made = source.computed.get(id);
  if (made !== undefined) return (end === 'untrained' ? null : made[end]) ?? null;
  return source.loaded.get(id)?.[end] ?? null;
}

/** Columns that were put together from several, by what they hold. */
const ownLosses = once((_: Source) => new Map<keyof MetricColumn, Numbers>());

/** Of each row the value by its own definition. Null unless all of them are here. */
function ownLossOf(
  source: Source,
  what: keyof MetricColumn,
  read: (id: string) => Numbers | null,
): Numbers | null {
  const made = ownLosses(source);
  const known = made.get(what);
  if (known !== undefined) return known;
  const { values, at } = source.columns.text[LOSS_BY];
  const each = values.map(read);
  if (each.some((one) => one === null)) return null;
  const column = at.map((place, row) => each[place]?.[row] ?? null);
  made.set(what, column);
  return column;
}

/** Which field says by what definition each row's value is; null of a field that has one definition or none. */
export function ownDefinitionField(id: string): TextField | null {
  return id === OWN_LOSS ? LOSS_BY : null;
}

/** Files that must be loaded for a field's values, or for its intervals as well. */
export function filesOf({ columns, loaded }: Source, id: string, intervals: boolean): string[] {
  const ids = id === OWN_LOSS ? columns.text[LOSS_BY].values : [id];
  const known = new Set(columns.available.map((one) => one.id));
  return ids.filter(
    (one) => known.has(one) && !loaded.has(one) && (intervals || columns.metrics[one] === undefined),
  );
}

export function isNumberField(id: string): id is NumberField {
  return (numberFields as readonly string[]).includes(id);
}

function isTextField(id: string): id is TextField {
  return (textFields as readonly string[]).includes(id);
}

/** A row's value of a text or of a number that sets rows apart, in words. */
function wordAt(columns: Columns, field: string, row: number): string {
  if (isTextField(field)) return textAt(columns, field, row) ?? 'not stated';
  if (!isNumberField(field)) return '';
  const value = columns.numbers[field][row];
  return value === null || value === undefined ? 'not stated' : formatField(describedField(field), value);
}

/** The same for many rows: a number that recurs is put in words once. */
export function wordsOf(columns: Columns, field: string): (row: number) => string {
  if (!isNumberField(field)) return (row) => wordAt(columns, field, row);
  const known = new Map<number | null, string>();
  return (row) => {
    const value = columns.numbers[field][row] ?? null;
    const word = known.get(value) ?? wordAt(columns, field, row);
    known.set(value, word);
    return word;
  };
}

function describedField(id: NumberField): Pick<Field, 'id' | 'digits'> {
  return { id, digits: described[id].digits };
}

export function formatField({ id, digits }: Pick<Field, 'id' | 'digits'>, value: number): string {
  return id === 'tokens' ? formatTokens(value) : formatNumber(value, digits);
}

/** The composite's own name: the published one's while its weights are the published. */
export function compositeName(preset: string | null): string {
  if (preset === 'interpscore') return 'InterpScore';
  return presets.find(({ id }) => id === preset)?.label ?? 'Composite, own weights';
}
