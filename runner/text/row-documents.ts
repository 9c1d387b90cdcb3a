/**
 * Which document a packed row belongs to: the one that holds most of its tokens, of equal ones the first. Rows of one long
 * document share it; they are what the bootstrap draws together.
 */

/** Runs of tokens by document, in order. */
export interface DocumentRuns {
  /** The next tokens belong to this document. */
  push(document: number, tokens: number): void;
  /** Takes the next tokens away, and says which document holds most of them. */
  take(tokens: number): number;
  /** Forgets what was not taken. */
  clear(): void;
}

export function documentRuns(): DocumentRuns {
  let runs: { document: number; tokens: number }[] = [];
  return {
    push(document, tokens) {
      if (tokens > 0) runs.push({ document, tokens });
    },
    take(tokens) {
      let [left, most, owner] = [tokens, 0, Number.NaN];
      while (left > 0) {
        const run = runs[0];
        if (run === undefined) throw new RangeError(`documentRuns: ${left} of ${tokens} tokens are missing`);
        const taken = Math.min(left, run.tokens);
        if (taken > most) [most, owner] = [taken, run.document];
        left -= taken;
        run.tokens -= taken;
        if (run.tokens === 0) runs.shift();
      }
      return owner;
    },
    clear() {
      runs = [];
    },
  };
}
