import { expect, it } from 'vitest';
import { exponent } from '../../bench/parts/exponent.ts';

it('the exponent of a power is found, whatever its factor', () => {
  const sizes = [100, 200, 400];
  for (const power of [0, 1, 2.5])
    expect(
      exponent(
        sizes,
        sizes.map((size) => 0.003 * size ** power),
      ),
    ).toBeCloseTo(power, 12);
  expect(exponent(sizes, [1, 2.1, 3.9])).toBeCloseTo(1, 1);
});
