/** A transcoder's skip connection in the slow reference of a step. */

/** Adds x·W_skipᵀ to the error of one token; nothing where there is no skip connection. */
export function addSkip(error: Float64Array, W_skip: Float32Array | undefined, x: Float32Array): void {
  if (W_skip === undefined) return;
  for (let i = 0; i < error.length; i++)
    for (let j = 0; j < x.length; j++) error[i]! += W_skip[i * x.length + j]! * x[j]!;
}

/** Adds what d loss / d x̂ = slope of one token costs W_skip. */
export function addSkipGradient(
  gradient: Float64Array | undefined,
  slope: Float64Array,
  x: Float32Array,
): void {
  if (gradient === undefined) return;
  for (let i = 0; i < slope.length; i++)
    for (let j = 0; j < x.length; j++) gradient[i * x.length + j]! += slope[i]! * x[j]!;
}
