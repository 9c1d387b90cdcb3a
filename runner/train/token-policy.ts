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

/** A token beyond the limit at a hook. */
export interface HighNorm {
  /** Number of it in its pass. */
  token: number;
  norm: number;
  /** Its activations, [d]: of those that the host has their own memory, else a copy. */
  row: Float32Array;
}

/** Tokens of activations [tokens, d] whose norm is beyond a limit, ascending. */
export function highNorms(x: Float32Array, d: number, limit: number): HighNorm[] {
  const found: HighNorm[] = [];
  for (let token = 0; token < x.length / d; token++) {
    const length = norm(x, token, d);
    if (length > limit) found.push({ token, norm: length, row: x.subarray(token * d, (token + 1) * d) });
  }
  return found;
}

/** Scales a token's activations to the limit, in place. */
export function cap({ norm: found, row }: HighNorm, limit: number): void {
  for (let i = 0; i < row.length; i++) row[i]! *= limit / found;
}

/**
 * Applies a policy to one pass: a token that is beyond the limit at one hook is dropped at all of them, so that every SAE is trained on
 * the same tokens.
 *
 * @param high for each hook the tokens beyond its limit; none where norms are kept
 * @param pass its tokens, and those of one row of text; it is whole rows
 * @returns the tokens that stay, ascending, and for each hook those to be capped
 */
export function applyPolicy(
  policy: TokenPolicy,
  high: ReadonlyMap<string, readonly HighNorm[]>,
  { tokens, rowTokens }: { tokens: number; rowTokens: number },
): { kept: Uint32Array; capped: Map<string, HighNorm[]>; counts: PolicyCounts } {
  const isFirst = (token: number): boolean => token % rowTokens < policy.dropFirst;
  const left = new Set<number>();
  const capped = new Map<string, HighNorm[]>();
  for (const [hook, found] of high) {
    if (policy.highNorm === 'drop') for (const { token } of found) left.add(token);
    else
      capped.set(
        hook,
        found.filter(({ token }) => !isFirst(token)),
      );
  }
  const all = Uint32Array.from({ length: tokens }, (_, token) => token);
  const kept = all.filter((token) => !isFirst(token) && !left.has(token));
  const scaled = [...capped.values()].reduce((sum, each) => sum + each.length, 0);
  return { kept, capped, counts: { dropped: tokens - kept.length, capped: scaled } };
}

function norm(x: Float32Array, row: number, d: number): number {
  let squares = 0;
  for (let i = row * d; i < (row + 1) * d; i++) squares += x[i]! ** 2;
  return Math.sqrt(squares);
}
