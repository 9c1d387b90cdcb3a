/** Measures, sizes and times as readers see them; plain numbers stand in numbers.ts. */
import type { Definition } from '../../runner/report/definition.ts';
import { type DefinitionId, definitions } from '../../runner/report/definitions.ts';
import { EARLIER_METHOD, intervalMethods } from '../../runner/report/interval-methods.ts';
import type { Measure } from '../../runner/report/schema.ts';
import { formatCount, formatInterval, formatNumber, formatSmall } from './numbers.ts';

export {
  formatBrief,
  formatCount,
  formatInterval,
  formatNumber,
  formatPlain,
  formatPower,
  formatSigned,
  formatSmall,
  formatTokens,
  powerOfTen,
} from './numbers.ts';

export function formatBytes(value: number): string {
  for (const [size, unit] of [
    [1e9, 'GB'],
    [1e6, 'MB'],
    [1e3, 'kB'],
  ] as const) {
    if (value >= size) return `${(value / size).toPrecision(3)} ${unit}`;
  }
  return `${value} B`;
}

export function formatDuration(seconds: number): string {
  if (seconds < 60) return `${Number(seconds.toPrecision(3))} s`;
  const whole = Math.round(seconds);
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  return hours > 0 ? `${hours} h ${minutes} min` : `${minutes} min ${whole % 60} s`;
}

export function formatTime(iso: string): string {
  return `${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC`;
}

/**
 * How often a latent that never fired may still fire, with 95 % confidence: in 3 of the R documents where it could have
 * been seen, and there as often as others do. Firings come in bursts, so that tokens alone bound nothing.
 *
 * @param rows documents, or rows where the record does not count them
 */
export function boundOf(
  { burst, window_tokens }: { burst?: number | null | undefined; window_tokens: number },
  rows: number | null,
): string {
  if (burst != null) {
    const rate = formatSmall((3 * burst) / window_tokens);
    return `; each may still fire on 3b/T ≈ ${rate} of tokens (95 % upper bound; b = ${formatNumber(burst, 1)} firings in a document where a latent fires)`;
  }
  return rows === null || rows < 3
    ? ''
    : `; each may still fire in 3/R ≈ ${formatSmall(3 / rows)} of rows (95 % upper bound)`;
}

export interface MeasureText {
  /** The value, or null where it is missing. */
  value: string | null;
  interval: string | null;
  /** Why there is no value, or no interval. */
  reason: string | null;
  window: string | null;
  note: string | null;
  /** How the interval was formed. */
  method: string | null;
  /** Why the interval is less sure than it claims. */
  doubt: string | null;
}

/** The words for a measure; `undefined` is a statistic the record does not mention. */
export function describeMeasure(
  measure: Measure | undefined,
  definition: DefinitionId | Pick<Definition, 'digits'>,
): MeasureText {
  if (measure === undefined || measure.value === null) {
    return {
      value: null,
      interval: null,
      reason: measure?.reason ?? 'The record does not mention this statistic.',
      window: null,
      note: null,
      method: null,
      doubt: null,
    };
  }
  const { digits } = typeof definition === 'string' ? definitions[definition] : definition;
  return {
    value: formatNumber(measure.value, digits),
    interval: measure.interval && formatInterval(measure.interval.low, measure.interval.high, digits),
    reason: measure.interval ? null : (measure.interval_note ?? 'No interval was computed.'),
    window: measure.window_tokens === undefined ? null : `${formatCount(measure.window_tokens)} tokens`,
    note: measure.note ?? null,
    method: measure.interval && (measure.method ? intervalMethods[measure.method] : EARLIER_METHOD),
    doubt: measure.interval && (measure.interval_note ?? null),
  };
}
