import { describe, expect, it } from 'vitest';
import { random } from '../../../runner/math/random.ts';
import { topK } from '../../../runner/math/topk.ts';
import { buildKernels } from '../../../runner/simd/build.ts';
import { compiled } from '../../../runner/simd/compiled.ts';
import { openWorkspace } from '../../../runner/simd/kernels.ts';

const workspace = openWorkspace();

it('compiled.ts is what its source compiles to', async () => {
  expect(Buffer.from(await buildKernels()).equals(Buffer.from(compiled, 'base64'))).toBe(true);
}, 600_000);

it('lays arrays out apart from one another, aligned, and grows', () => {
  const { buffer, places } = openWorkspace().layOut(5, 200_000, 3);
  for (const place of places) expect(place % 16).toBe(0);
  expect(places[0]).toBeGreaterThan(0);
  expect(places[1]).toBeGreaterThanOrEqual(places[0] + 5);
  expect(places[2]).toBeGreaterThanOrEqual(places[1] + 200_000);
  expect(buffer.byteLength).toBeGreaterThanOrEqual(places[2] + 3);
});

it('addRows adds rows by their weights, four and more of them', () => {
  const [rows, width] = [8, 12];
  const { buffer, places } = workspace.layOut(4 * rows * width, 4 * rows, 4 * width);
  const [matrix, weights, out] = places;
  const stream = random('addRows');
  const a = new Float32Array(buffer, matrix, rows * width).map(() => stream.gaussian());
  const d = new Float32Array(buffer, weights, rows).map(() => stream.gaussian());
  new Float32Array(buffer, matrix, rows * width).set(a);
  new Float32Array(buffer, weights, rows).set(d);
  const found = new Float32Array(buffer, out, width).fill(1);
  workspace.addRows(matrix, rows, 4 * width, weights, out);
  found.forEach((value, j) => {
    expect(value).toBeCloseTo(
      d.reduce((sum, weight, i) => sum + weight * a[i * width + j]!, 1),
      5,
    );
  });
});

function largest(values: Float32Array, rows: number, k: number) {
  const width = values.length / rows;
  const { buffer, places } = workspace.layOut(values.byteLength, 16 * width + 64, 4 * rows * k, 4 * rows * k);
  const [from, scratch, found, at] = places;
  new Float32Array(buffer, from, values.length).set(values);
  workspace.largest(from, rows, width, k, scratch, found, at);
  return {
    values: new Float32Array(buffer, found, rows * k).slice(),
    indices: new Int32Array(buffer, at, rows * k).slice(),
  };
}

describe('largest', () => {
  // Widths around the stretches of 4 and 16, k on either side of the candidates that are ranked in pairs.
  const shapes = [
    [4, 1],
    [4, 4],
    [20, 7],
    [36, 36],
    [512, 16],
    [1_024, 32],
    [1_024, 300],
    [4_100, 64],
  ] as const;
  const kinds = {
    gaussians: (stream) => stream.gaussian(),
    // Rows of very different scale and height: what the last row says about the next one is wrong.
    'rows unlike one another': (stream, row) => 10 ** (row % 5) * (stream.gaussian() + (row % 3)),
    'coarse values, which tie': (stream) => Math.round(stream.gaussian()),
    'equal values': () => -2,
    'few above the rest': (stream) => (stream.next() < 0.02 ? 100 : 0) + 1e-3 * stream.next(),
    'zeros of either sign': (stream) => (stream.next() < 0.5 ? 0 : -0),
  } as const satisfies Record<string, (stream: ReturnType<typeof random>, row: number) => number>;

  for (const [kind, draw] of Object.entries(kinds)) {
    it.each(shapes)(`is the exact top k, %i values and k %i: ${kind}`, (width, k) => {
      const stream = random('largest', kind, width, k);
      const rows = 11;
      const values = Float32Array.from({ length: rows * width }, (_, i) =>
        draw(stream, Math.floor(i / width)),
      );
      const found = largest(values, rows, k);
      for (let row = 0; row < rows; row++) {
        const expected = topK(values.subarray(row * width, (row + 1) * width), k);
        expect(found.indices.subarray(row * k, (row + 1) * k)).toEqual(expected.indices);
        expect(found.values.subarray(row * k, (row + 1) * k)).toEqual(expected.values.map((v) => v + 0));
      }
    });
  }

  it('makes a row with NaN NaN, wherever it stands, and no other', () => {
    for (const place of [0, 63, 1_000]) {
      const values = Float32Array.from({ length: 3 * 1_024 }, (_, i) => Math.sin(i));
      values[1_024 + place] = Number.NaN;
      const found = largest(values, 3, 8).values;
      expect([...found.subarray(8, 16)]).toEqual(new Array(8).fill(Number.NaN));
      expect([...found.subarray(0, 8), ...found.subarray(16)].every(Number.isFinite)).toBe(true);
    }
  });

  it('makes a row NaN that has not k values above −Infinity', () => {
    const values = new Float32Array(8).fill(Number.NEGATIVE_INFINITY);
    values[3] = 5;
    expect([...largest(values, 1, 1).values]).toEqual([5]);
    expect([...largest(values, 1, 2).values]).toEqual([Number.NaN, Number.NaN]);
  });
});

describe('the Hessian', () => {
  it.each([
    [4, 8],
    [12, 40],
    [40, 104],
  ])('times a vector, and its diagonal: %i × %i', (rows, width) => {
    const stream = random('curvature', rows, width);
    const draw = (length: number) => Float32Array.from({ length }, () => stream.gaussian());
    const [matrix, v, d] = [draw(rows * width), draw(width), draw(rows).map(Math.abs)];
    const shift = 0.25;
    const bytes = 4 * width;
    const { buffer, places } = workspace.layOut(matrix.byteLength, bytes, 4 * rows, bytes);
    const [atMatrix, atV, atD, out] = places;
    new Float32Array(buffer, atMatrix, matrix.length).set(matrix);
    new Float32Array(buffer, atV, width).set(v);
    new Float32Array(buffer, atD, rows).set(d);
    const found = new Float32Array(buffer, out, width);
    const sum = workspace.curvature(atMatrix, rows, bytes, atV, shift, atD, out);
    const weighted = Array.from({ length: rows }, (_, i) => {
      let margin = shift;
      for (let j = 0; j < width; j++) margin += matrix[i * width + j]! * v[j]!;
      return d[i]! * margin;
    });
    expect(sum).toBeCloseTo(
      weighted.reduce((a, b) => a + b, 0),
      3,
    );
    for (let j = 0; j < width; j++) {
      expect(found[j]).toBeCloseTo(
        weighted.reduce((total, m, i) => total + m * matrix[i * width + j]!, 0),
        3,
      );
    }
    workspace.squaredColumns(atMatrix, rows, bytes, atD, out);
    for (let j = 0; j < width; j++) {
      expect(found[j]).toBeCloseTo(
        Array.from(d).reduce((total, weight, i) => total + weight * matrix[i * width + j]! ** 2, 0),
        4,
      );
    }
  });
});
