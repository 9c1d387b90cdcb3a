/** Number formats by name, so that a chart can be written down as JSON and drawn again in the browser. */
import { formatBrief, formatCount, formatNumber, formatTokens } from '../lib/numbers.ts';

/** `fixed3` is a number with three decimals; `hours` takes seconds. */
export type FormatName = 'tokens' | 'count' | 'brief' | 'hours' | `fixed${0 | 1 | 2 | 3 | 4 | 5 | 6}`;

export function formatNamed(name: FormatName): (value: number) => string {
  switch (name) {
    case 'tokens':
      return formatTokens;
    case 'count':
      return formatCount;
    case 'brief':
      return formatBrief;
    case 'hours':
      return formatHours;
    default: {
      const digits = Number(name.slice('fixed'.length));
      return (value) => formatNumber(value, digits);
    }
  }
}

/** @param digits decimals, 0 to 6 */
export function fixed(digits: number): FormatName {
  return `fixed${Math.min(6, Math.max(0, Math.round(digits))) as 0}`;
}

function formatHours(seconds: number): string {
  if (seconds < 60) return `${Number(seconds.toPrecision(2))}\u00a0s`;
  if (seconds < 3_600) return `${Number((seconds / 60).toPrecision(3))}\u00a0min`;
  return `${Number((seconds / 3_600).toPrecision(3))}\u00a0h`;
}
