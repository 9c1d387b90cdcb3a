/** The leaderboard's columns and rows, small and serialisable: they are the island's props. */
import { type DefinitionId, definitions, interpScoreComponents } from '../../runner/report/definitions.ts';
import { interpScoreOf } from '../../runner/report/measures.ts';
import type { EvaluationRecord, Kind, Measure } from '../../runner/report/schema.ts';
import { type SkillMark, skillMark } from './controls.ts';
import { formatCount, formatTokens } from './format.ts';
import { ranks } from './order.ts';
import { tiesOf } from './ties.ts';
import { definitionPath, saePath } from './url.ts';

export interface ScoreColumn {
  key: string;
  short: string;
  title: string;
  definition: DefinitionId;
  href: string;
  digits: number;
}

/** Value and bounds; a string in place of the value is the reason it is missing. */
export type ScoreCell = readonly [value: number | string, low?: number, high?: number];

export interface RowTie {
  label: string;
  /** The ranks the tie covers, as `1–2`. */
  ranks: string;
  /** Names of the others. */
  others: readonly string[];
}

export interface LeaderboardRow {
  id: string;
  href: string;
  name: string;
  model: string;
  kind: Kind;
  layer: number;
  /** Layer, size and training budget in words. */
  shape: string;
  /** By InterpScore among the ranked rows; null when it has none or must not be ranked. */
  rank: number | null;
  /** The SAEs it is tied with; null when its rank is its own. */
  tie: RowTie | null;
  /** In the order of `scoreColumns`. */
  cells: readonly ScoreCell[];
  /** In the same order; null where there is no floor and ceiling to judge the value by. */
  skills: readonly (SkillMark | null)[];
}

const columnDefinitions: readonly DefinitionId[] = [
  'interpscore@0.0.1',
  ...Object.values(interpScoreComponents).map((component) => component.definition),
];

export function scoreColumns(): ScoreColumn[] {
  return columnDefinitions.map((id) => {
    const { metric, short, title, digits } = definitions[id];
    return { key: metric, short, title, definition: id, href: definitionPath(id), digits };
  });
}

function cell(measure: Measure | undefined): ScoreCell {
  if (measure === undefined) return ['No InterpScore was computed.'];
  if (measure.value === null) return [measure.reason];
  return measure.interval ? [measure.value, measure.interval.low, measure.interval.high] : [measure.value];
}

function cells(entry: EvaluationRecord): ScoreCell[] {
  const score = interpScoreOf(entry);
  return columnDefinitions.map((id) => {
    if (id === 'interpscore@0.0.1') return cell(score?.score);
    return cell(score?.components[definitions[id].metric as keyof typeof interpScoreComponents]);
  });
}

/** Size and training budget, what is known of it. */
export function describeShape(entry: EvaluationRecord): string {
  const { d_sae, k, tokens_trained } = entry.sae;
  return [
    `${formatCount(d_sae)} latents`,
    k === null ? null : `k\u00a0${k}`,
    tokens_trained === null ? null : `${formatTokens(tokens_trained)} tokens`,
  ]
    .filter((part) => part !== null)
    .join(' · ');
}

/** One row a record, best score first; `ranked` false leaves the rank out. */
export function leaderboardRows(records: readonly EvaluationRecord[], ranked: boolean): LeaderboardRow[] {
  const rankings = ranks(records.map((entry) => interpScoreOf(entry)?.score.value ?? null));
  const ties = ranked ? rowTies(records, rankings) : new Map<string, RowTie>();
  const rows = records.map((entry, i) => ({
    id: entry.id,
    href: saePath(entry.id),
    name: entry.sae.name,
    model: entry.model.id,
    kind: entry.kind,
    layer: entry.sae.layer,
    shape: `layer ${entry.sae.layer} · ${describeShape(entry)}`,
    rank: ranked ? (rankings[i] ?? null) : null,
    tie: ties.get(entry.id) ?? null,
    cells: cells(entry),
    skills: columnDefinitions.map((id) => skillMark(entry.controls, id)),
  }));
  const score = (row: LeaderboardRow): number => {
    const value = row.cells[0]?.[0];
    return typeof value === 'number' ? value : Number.NEGATIVE_INFINITY;
  };
  return rows.toSorted((a, b) => score(b) - score(a) || 0);
}

/** By record id. */
function rowTies(
  records: readonly EvaluationRecord[],
  rankings: readonly (number | null)[],
): Map<string, RowTie> {
  const scored = records
    .flatMap((entry, i) => {
      const rank = rankings[i];
      return typeof rank === 'number' ? [{ entry, rank }] : [];
    })
    .toSorted((a, b) => a.rank - b.rank);
  const ties = tiesOf(
    scored.map(({ entry }) => entry),
    scored.map(({ rank }) => rank),
  );
  return new Map(
    scored.flatMap(({ entry }, i) => {
      const tie = ties[i];
      if (!tie) return [];
      const others = tie.with.map((other) => other.sae.name);
      return [[entry.id, { label: tie.label, ranks: `${tie.from}–${tie.to}`, others }] as const];
    }),
  );
}

/** The composites and their bounds: what the shared scale of the score column must hold. */
export function scoreValues(rows: readonly LeaderboardRow[]): number[] {
  return rows
    .flatMap((row) => row.cells[0] ?? [])
    .filter((value): value is number => typeof value === 'number');
}
