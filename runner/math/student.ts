/** Tails of the normal and of Student's distribution, and Student's quantiles, in float64. */

/** Beyond it lie 2.5 % of a standard normal: half a 95 % interval, in standard errors. */
export const NORMAL_QUANTILE = 1.959963984540054;

/** P(Z > z) of a standard normal, by series or continued fraction (Abramowitz and Stegun 26.2.11 and 26.2.14). */
export function normalTail(z: number): number {
  if (z < 0) return 1 - normalTail(-z);
  const x = z * z;
  if (x < 6) {
    // P(0 < Z < z) = φ(z) Σ z^(2k+1) / (1·3·5·…·(2k+1))
    let term = z;
    let sum = z;
    for (let k = 1; term > sum * 1e-17 && k < 200; k++) {
      term *= x / (2 * k + 1);
      sum += term;
    }
    return 0.5 - (Math.exp(-x / 2) / Math.sqrt(2 * Math.PI)) * sum;
  }
  let fraction = 0;
  for (let k = 60; k >= 1; k--) fraction = k / (z + fraction);
  return Math.exp(-x / 2) / Math.sqrt(2 * Math.PI) / (z + fraction);
}

/** The z with P(Z > z) = p, by bisection. */
export function normalThreshold(p: number): number {
  if (p <= 0) return Number.POSITIVE_INFINITY;
  if (p >= 1) return Number.NEGATIVE_INFINITY;
  let [low, high] = [-9, 9];
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2;
    if (normalTail(middle) > p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** P(T > t), T Student's with `df` degrees of freedom, t ≥ 0: half the incomplete beta I_x(df/2, 1/2), x = df/(df + t²). */
export function studentTail(t: number, df: number): number {
  return 0.5 * incompleteBeta(df / (df + t * t), df / 2, 0.5);
}

/** The t ≥ 0 with P(T > t) = `tail`, by bisection; `tail` in (0, 1/2]. */
export function studentQuantile(tail: number, df: number): number {
  let low = 0;
  let high = 1;
  while (studentTail(high, df) > tail) {
    low = high;
    high *= 2;
    if (high > 1e12) return high;
  }
  for (let step = 0; step < 60 && high - low > 1e-10 * high; step++) {
    const middle = (low + high) / 2;
    if (studentTail(middle, df) > tail) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** I_x(a, b), by the continued fraction of Press et al. (Numerical Recipes, section 6.4), Lentz's evaluation. */
function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  // The fraction converges fast on this side; the other is its complement.
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a);
  const front =
    Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log(1 - x)) / a;
  const tiny = 1e-300;
  let c = 1;
  let d = 1 / Math.max(tiny, 1 - ((a + b) * x) / (a + 1));
  let result = d;
  for (let m = 1; m < 500; m++) {
    for (const coefficient of [
      (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m)),
      (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1)),
    ]) {
      d = 1 + coefficient * d;
      c = 1 + coefficient / c;
      if (Math.abs(d) < tiny) d = tiny;
      if (Math.abs(c) < tiny) c = tiny;
      d = 1 / d;
      result *= c * d;
    }
    if (Math.abs(c * d - 1) < 1e-15) break;
  }
  return front * result;
}

/** ln Γ(x), x > 0 (Lanczos 1964, the coefficients of Godfrey for g = 7). */
function logGamma(x: number): number {
  const coefficients = [
    676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059, 12.507343278686905,
    -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
  ];
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x);
  const shifted = x - 1;
  const sum = coefficients.reduce((total, each, i) => total + each / (shifted + i + 1), 0.99999999999980993);
  const at = shifted + 7.5;
  return 0.5 * Math.log(2 * Math.PI) + (shifted + 0.5) * Math.log(at) - at + Math.log(sum);
}
