import { describe, expect, it } from 'vitest';
import { pivotedCholesky } from '../../../runner/math/cholesky.ts';
import { gram } from '../../../runner/math/gram.ts';
import { random } from '../../../runner/math/random.ts';

function matrix(rows: number, columns: number, density: number): Float32Array {
  const stream = random('gram', rows, columns);
  return Float32Array.from({ length: rows * columns }, () =>
    stream.next() < density ? stream.gaussian() : 0,
  );
}

function naive(values: Float32Array, rows: number, columns: number): number[] {
  return Array.from({ length: rows * rows }, (_, at) => {
    const i = Math.floor(at / rows);
    const j = at % rows;
    let total = 0;
    for (let k = 0; k < columns; k++) total += values[i * columns + k]! * values[j * columns + k]!;
    return total;
  });
}

describe('gram', () => {
  // Sizes around the tile (4 rows) and the block (512 columns); densities on either side of the sparse path.
  it.each([
    [1, 3, 1],
    [4, 5, 1],
    [13, 1030, 1],
    [9, 511, 0.6],
    [17, 700, 0.05],
    [5, 40, 0],
  ])('%i × %i of density %f', (rows, columns, density) => {
    const values = matrix(rows, columns, density);
    const product = gram(values, rows, columns);
    const expected = naive(values, rows, columns);
    const worst = Math.max(...expected.map((value, i) => Math.abs(value - product[i]!)));
    expect(worst).toBeLessThan(1e-10);
  });
});

describe('pivotedCholesky', () => {
  it.each([
    [12, 40, 12],
    [20, 7, 7],
    [6, 1, 1],
  ])('is a square root: %i rows of %i columns have rank %i', (rows, columns, rank) => {
    const product = gram(matrix(rows, columns, 1), rows, columns);
    const factor = pivotedCholesky(product, rows);
    expect(factor.rank).toBe(rank);
    for (let i = 0; i < rows; i++) {
      for (let k = factor.extents[i]!; k < rank; k++) expect(factor.values[i * rank + k]).toBe(0);
      for (let j = 0; j < rows; j++) {
        let total = 0;
        for (let k = 0; k < rank; k++) total += factor.values[i * rank + k]! * factor.values[j * rank + k]!;
        expect(total).toBeCloseTo(product[i * rows + j]!, 9);
      }
    }
  });

  it('gives rank 0 for a matrix of zeros', () => {
    expect(pivotedCholesky(new Float64Array(9), 3).rank).toBe(0);
  });
});
