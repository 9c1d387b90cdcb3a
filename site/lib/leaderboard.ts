/** The leaderboard's columns and rows, small and serialisable: they are the island's props. */

import { standings } from '../../runner/report/board.ts';
import { type DefinitionId, definitions, interpScoreComponents } from '../../runner/report/definitions.ts';
import { interpScoreOf } from '../../runner/report/measures.ts';
import type { EvaluationRecord, Kind, Measure } from '../../runner/report/schema.ts';
import { type SkillMark, skillMark } from './controls.ts';
import { formatCount, formatTokens } from './format.ts';
import { ranks } from './order.ts';
import { recordPage } from './release.ts';
import { definitionPath, sitePath } from './url.ts';

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

export interface RankRange {
  /** The ranks that the evaluation leaves open, as `1–2`. */
  ranks: string;
  /** Names of some it is not told apart from, and how many more there are. */
  others: readonly string[];
  more: number;
}

/** Names of a range's others that a row has room for. */
const NAMED = 4;

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
  /** The ranks it may hold; null when its rank is its own. */
  range: RankRange | null;
  /** In the order of `scoreColumns`. */
  cells: readonly ScoreCell[];
  /** In the same order; null where there is no floor and reference to judge the value by. */
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
  const ranges = ranked ? rankRanges(records) : [];
  const rows = records.map((entry, i) => ({
    id: entry.id,
    href: sitePath(recordPage(entry)),
    name: entry.sae.name,
    model: entry.model.id,
    kind: entry.kind,
    layer: entry.sae.layer,
    shape: `layer ${entry.sae.layer} · ${describeShape(entry)}`,
    rank: ranked ? (rankings[i] ?? null) : null,
    range: ranges[i] ?? null,
    cells: cells(entry),
    skills: columnDefinitions.map((id) => skillMark(entry.controls, id)),
  }));
  const score = (row: LeaderboardRow): number => {
    const value = row.cells[0]?.[0];
    return typeof value === 'number' ? value : Number.NEGATIVE_INFINITY;
  };
  return rows.toSorted((a, b) => score(b) - score(a) || 0);
}

/** For each record the ranks left open; null where that is one, or where it has none. */
function rankRanges(records: readonly EvaluationRecord[]): (RankRange | null)[] {
  return standings(records, 'interpscore@0.0.1').map((standing) => {
    if (standing === null || standing.from === standing.to) return null;
    const others = standing.unresolved.map((place) => records[place]!.sae.name);
    return {
      ranks: `${standing.from}–${standing.to}`,
      others: others.slice(0, NAMED),
      more: Math.max(0, others.length - NAMED),
    };
  });
}

/** The composites and their bounds: what the shared scale of the score column must hold. */
export function scoreValues(rows: readonly LeaderboardRow[]): number[] {
  return rows
    .flatMap((row) => row.cells[0] ?? [])
    .filter((value): value is number => typeof value === 'number');
}
