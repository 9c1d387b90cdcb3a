import { expect, test } from 'vitest';
import { solvePositive } from '../../../runner/math/solve.ts';

const rows = [
  [2, -1, 0.5],
  [0, 3, 1],
  [1, 1, -2],
  [0.5, 0, 1],
];
/** The products of some of the columns with one another. */
function products(columns: readonly number[]): Float64Array {
  return Float64Array.from(
    columns.flatMap((a) => columns.map((b) => rows.reduce((sum, row) => sum + row[a]! * row[b]!, 0))),
  );
}

test('equations with a positive definite matrix', () => {
  const x = [3, -1, 0.25];
  const matrix = products([0, 1, 2]);
  const right = Float64Array.from(x, (_, i) =>
    x.reduce((sum, each, j) => sum + matrix[i * 3 + j]! * each, 0),
  );
  const found = solvePositive(matrix, right);
  x.forEach((each, i) => {
    expect(found[i]!).toBeCloseTo(each, 12);
  });
});

test('a row that repeats another is left at 0', () => {
  const [alone, twice] = [
    solvePositive(products([0, 1]), Float64Array.of(1, 2)),
    solvePositive(products([0, 0, 1]), Float64Array.of(1, 1, 2)),
  ];
  expect(twice[1]).toBe(0);
  expect(twice[0]!).toBeCloseTo(alone[0]!, 12);
  expect(twice[2]!).toBeCloseTo(alone[1]!, 12);
});
