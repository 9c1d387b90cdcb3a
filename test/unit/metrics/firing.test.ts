import { describe, expect, it } from 'vitest';
import { alive, aliveCurve, deadFraction } from '../../../runner/metrics/alive.ts';
import { resampleRows } from '../../../runner/metrics/bootstrap.ts';
import { densityHistogram } from '../../../runner/metrics/density.ts';
import { type FiringTable, firingSums } from '../../../runner/metrics/firing.ts';
import { l0 } from '../../../runner/metrics/l0.ts';

/** One latent slot a token: `rows` lists the latent that fires on each token, −1 for none. */
function tableOf(latents: number, rows: number[][]): FiringTable {
  const sums = firingSums(latents);
  for (const row of rows) {
    sums.add(
      { tokens: row.length },
      {
        k: 1,
        indices: Int32Array.from(row, (latent) => Math.max(latent, 0)),
        values: Float32Array.from(row, (latent) => (latent < 0 ? 0 : 2)),
      },
    );
  }
  return sums.table();
}

describe('firing statistics', () => {
  it('count dead latents, and the rows that alone keep a latent alive', () => {
    const table = tableOf(8, [
      [0, 1, 0],
      [0, 2, 3, 2],
      [-1, -1],
    ]);
    const resamples = resampleRows(3, { count: 500 });
    expect(alive(table, resamples).value).toBe(0.5);
    expect(deadFraction(table, resamples).value).toBe(0.5);
    expect(Array.from(table.unique)).toEqual([1, 2, 0]);
    expect(Array.from(table.firings)).toEqual([3, 1, 2, 1, 0, 0, 0, 0]);
    expect(l0(table, resamples).value).toBe(7 / 9);
    const found = alive(table, resamples);
    if (found.value === null) throw new Error(found.reason);
    for (const sample of found.samples) expect(sample >= 0 && sample <= 1).toBe(true);
    const middle = found.samples.reduce((a, b) => a + b, 0) / 500;
    expect(middle).toBeCloseTo(0.5, 1);
  });

  it('spread alive over resamples by what single rows contribute', () => {
    // Row r alone fires latents r and, where r is even, r + 20; latent 45 fires in all.
    const rows = Array.from({ length: 20 }, (_, r) => (r % 2 ? [r, 45, 45] : [r, r + 20, 45]));
    const table = tableOf(50, rows);
    const found = alive(table, resampleRows(20, { count: 4000 }));
    if (found.value === null) throw new Error(found.reason);
    expect(found.value).toBe(31 / 50);
    const variance = found.samples.reduce((total, sample) => total + (sample - 31 / 50) ** 2, 0) / 4000;
    // Twenty rows of one or two latents, half each: variance 20 · 0.25.
    expect(Math.sqrt(variance) * 50).toBeCloseTo(Math.sqrt(5), 1);
  });

  it('count a negative latent as active but not as alive', () => {
    const sums = firingSums(2);
    sums.add({ tokens: 1 }, { k: 2, indices: Int32Array.of(0, 1), values: Float32Array.of(-1, 1) });
    const table = sums.table();
    expect(table.active[0]).toBe(2);
    expect(Array.from(table.firings)).toEqual([0, 1]);
  });

  it('give all latents dead where none fires', () => {
    const table = tableOf(4, [
      [-1, -1],
      [-1, -1],
    ]);
    const resamples = resampleRows(2);
    expect(alive(table, resamples).value).toBe(0);
    expect(l0(table, resamples).value).toBe(0);
    expect(densityHistogram(table)).toMatchObject({ never: 4, window_tokens: 4 });
  });

  it('draw the alive curve on a 1-2-5 grid and end it at the last token', () => {
    const rows = [Array.from({ length: 30 }, (_, t) => t), Array.from({ length: 23 }, () => 0)];
    const curve = aliveCurve(tableOf(60, rows));
    expect(curve.map((point) => point.tokens)).toEqual([1, 2, 5, 10, 20, 50, 53]);
    expect(curve.map((point) => Math.round(point.alive * 60))).toEqual([1, 2, 5, 10, 20, 30, 30]);
    expect(aliveCurve(tableOf(4, [new Array<number>(10).fill(1)])).map((point) => point.tokens)).toEqual([
      1, 2, 5, 10,
    ]);
  });

  it('bin densities by their log10 on quarters', () => {
    // 1,000 tokens: latent 0 always, latent 1 a tenth of them, latent 2 once, latent 3 never.
    const sums = firingSums(4);
    const indices = Int32Array.from({ length: 3000 }, (_, at) => at % 3);
    const values = Float32Array.from(indices, (latent, at) => {
      const token = Math.floor(at / 3);
      return latent === 0 || (latent === 1 && token % 10 === 0) || token === 0 ? 1 : 0;
    });
    sums.add({ tokens: 1000 }, { k: 3, indices, values });
    const histogram = densityHistogram(sums.table())!;
    expect(histogram.edges).toEqual(Array.from({ length: 13 }, (_, i) => -3 + i / 4));
    expect(histogram.counts).toEqual([1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1]);
    expect(histogram.never).toBe(1);
  });

  it('loses no latent between the bins', () => {
    for (const tokens of [1, 2, 3, 7, 99, 1001]) {
      const rows = [Array.from({ length: tokens }, (_, t) => t % 5)];
      const { counts, never, edges } = densityHistogram(tableOf(9, rows))!;
      expect(counts.reduce((a, b) => a + b, 0) + never).toBe(9);
      expect(edges).toHaveLength(counts.length + 1);
      expect(edges[0]!).toBeLessThanOrEqual(Math.log10(1 / tokens));
    }
  });
});
