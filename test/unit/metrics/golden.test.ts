import { expect, it } from 'vitest';
import { cpythonRandom } from '../../../runner/math/cpython-random.ts';
import { type ActivationRow, meanOfTokens } from '../../../runner/metrics/activations.ts';
import { resampleRows } from '../../../runner/metrics/bootstrap.ts';
import { hookStatistics, type SaeRow } from '../../../runner/metrics/hook-statistics.ts';
import { varExpSaeBench06 } from '../../../runner/metrics/variance-explained.ts';
import { type ReconstructionDefinition, reconstructionSuite } from '../../../runner/suites/reconstruction.ts';
import golden from '../../fixtures/metrics/metrics.json' with { type: 'json' };

it('every definition equals PyTorch’s, computed token by token', () => {
  const { width, latents, k } = golden;
  const stream = cpythonRandom(golden.seed);
  const rows: { row: ActivationRow & { pass: number; kept: Uint8Array }; sae: SaeRow }[] = [];
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
    rows.push({
      row: { x, tokens, kept, pass: Math.floor(number / 2) },
      sae: { reconstruction, latents: { k, indices, values } },
    });
  }
  const statistics = hookStatistics(width, [latents]);
  for (const { row, sae } of rows) {
    const batch = rows.filter((other) => other.row.pass === row.pass).map((other) => other.row);
    const x = Float32Array.from(batch.flatMap((one) => Array.from(one.x)));
    const kept = Uint8Array.from(batch.flatMap((one) => Array.from(one.kept)));
    statistics.add({ ...row, passMean: meanOfTokens(x, width, kept) }, [sae]);
  }
  const tables = statistics.tables();
  const resamples = resampleRows(golden.lengths.length);
  const { metrics, curves } = reconstructionSuite(tables, resamples)[0]!;
  const { 'var_exp@saebench-0.6': defect, ...definitions } = golden.expected;
  for (const [id, expected] of Object.entries(definitions)) {
    expect(metrics[id as ReconstructionDefinition].value, id).toBeCloseTo(expected, 12);
  }
  const { activations, saes } = tables;
  expect(varExpSaeBench06(activations, saes[0]!.reconstruction, resamples).value).toBeCloseTo(defect, 12);
  expect(curves.alive.map((point) => point.tokens)).toEqual([1, 2, 5, 10, 20, golden.tokens]);
  expect(curves.alive.map((point) => point.alive)).toEqual(golden.alive_curve);
  expect(Array.from(tables.saes[0]!.firing!.firings)).toEqual(golden.firings);
});
