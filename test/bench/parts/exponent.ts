/** Slope of log y over log x by least squares: y grows as x to that power. */
export function exponent(x: readonly number[], y: readonly number[]): number {
  const [u, v] = [x, y].map((values) => values.map((value) => Math.log(value))) as [number[], number[]];
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, each) => sum + each, 0) / values.length;
  const [mu, mv] = [mean(u), mean(v)];
  const along = u.reduce((sum, each, i) => sum + (each - mu) * (v[i]! - mv), 0);
  return along / u.reduce((sum, each) => sum + (each - mu) ** 2, 0);
}
