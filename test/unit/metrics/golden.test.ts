import { expect, it } from 'vitest';
import { cpythonRandom } from '../../../runner/math/cpython-random.ts';
import { resampleRows } from '../../../runner/metrics/bootstrap.ts';
import { hookStatistics } from '../../../runner/metrics/hook-statistics.ts';
import { type ReconstructionDefinition, reconstructionSuite } from '../../../runner/suites/reconstruction.ts';
import golden from '../../fixtures/metrics/metrics.json' with { type: 'json' };

it('every definition equals PyTorch’s, computed token by token', () => {
  const { width, latents, k } = golden;
  const stream = cpythonRandom(golden.seed);
  const statistics = hookStatistics(width, [latents]);
  for (const [number, tokens] of golden.lengths.entries()) {
    const x = new Float32Array(tokens * width);
    const reconstruction = new Float32Array(tokens * width);
    const indices = new Int32Array(tokens * k);
    const values = new Float32Array(tokens * k);
    const kept = new Uint8Array(tokens);
    for (let t = 0; t < tokens; t++) {
      const wide = Array.from(
        { length: width },
        (_, i) => 3 * (i + 1) + 4 * (stream.random() - 0.5) * (i + 1) + number,
      );
      x.set(wide, t * width);
      reconstruction.set(
        wide.map((value) => 0.9 * value + (stream.random() - 0.5)),
        t * width,
      );
      for (let slot = 0; slot < k; slot++) {
        indices[t * k + slot] = 13 * slot + Math.floor(stream.random() * 13);
        const value = stream.random();
        values[t * k + slot] = value < 0.25 ? 0 : value;
      }
      kept[t] = stream.random() < 0.15 ? 0 : 1;
    }
    statistics.add({ x, tokens, kept, pass: Math.floor(number / 2) }, [
      { reconstruction, latents: { k, indices, values } },
    ]);
  }
  const tables = statistics.tables();
  const { metrics, curves } = reconstructionSuite(tables, resampleRows(golden.lengths.length))[0]!;
  for (const [id, expected] of Object.entries(golden.expected)) {
    expect(metrics[id as ReconstructionDefinition].value, id).toBeCloseTo(expected, 12);
  }
  expect(curves.alive.map((point) => point.tokens)).toEqual([1, 2, 5, 10, 20, golden.tokens]);
  expect(curves.alive.map((point) => point.alive)).toEqual(golden.alive_curve);
  expect(Array.from(tables.saes[0]!.firing!.firings)).toEqual(golden.firings);
});
