import type { EvaluationRecord } from '../../runner/report/schema.ts';
import { formatCount, formatTokens } from './numbers.ts';

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
