/** Columns of a few made-up SAEs of two models, small enough to count by hand. */

import type { Source } from '../../../../site/explorer/fields.ts';
import { type State, startOf } from '../../../../site/explorer/state.ts';
import { type Extras, type View, viewOf } from '../../../../site/explorer/view.ts';
import type { Columns, MetricColumn, TextColumn } from '../../../../site/lib/columns.ts';

interface Row {
  name: string;
  /** By the name where it is left out. */
  id?: string;
  site?: string;
  model?: string;
  architecture?: string;
  kind?: string;
  layer?: number;
  d_sae?: number;
  k?: number | null;
  l0?: number | null;
  loss?: number | null;
  lossDefinition?: string;
  text?: string;
  /** In the order of the components of InterpScore. */
  parts?: readonly (number | null)[];
  score?: number | null;
  rank?: readonly [group: number, best: number, worst: number];
}

const loss = 'loss_recovered@saebench-core';
const parts = [
  'loss_recovered@interpscore-0.0.1',
  'alive@v1',
  'l0_score@interpscore-0.0.1',
  'probe_auc_dense@interpscore-0.0.1',
  'tpp@interpscore-0.0.1',
];

export function columnsFrom(rows: readonly Row[]): Columns {
  const text = (of: (row: Row) => string | null): TextColumn => {
    const words = rows.map(of);
    const values = [...new Set(words.filter((word) => word !== null))];
    return { values, at: words.map((word) => (word === null ? -1 : values.indexOf(word))) };
  };
  const metrics: Columns['metrics'] = {
    'l0@v1': rows.map(({ l0 }) => l0 ?? null),
    [loss]: rows.map((row) => (definitionOf(row) === loss ? (row.loss ?? null) : null)),
    'loss_recovered@pooled-v1': rows.map((row) => (definitionOf(row) === loss ? null : (row.loss ?? null))),
    'interpscore@0.0.1': rows.map(({ score }) => score ?? null),
    ...Object.fromEntries(parts.map((id, i) => [id, rows.map((row) => row.parts?.[i] ?? null)])),
  };
  const idsWith = Object.keys(metrics).filter((id) => metrics[id]!.some((value) => value !== null));
  return {
    version: 1,
    count: rows.length,
    text: {
      id: text(({ name, id }) => id ?? name.toLowerCase().replaceAll(' ', '-')),
      name: text(({ name }) => name),
      url: text(({ name }) => `sae/${name.toLowerCase().replaceAll(' ', '-')}/`),
      model: text(({ model }) => model ?? 'lab/model'),
      hook: text(({ layer }) => `blocks.${layer ?? 0}.hook_resid_post`),
      site: text(({ site }) => site ?? 'resid_post'),
      architecture: text(({ architecture }) => architecture ?? 'topk'),
      kind: text(({ kind }) => kind ?? 'measured'),
      release: text(() => null),
      text: text((row) => row.text ?? 'web'),
      loss_definition: text((row) => (row.loss == null ? null : definitionOf(row))),
    },
    numbers: {
      layer: rows.map(({ layer }) => layer ?? 0),
      depth: rows.map(() => null),
      k: rows.map(({ k }) => k ?? null),
      d_sae: rows.map(({ d_sae }) => d_sae ?? 4096),
      tokens: rows.map(() => null),
    },
    metrics,
    // As in columns of records: only what any row has.
    available: idsWith.map((id) => ({
      id,
      definition: id,
      name: id.split('@')[0]!,
      title: id.split('@')[0]!,
      unit: id === 'l0@v1' ? 'latents' : '',
      direction: id === 'l0@v1' ? null : 'up',
      group: 'Sample',
      digits: id === 'l0@v1' ? 2 : 4,
    })),
    rank: {
      group: rows.map(({ rank }) => rank?.[0] ?? null),
      best: rows.map(({ rank }) => rank?.[1] ?? null),
      worst: rows.map(({ rank }) => rank?.[2] ?? null),
    },
    draws: [],
  };
}

function definitionOf({ lossDefinition }: Row): string {
  return lossDefinition ?? loss;
}

export function sourceOf(columns: Columns): Source {
  return { columns, loaded: new Map(), computed: new Map() };
}

export function withIntervals(values: readonly (number | null)[], half: number): MetricColumn {
  const moved = (by: number) => values.map((value) => (value === null ? null : value + by));
  return { value: [...values], low: moved(-half), high: moved(half), untrained: values.map(() => null) };
}

export function view(columns: Columns, change: Partial<State> = {}, extras: Partial<Extras> = {}): View {
  const state = { ...startOf(columns), ...change };
  return viewOf(columns, state, { loaded: new Map(), resampled: null, firstByWeights: null, ...extras });
}
