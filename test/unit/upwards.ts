/** Figures of a table of differences move with the order of sums on a machine: they are rounded up, and held to so many times that. */
export const SLACK = 4;

/** What float32 sums in another order may differ by, relatively to the largest value. */
export const ROUNDINGS = 16 * 2 ** -24;

/** Rounded up to 1, 2 or 5 times a power of ten. */
export function upwards(value: number): string {
  if (value === 0) return '0';
  const power = 10 ** Math.floor(Math.log10(value));
  const first = [1, 2, 5, 10].find((each) => value <= each * power) ?? 10;
  return (first * power).toExponential(0);
}
