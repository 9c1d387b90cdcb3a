/** What a live page asks its worker, and what that answers. */
import type { LivePage } from '../../runner/report/live.ts';

/** Longest text, in UTF-16 units. */
export const MOST_TEXT = 2_000;

/** What is done to a latent: its value multiplied where it fires, or set at every token. */
export interface Change {
  latent: number;
  how: 'times' | 'set';
  value: number;
}

export type Ask =
  /** `folder`: address of the site's files of live pages, with a slash at its end. */
  | { ask: 'load'; page: LivePage; folder: string }
  | { ask: 'read'; text: string }
  /** What changes at the next token after `position`. */
  | { ask: 'next'; position: number; change: Change | null };

export interface Reading {
  ids: readonly number[];
  /** Text of each token. */
  tokens: readonly string[];
  /** Slots of a token. */
  k: number;
  /** [tokens · k], largest first; slots of 0 are empty. */
  values: Float32Array;
  indices: Int32Array;
}

/** Probabilities of a next token. */
export interface NextToken {
  id: number;
  text: string;
  before: number;
  /** Null where nothing was changed. */
  after: number | null;
}

export interface Next {
  position: number;
  change: Change | null;
  /** The likeliest before and after, by the larger of the two. */
  tokens: readonly NextToken[];
  /** KL(before ‖ after) in nats; null where nothing was changed. */
  kl: number | null;
}

export type Answer =
  | { answer: 'loading'; bytes: number }
  | { answer: 'loaded'; milliseconds: number }
  | { answer: 'read'; reading: Reading }
  | { answer: 'next'; next: Next }
  | { answer: 'failed'; message: string };
