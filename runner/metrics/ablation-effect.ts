/** What taking latents out of the residual does to the next-token loss where they fire. */
import { studentQuantile } from '../math/student.ts';

export interface AblationEffect {
  /** Mean change of the next-token loss at the tokens it fires on, in nats: above 0 where the latent helps. */
  mean: number;
  /** 95 % interval over documents; null where there are fewer than two. */
  low: number | null;
  high: number | null;
  /** Tokens that it was taken out of, rows and documents that they lie in. */
  tokens: number;
  rows: number;
  documents: number;
}

/** A row of text that went on without a latent. */
export interface AblatedRow {
  /** The document that holds most of it, or its own number. */
  document: number;
  latent: number;
  /** Tokens of the row that the latent fires on, all of which it was taken out of. */
  positions: ArrayLike<number>;
  /** Next-token losses in nats, left alone and without it, [tokens]. */
  clean: Float32Array;
  without: Float32Array;
}

/** Sums by latent and document. */
export class AblationEffects {
  readonly #sums = new Map<
    number,
    { rows: number; documents: Map<number, { change: number; tokens: number }> }
  >();

  /** The last token of a row has no next one and does not count. */
  add({ document, latent, positions, clean, without }: AblatedRow): void {
    const of = this.#sums.get(latent) ?? { rows: 0, documents: new Map() };
    this.#sums.set(latent, of);
    const sum = of.documents.get(document) ?? { change: 0, tokens: 0 };
    of.rows++;
    for (let i = 0; i < positions.length; i++) {
      const position = positions[i]!;
      if (position >= clean.length - 1) continue;
      sum.change += without[position]! - clean[position]!;
      sum.tokens++;
    }
    if (sum.tokens > 0) of.documents.set(document, sum);
  }

  forget(latent: number): void {
    this.#sums.delete(latent);
  }

  /** Latents that were taken out of at least one token, ascending. */
  latents(): number[] {
    return [...this.#sums.keys()].filter((latent) => this.of(latent) !== null).sort((a, b) => a - b);
  }

  /**
   * Null for a latent that was taken out of no token. The interval is that of a ratio of sums over documents (linearised), with
   * Student's quantile of one degree of freedom for each document but one.
   */
  of(latent: number): AblationEffect | null {
    const found = this.#sums.get(latent);
    const all = [...(found?.documents.values() ?? [])];
    const documents = all.length;
    if (found === undefined || documents === 0) return null;
    const tokens = all.reduce((sum, each) => sum + each.tokens, 0);
    const mean = all.reduce((sum, { change }) => sum + change, 0) / tokens;
    const facts = { mean, tokens, rows: found.rows, documents };
    if (documents < 2) return { ...facts, low: null, high: null };
    const squares = all.reduce((sum, each) => sum + (each.change - mean * each.tokens) ** 2, 0);
    const error = Math.sqrt((squares * documents) / (documents - 1)) / tokens;
    const half = studentQuantile(0.025, documents - 1) * error;
    return { ...facts, low: mean - half, high: mean + half };
  }
}
