import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { assignLargest } from '../../../runner/math/assignment.ts';
import { random } from '../../../runner/math/random.ts';

const cases = JSON.parse(
  readFileSync(new URL('../../fixtures/synthetic/assignment.json', import.meta.url), 'utf8'),
) as { name: string; shape: [number, number]; gains: number[]; sum: number }[];

/** The rule takes no more rows than columns. */
function wide({ shape: [rows, columns], gains }: (typeof cases)[number]) {
  if (rows <= columns) return { rows, columns, gains: Float32Array.from(gains) };
  const turned = Float32Array.from(gains, (_, at) => gains[(at % rows) * columns + Math.floor(at / rows)]!);
  return { rows: columns, columns: rows, gains: turned };
}

function sumOf(gains: Float32Array, columns: number, chosen: Int32Array): number {
  return chosen.reduce((sum, column, row) => sum + gains[row * columns + column]!, 0);
}

describe('assignLargest', () => {
  it.each(cases)('reaches the sum of scipy: $name', (each) => {
    const { rows, columns, gains } = wide(each);
    const chosen = assignLargest(gains, rows, columns);
    expect(new Set(chosen).size).toBe(rows);
    expect(sumOf(gains, columns, chosen)).toBeCloseTo(each.sum, 6);
  });

  it('beats every exchange of two rows', () => {
    const stream = random('assignment');
    const [rows, columns] = [120, 150];
    const gains = Float32Array.from({ length: rows * columns }, () => Math.abs(stream.gaussian()));
    const chosen = assignLargest(gains, rows, columns);
    const at = (row: number, column: number): number => gains[row * columns + column]!;
    for (let a = 0; a < rows; a++) {
      for (let b = 0; b < a; b++) {
        const [i, j] = [chosen[a]!, chosen[b]!];
        expect(at(a, i) + at(b, j)).toBeGreaterThanOrEqual(at(a, j) + at(b, i) - 1e-6);
      }
    }
  });

  it('refuses more rows than columns', () => {
    expect(() => assignLargest(new Float32Array(6), 3, 2)).toThrow(/rows ≤ columns/);
  });
});
