/** What became of dead latents in training: how many there were at most, and how many at the end. */
import type { EvaluationRecord } from '../../runner/report/schema.ts';
import { thin } from '../charts/line-chart.ts';
import { formatCount, formatNumber, formatSigned, formatTokens } from './format.ts';

export interface DeadStory {
  peak: { tokens: number; dead: number };
  last: { tokens: number; dead: number };
  /** Peak less last: a net number, as others may have died meanwhile. 0 where the peak is the end. */
  recovered: number;
  sentence: string;
}

type Point = { tokens: number; value: number };

/** Null where fewer than two points were logged. */
export function deadStory(entry: EvaluationRecord): DeadStory | null {
  const points = seriesOf(entry, 'dead');
  const last = points.at(-1);
  if (points.length < 2 || last === undefined) return null;
  const peak = points.reduce((most, point) => (point.value > most.value ? point : most));
  const before = points.at(-2)!;
  const share = (dead: number): string => `${formatNumber((100 * dead) / entry.sae.d_sae, 2)} %`;
  const words = ({ value, tokens }: Point): string =>
    `${formatCount(value)} (${share(value)}) at ${formatTokens(tokens)} tokens`;
  const recovered = peak.value - last.value;
  const fewer = recovered === 0 ? '' : `: ${formatCount(recovered)} fewer than at the peak`;
  const sentence =
    peak.value === 0
      ? 'No latent was dead at any point that was logged.'
      : peak.tokens === last.tokens
        ? `Still growing at the end: ${words(last)}, ${formatSigned(last.value - before.value, 0)} since ${formatTokens(before.tokens)}.`
        : `At most ${words(peak)}; at the end ${formatCount(last.value)} (${share(last.value)})${fewer}.`;
  return {
    peak: { tokens: peak.tokens, dead: peak.value },
    last: { tokens: last.tokens, dead: last.value },
    recovered,
    sentence,
  };
}

function seriesOf(entry: EvaluationRecord, key: 'dead' | 'var_exp'): Point[] {
  return (entry.trajectory?.points ?? [])
    .flatMap(({ tokens, [key]: value }) => (value == null ? [] : [{ tokens, value }]))
    .toSorted((a, b) => a.tokens - b.tokens);
}

export interface LoggedTable {
  /** Tokens of the columns. */
  tokens: number[];
  /** Values in their order, null where nothing was logged; and what the last stretch changed. */
  rows: { entry: EvaluationRecord; values: (number | null)[]; change: number | null }[];
}

/** Columns a table of a trajectory gets at most. */
const COLUMNS = 6;

/** A logged metric at a few points that all have in common; null where there are none. */
export function loggedTable(
  records: readonly EvaluationRecord[],
  key: 'dead' | 'var_exp',
): LoggedTable | null {
  const logged = records
    .map((entry) => ({ entry, points: seriesOf(entry, key) }))
    .filter(({ points }) => points.length > 1);
  if (logged.length === 0) return null;
  const shared = logged[0]!.points
    .map(({ tokens }) => tokens)
    .filter((tokens) => logged.every(({ points }) => points.some((point) => point.tokens === tokens)));
  const tokens = thin(shared, COLUMNS);
  if (tokens.length < 2) return null;
  return {
    tokens,
    rows: logged.map(({ entry, points }) => {
      const values = tokens.map((at) => points.find((point) => point.tokens === at)?.value ?? null);
      const [before, last] = [values.at(-2), values.at(-1)];
      return { entry, values, change: before == null || last == null ? null : last - before };
    }),
  };
}
