/** The features of the golden fits, drawn as test/fixtures/probes/make_probes.py draws them. */
import { cpythonRandom } from '../../../runner/math/cpython-random.ts';
import type { DenseFeatures } from '../../../runner/probes/features.ts';

export interface Recipe {
  seed: number;
  rows: number;
  columns: number;
  density: number;
  decades: number;
  special: boolean;
}

export function goldenFeatures({ seed, rows, columns, density, decades, special }: Recipe): DenseFeatures {
  const stream = cpythonRandom(seed);
  const values = new Float32Array(rows * columns);
  const scales = Array.from({ length: columns }, (_, j) =>
    Number(`1e${(j % (decades + 1)) - Math.floor(decades / 2)}`),
  );
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      if (stream.random() < density) values[i * columns + j] = stream.random() * scales[j]!;
    }
    if (!special) continue;
    const row = values.subarray(i * columns, (i + 1) * columns);
    row[1] = 0;
    row[3] = 2.5;
    row[5] = row[4]!;
    row[8] = row[6]! + row[7]!;
  }
  return { values, rows, columns };
}

export function goldenLabels(digits: string): Uint8Array {
  return Uint8Array.from(digits, Number);
}
