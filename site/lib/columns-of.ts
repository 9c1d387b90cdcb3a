/** Columns from records: see columns.ts. Pure; what it makes is written at build. */
import type { Definition } from '../../runner/report/definition.ts';
import { definitionIds, interpScoreComponents } from '../../runner/report/definitions.ts';
import { measureOf } from '../../runner/report/measures.ts';
import { studyLine } from '../../runner/report/metric-study.ts';
import { drawsOf, type PairedId } from '../../runner/report/paired.ts';
import { packDraws } from '../../runner/report/paired-draws.ts';
import { isAtOneLayer, placeSite } from '../../runner/report/place-site.ts';
import { rankWithin } from '../../runner/report/ranking.ts';
import { type EvaluationRecord, rankedKinds } from '../../runner/report/schema.ts';
import { isLightCheckpoint } from './along-training.ts';
import {
  type Available,
  type Columns,
  type MetricColumn,
  type ModelDraws,
  modelSlug,
  type NumberField,
  numberFields,
  type TextColumn,
  type TextField,
  textFields,
} from './columns.ts';
import { recordPage, releaseOf } from './release.ts';
import { type Source, sourcesOf } from './sources.ts';

const components = Object.values(interpScoreComponents).map(({ definition }) => definition);

/** In order of preference: the first that a record has a value of is drawn. */
const losses = [
  'loss_recovered@saebench-core',
  'loss_recovered@pooled-v1',
  'loss_recovered@interpscore-0.0.1',
  'loss_recovered@dictionary-learning',
];

/** Columns of the start view, where any row has a value. */
const first: readonly string[] = [
  'interpscore@0.0.1',
  ...components,
  'l0@v1',
  ...losses,
  ...definitionIds.filter((id) => id.startsWith('var_exp@')),
];

/** Digits beyond those shown. */
const MORE = 2;

export function columnsOf(records: readonly EvaluationRecord[]): Columns {
  const sources = sourcesOf(records);
  const values = new Map(sources.map((source) => [source.id, valuesOf(records, source)]));
  const ranked = rankWithin(
    records,
    'interpscore@0.0.1',
    (entry) => rankedKinds.includes(entry.kind) && !isLightCheckpoint(entry),
  );
  return {
    version: 1,
    count: records.length,
    text: fields(textFields, (field) => encode(records.map((entry) => textOf(entry, field)))),
    numbers: fields(numberFields, (field) => records.map((entry) => numberOf(entry, field))),
    metrics: Object.fromEntries(
      [...new Set(first)].flatMap((id) => {
        const column = values.get(id);
        return column === undefined ? [] : [[id, column]];
      }),
    ),
    available: sources.map(availableOf),
    rank: {
      group: ranked.map((each) => each?.group ?? null),
      best: ranked.map((each) => each?.best ?? null),
      worst: ranked.map((each) => each?.worst ?? null),
    },
    draws: [...drawsByModel(records).keys()],
  };
}

/** Every column by its id, with intervals. */
export function metricColumns(records: readonly EvaluationRecord[]): Map<string, MetricColumn> {
  return new Map(
    sourcesOf(records).map((source) => {
      const end = (side: 'low' | 'high') =>
        records.map((entry) => {
          const measure = source.read(entry);
          return measure?.value == null ? null : rounded(measure.interval?.[side], source.meaning);
        });
      const untrained = records.map((entry) => rounded(source.untrained(entry), source.meaning));
      const column = { value: valuesOf(records, source), low: end('low'), high: end('high'), untrained };
      return [source.id, column];
    }),
  );
}

/** By slug; models of one slug share a file. Only of models with resamples. */
export function drawsByModel(records: readonly EvaluationRecord[]): Map<string, ModelDraws> {
  const files = new Map<string, ModelDraws>();
  const rowsOf = new Map<string, number>();
  records.forEach((entry, row) => {
    const drawn = components.map((id) => drawsOf(entry, id as PairedId));
    if (drawn.every((each) => each === null)) return;
    const slug = modelSlug(entry.model.id);
    const file = files.get(slug) ?? { rows: [], over: [], components: [...components], draws: [] };
    files.set(slug, file);
    file.rows.push(row);
    file.over.push(
      drawn.map((each) => {
        if (each === null) return null;
        if (!rowsOf.has(each.rows)) rowsOf.set(each.rows, rowsOf.size);
        return rowsOf.get(each.rows)!;
      }),
    );
    file.draws.push(drawn.map((each) => (each === null ? null : packDraws(each.samples))));
  });
  return files;
}

function availableOf(source: Source): Available {
  const { direction, unit, group, digits, warning } = source.meaning;
  const study = studyLine(source.definition);
  return {
    id: source.id,
    definition: source.definition,
    name: source.name,
    title: source.title,
    unit,
    direction: direction === 'neutral' ? null : direction === 'higher' ? 'up' : 'down',
    group,
    digits,
    ...(warning === undefined ? {} : { warning }),
    ...(study === null ? {} : { study }),
  };
}

function valuesOf(records: readonly EvaluationRecord[], { read, meaning }: Source): (number | null)[] {
  return records.map((entry) => rounded(read(entry)?.value, meaning));
}

function rounded(value: number | null | undefined, { digits }: Pick<Definition, 'digits'>): number | null {
  if (value == null) return null;
  // Small quantities of a large scale, such as squared errors, keep their leading digits.
  const fixed = Number(value.toFixed(Math.min(20, digits + MORE)));
  return fixed === 0 ? Number(value.toPrecision(MORE + 1)) : fixed;
}

function textOf(entry: EvaluationRecord, field: TextField): string | null {
  switch (field) {
    case 'id':
      return entry.id;
    case 'name':
      return entry.sae.name;
    case 'url':
      return recordPage(entry);
    case 'model':
      return entry.model.id;
    case 'hook':
      return entry.sae.hook;
    case 'site':
      return placeSite(entry.sae);
    case 'architecture':
      return entry.sae.architecture;
    case 'kind':
      return entry.kind;
    case 'release':
      return releaseOf(entry);
    case 'text':
      return entry.data?.name ?? null;
    case 'loss_definition':
      return losses.find((id) => measureOf(entry, id)?.value != null) ?? null;
  }
}

function numberOf({ sae, model }: EvaluationRecord, field: NumberField): number | null {
  switch (field) {
    case 'layer':
      return isAtOneLayer(sae) ? sae.layer : null;
    case 'depth':
      return model.blocks && isAtOneLayer(sae) ? Number(((sae.layer + 1) / model.blocks).toFixed(4)) : null;
    case 'k':
      return sae.k;
    case 'd_sae':
      return sae.d_sae;
    case 'tokens':
      return sae.tokens_trained;
  }
}

function encode(texts: readonly (string | null)[]): TextColumn {
  const places = new Map<string, number>();
  const at = texts.map((text) => {
    if (text === null) return -1;
    if (!places.has(text)) places.set(text, places.size);
    return places.get(text)!;
  });
  return { values: [...places.keys()], at };
}

function fields<Field extends string, T>(names: readonly Field[], of: (field: Field) => T): Record<Field, T> {
  return Object.fromEntries(names.map((name) => [name, of(name)])) as Record<Field, T>;
}
