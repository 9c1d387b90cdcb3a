/**
 * All SAEs as columns: what lists, pictures and filters read in place of whole records. This file is what runs in a
 * browser too: the shape of the files and how their cells are read. Made in columns-of.ts.
 *
 *   data/explorer.json                 `Columns`: what the start view and the filters need
 *   data/metrics/<id>.json             `MetricColumn`: one of `available`, with intervals
 *   data/draws/<model>.json            `ModelDraws`: resamples of the composite's components, to weigh them anew
 */
import { unpackDraws } from '../../runner/report/paired-draws.ts';

/** Strings, each once; `at` has a row's place among them, −1 where the record does not say. */
export interface TextColumn {
  values: string[];
  at: number[];
}

export const textFields = [
  /** The record's id; all differ. */
  'id',
  'name',
  /** Path from the site's root of the page that shows the SAE. */
  'url',
  'model',
  /** As the record names it. */
  'hook',
  /** What is read at the hook, whatever the layer: `resid_post`. */
  'site',
  'architecture',
  'kind',
  /** The run or published release it belongs to: the id of its page. */
  'release',
  /** The evaluation text's name. */
  'text',
  /** Definition of the loss recovered that the start view draws of this row. */
  'loss_definition',
] as const;

export type TextField = (typeof textFields)[number];

/** `depth` is (layer + 1) / blocks of the model. */
export const numberFields = ['layer', 'depth', 'k', 'd_sae', 'tokens'] as const;

export type NumberField = (typeof numberFields)[number];

type Numbers = (number | null)[];

/** A column that at least one row has a value in. */
export interface Available {
  /** A definition, and of a curve the place on it: `probe_acc_k@saebench,k=5`. Names the file of the column. */
  id: string;
  /** The definition alone: its place on the methodology page. */
  definition: string;
  /** Short enough for the head of a table. */
  name: string;
  title: string;
  unit: string;
  direction: 'up' | 'down' | null;
  /** Suite, or what the statistics of every run are about. */
  group: string;
  digits: number;
  /** What a reader must be told beside every value. */
  warning?: string;
  /** What true features say of it (report/metric-study.ts). */
  study?: string;
}

export interface Columns {
  version: 1;
  count: number;
  text: Record<TextField, TextColumn>;
  numbers: Record<NumberField, Numbers>;
  /** Values of the start view, by the ids of `available`, rounded to what is shown and two digits more. */
  metrics: Record<string, Numbers>;
  available: Available[];
  /**
   * Ranks by InterpScore within a group of one model, hook site and evaluation text, 1 the best: the range that the
   * evaluation leaves open. Null where a row is not ranked: of another kind, without a value, or without an interval.
   */
  rank: { group: Numbers; best: Numbers; worst: Numbers };
  /** Models with stored resamples, by the names of their files. */
  draws: string[];
}

export interface MetricColumn {
  value: Numbers;
  /** Ends of the 95 % interval. */
  low: Numbers;
  high: Numbers;
  /** What an untrained SAE of the row's shape scores on the row's text. */
  untrained: Numbers;
}

/** A value in each resample, a byte each: low + step · level, in base64. */
export interface PackedDraws {
  low: number;
  step: number;
  levels: string;
}

export interface ModelDraws {
  /** Numbers of the rows. */
  rows: number[];
  /** Definitions of the components, in the order of the draws. */
  components: string[];
  /**
   * [row][component]: the rows it was drawn over. Equal numbers, equal resamples, so that draws may be compared one by one;
   * null where there are none.
   */
  over: (number | null)[][];
  /** [row][component]; null where the record has no resamples of that component. Read by `drawsAt`. */
  draws: (PackedDraws | null)[][];
}

/** Of the i-th row of the file, null where its record has none. */
export function drawsAt({ draws }: ModelDraws, i: number, component: number): Float64Array | null {
  const packed = draws[i]?.[component];
  return packed == null ? null : unpackDraws(packed);
}

/** Null where the record does not say. */
export function textAt({ text }: Pick<Columns, 'text'>, field: TextField, row: number): string | null {
  const { values, at } = text[field];
  return values[at[row] ?? -1] ?? null;
}

/** Name of a column's file under data/metrics/, as an address has it. */
export function metricFile(id: string): string {
  return `${encodeURIComponent(id)}.json`;
}

/** Name of a model's file under data/draws/. */
export function modelSlug(model: string): string {
  return model
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
}
