/** An SAE in words: how good it is and how sure that is, and what each section of its page comes to. */
import type { EvaluationRecord, Measure } from '../../runner/report/schema.ts';
import { formatCount, formatInterval, formatNumber } from './format.ts';
import { isUsualHook, targetWords } from './hook-words.ts';
import { leadMeasures } from './statistics.ts';

/** A share in percent, with its interval. */
function percent(measure: Measure | undefined, digits = 1): string | null {
  if (measure?.value == null) return null;
  const value = `${formatNumber(100 * measure.value, digits)} %`;
  const { interval } = measure;
  return interval === null
    ? value
    : `${value} (${formatInterval(100 * interval.low, 100 * interval.high, digits)})`;
}

/** How good and how sure, in a sentence or two; null where the record has none of it. */
export function verdictText(entry: EvaluationRecord): string | null {
  const lead = leadMeasures(entry);
  const variance = percent(lead.variance.measure);
  const loss = percent(lead.loss.measure);
  const dead = entry.metrics['dead_fraction@v1'];
  const unused = percent(dead);
  const window = dead?.value == null ? undefined : dead.window_tokens;
  const parts = [
    variance &&
      `explains ${variance} of ${isUsualHook(entry.sae) ? 'the residual’s variance' : `the variance of ${targetWords(entry.sae)}`}`,
    loss && `recovers ${loss} of the loss that zeroing the hook would cost`,
    unused &&
      `leaves ${unused} of its latents unused${window === undefined ? '' : ` in ${formatCount(window)} tokens`}`,
  ].filter((part): part is string => typeof part === 'string');
  if (parts.length === 0) return null;
  const list = parts.length === 1 ? parts[0] : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;
  const measures = [lead.variance.measure, lead.loss.measure, dead];
  const sure = measures.some((measure) => measure?.value != null && measure.interval !== null);
  return `It ${list}. ${sure ? 'In brackets: 95 % intervals.' : 'No interval is known.'}`;
}

/** Value of a measure with its interval, for the head of a section. */
export function briefly(measure: Measure | undefined, name: string, digits: number): string | null {
  if (measure?.value == null) return null;
  const value = formatNumber(measure.value, digits);
  return `${name} ${value}${measure.interval === null ? '' : ` (${formatInterval(measure.interval.low, measure.interval.high, digits)})`}`;
}
