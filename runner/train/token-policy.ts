/**
 * Which tokens SAEs are trained on. Some tokens, mostly the first of a row, carry residuals of a hundred times the
 * usual norm (attention sinks); a mean squared error is theirs alone unless something is done about it.
 */

export interface TokenPolicy {
  /** Tokens at the start of each row that are not trained on. */
  dropFirst: number;
  /** What is done about a token whose norm is beyond `highNormFactor` times the median: kept, left out, or scaled to it. */
  highNorm: 'keep' | 'drop' | 'cap';
  highNormFactor: number;
}

/** What a policy did, over a run. */
export interface PolicyCounts {
  dropped: number;
  /** Norms that were capped, over all hooks. */
  capped: number;
}

/** @param samples activations [count, d] */
export function medianNorm(samples: Float32Array, d: number): number {
  const norms = new Float64Array(samples.length / d);
  for (let t = 0; t < norms.length; t++) norms[t] = norm(samples, t, d);
  norms.sort();
  const middle = (norms.length - 1) / 2;
  return (norms[Math.floor(middle)]! + norms[Math.ceil(middle)]!) / 2;
}

/** Whether a policy changes nothing. */
export function keepsAll({ dropFirst, highNorm }: TokenPolicy): boolean {
  return dropFirst === 0 && highNorm === 'keep';
}

/**
 * Applies a policy to one pass. Capped rows are changed in place; a token that is beyond the limit at one hook is
 * dropped at all of them, so that every SAE is trained on the same tokens.
 *
 * @param activations for each hook [tokens, its width]
 * @param medians norm, for each hook
 * @param pass its tokens, and those of one row of text; it is whole rows
 * @returns the tokens that stay, ascending
 */
export function applyPolicy(
  policy: TokenPolicy,
  activations: ReadonlyMap<string, Float32Array>,
  medians: ReadonlyMap<string, number>,
  { tokens, rowTokens }: { tokens: number; rowTokens: number },
): { kept: Uint32Array; counts: PolicyCounts } {
  const counts: PolicyCounts = { dropped: 0, capped: 0 };
  const kept: number[] = [];
  for (let t = 0; t < tokens; t++) {
    if (t % rowTokens < policy.dropFirst || !within(t)) counts.dropped++;
    else kept.push(t);
  }
  return { kept: Uint32Array.from(kept), counts };

  /** Whether a token stays; caps it where that is the policy. */
  function within(t: number): boolean {
    if (policy.highNorm === 'keep') return true;
    let stays = true;
    for (const [hook, x] of activations) {
      const d = x.length / tokens;
      const limit = policy.highNormFactor * medians.get(hook)!;
      const found = norm(x, t, d);
      if (found <= limit) continue;
      if (policy.highNorm === 'drop') stays = false;
      else {
        counts.capped++;
        for (let i = t * d; i < (t + 1) * d; i++) x[i]! *= limit / found;
      }
    }
    return stays;
  }
}

function norm(x: Float32Array, row: number, d: number): number {
  let squares = 0;
  for (let i = row * d; i < (row + 1) * d; i++) squares += x[i]! ** 2;
  return Math.sqrt(squares);
}
