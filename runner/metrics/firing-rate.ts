import { NORMAL_QUANTILE, studentQuantile } from '../math/student.ts';
import type { Interval } from './estimate.ts';
import { wilson } from './proportions.ts';

/** How a latent's firings lie in documents (or rows, where they stand alone). */
export interface Firings {
  /** Tokens that it fires on. */
  fires: number;
  /** Σ over documents of c² and of c·n: c of the document's n tokens are those it fires on. */
  squares: number;
  cross: number;
}

/** The text, over the same documents. */
export interface FiringText {
  tokens: number;
  documents: number;
  /** Σ over documents of n². */
  squaredTokens: number;
}

/**
 * Share of tokens that a latent fires on, with its 95 % interval: Wilson's, on as many tokens as the documents leave
 * independent (Kish's design effect: the variance between documents against that of single tokens), widened by Student's
 * quantile of one degree of freedom for each document but one. Of a latent that fires in a handful of documents it holds less
 * often than in 95 % of cases (test/unit/metrics/firing-rate.test.ts).
 */
export function firingRate(
  { fires, squares, cross }: Firings,
  { tokens, documents, squaredTokens }: FiringText,
): { rate: number } & Interval {
  const rate = fires / tokens;
  const single = rate * (1 - rate) * tokens;
  if (single <= 0 || documents < 2) return { rate, ...wilson(rate, tokens) };
  const between = (squares - 2 * rate * cross + rate * rate * squaredTokens) * (documents / (documents - 1));
  const widening = studentQuantile(0.025, documents - 1) / NORMAL_QUANTILE;
  const effect = Math.max(1, between / single) * widening * widening;
  return { rate, ...wilson(rate, tokens / effect) };
}
