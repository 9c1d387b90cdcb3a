import type { Rotary } from './rotary.ts';

export interface AttentionShape {
  heads: number;
  kvHeads: number;
  headSize: number;
  /** Absent where positions are not rotary. */
  rotary?: Rotary | undefined;
  /** Tokens a token sees, itself included; absent: all before it. */
  window?: number | undefined;
  /** Tokens see those before them in their own stretch of so many tokens; absent: of the whole row. */
  chunk?: number | undefined;
  /** Scores s become cap·tanh(s / cap). */
  softCap?: number | undefined;
  /** Name of a score for each head that takes part in the softmax and gives nothing: [heads]. */
  sinks?: string | undefined;
  /** Factor of the scores; default 1/√headSize. */
  scale?: number | undefined;
}
