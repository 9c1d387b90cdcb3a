import { describe, expect, it } from 'vitest';
import { leadingEigenvectors } from '../../../runner/math/eigen.ts';
import { random } from '../../../runner/math/random.ts';

/** A symmetric matrix with the given eigenvalues in a random basis of reflections. */
function symmetric(values: readonly number[]): Float64Array {
  const size = values.length;
  const matrix = new Float64Array(size * size);
  for (let i = 0; i < size; i++) matrix[i * size + i] = values[i]!;
  const stream = random('symmetric', size);
  for (let round = 0; round < 3; round++) {
    const v = Float64Array.from({ length: size }, () => stream.gaussian());
    const squared = v.reduce((sum, each) => sum + each * each, 0);
    // A − 2 v (vᵀA)/|v|² from either side.
    for (const left of [true, false]) {
      for (let j = 0; j < size; j++) {
        const at = (i: number): number => (left ? i * size + j : j * size + i);
        let inner = 0;
        for (let i = 0; i < size; i++) inner += v[i]! * matrix[at(i)]!;
        for (let i = 0; i < size; i++) matrix[at(i)]! -= (2 * v[i]! * inner) / squared;
      }
    }
  }
  return matrix;
}

describe('leadingEigenvectors', () => {
  // 40 is rotated, 300 is iterated.
  it.each([40, 300])('of a matrix of size %i with a known spectrum', (size) => {
    const spectrum = Array.from({ length: size }, (_, i) => 100 * 0.8 ** i);
    const matrix = symmetric(spectrum);
    const { values, vectors } = leadingEigenvectors(matrix, size, 6);
    for (let c = 0; c < 6; c++) {
      expect(Math.abs(values[c]! - spectrum[c]!)).toBeLessThan(1e-3);
      const v = vectors.subarray(c * size, (c + 1) * size);
      let off = 0;
      let squared = 0;
      for (let i = 0; i < size; i++) {
        let image = 0;
        for (let j = 0; j < size; j++) image += matrix[i * size + j]! * v[j]!;
        off = Math.max(off, Math.abs(image - spectrum[c]! * v[i]!));
        squared += v[i]! ** 2;
      }
      expect(squared).toBeCloseTo(1, 10);
      expect(off).toBeLessThan(0.05);
    }
  });

  it('is the identity basis of a diagonal matrix, largest first', () => {
    const { values, vectors } = leadingEigenvectors(Float64Array.of(1, 0, 0, 3), 2, 2);
    expect([...values]).toEqual([3, 1]);
    expect(Math.abs(vectors[1]!)).toBe(1);
  });

  it('refuses more vectors than there are', () => {
    expect(() => leadingEigenvectors(new Float64Array(4), 2, 3)).toThrow(RangeError);
  });
});
