import { describe, expect, it } from 'vitest';
import { MalformedError } from '../../../runner/errors.ts';
import { resampleRows } from '../../../runner/metrics/bootstrap.ts';
import { hookStatistics } from '../../../runner/metrics/hook-statistics.ts';
import { reconstructionSuite } from '../../../runner/suites/reconstruction.ts';
import {
  LATENTS,
  meanToken,
  reconstructedBy,
  suiteOf,
  type TestRow,
  tablesOf,
  testRows,
  WIDTH,
} from './rows.ts';

const lengths = [9, 14, 6, 11, 20, 3];

/** Scaling and shifting rows so that their tokens' mean is a float32 exactly: the mean can then be reconstructed. */
function rowsWithExactMean(): TestRow[] {
  return testRows(lengths).map(({ row, sae }) => {
    const mirrored = new Float32Array(2 * row.x.length);
    mirrored.set(row.x);
    mirrored.set(
      row.x.map((value, at) => 20 * (at % WIDTH) - value),
      row.x.length,
    );
    return {
      row: { x: mirrored, tokens: 2 * row.tokens },
      sae: {
        ...sae,
        reconstruction: mirrored,
        latents: { k: 0, indices: new Int32Array(0), values: new Float32Array(0) },
      },
    };
  });
}

const ratios = [
  'var_exp@pooled-v1',
  'var_exp@chunk-v1',
  'var_exp@saebench-legacy',
  'cosine@v1',
  'l2_ratio@v1',
  'bias@gated-v1',
] as const;

describe('reconstruction metrics', () => {
  it('score the identity 1', () => {
    const found = suiteOf(reconstructedBy(testRows(lengths), ({ x }) => x)).metrics;
    for (const id of ratios) {
      expect(found[id].value, id).toBeCloseTo(1, 12);
      expect(found[id], id).toMatchObject({
        interval: { low: expect.closeTo(1, 12), high: expect.closeTo(1, 12) },
      });
    }
    expect(found['mse@per-dim-v1'].value).toBe(0);
  });

  it('score reconstruction by the mean 0', () => {
    const rows = rowsWithExactMean();
    const mean = meanToken(rows.map(({ row }) => row));
    expect(Array.from(mean)).toEqual([0, 10, 20, 30, 40]);
    const found = suiteOf(reconstructedBy(rows, ({ x }) => x.map((_, at) => mean[at % WIDTH]!))).metrics;
    expect(found['var_exp@pooled-v1'].value).toBeCloseTo(0, 12);
    // The mirrored rows have this mean each, so the other centrings give 0 too.
    expect(found['var_exp@chunk-v1'].value).toBeCloseTo(0, 12);
    expect(found['var_exp@saebench-legacy'].value).toBeCloseTo(0, 12);
  });

  it('score zero by the definition', () => {
    const rows = reconstructedBy(testRows(lengths), ({ x }) => new Float32Array(x.length));
    const found = suiteOf(rows).metrics;
    const mean = meanToken(rows.map(({ row }) => row));
    let squares = 0;
    let centred = 0;
    let count = 0;
    for (const { row } of rows) {
      for (let at = 0; at < row.x.length; at++) {
        squares += row.x[at]! ** 2;
        centred += (row.x[at]! - mean[at % WIDTH]!) ** 2;
        count++;
      }
    }
    expect(found['var_exp@pooled-v1'].value).toBeCloseTo(1 - squares / centred, 10);
    expect(found['mse@per-dim-v1'].value).toBeCloseTo(squares / count, 10);
    expect(found['cosine@v1'].value).toBe(0);
    expect(found['l2_ratio@v1'].value).toBe(0);
    expect(found['bias@gated-v1']).toMatchObject({
      value: null,
      reason: expect.stringContaining('orthogonal'),
    });
  });

  it('give the same pooled values however the tokens were split into rows', () => {
    const whole = testRows([60]);
    const { row, sae } = whole[0]!;
    const cut = (...sizes: number[]): TestRow[] => {
      let from = 0;
      return sizes.map((tokens) => {
        const part = (values: Float32Array): Float32Array =>
          values.slice(from * WIDTH, (from + tokens) * WIDTH);
        const { k, indices, values } = sae.latents!;
        const made: TestRow = {
          // All of one document, which is what bursts of firing are counted in.
          row: { x: part(row.x), tokens, document: 0 },
          sae: {
            reconstruction: part(sae.reconstruction),
            latents: {
              k,
              indices: indices.slice(from * k, (from + tokens) * k),
              values: values.slice(from * k, (from + tokens) * k),
            },
          },
        };
        from += tokens;
        return made;
      });
    };
    const expected = suiteOf(whole);
    for (const rows of [
      cut(1, 59),
      cut(20, 20, 20),
      cut(7, 0, 13, 40),
      cut(...new Array<number>(60).fill(1)),
    ]) {
      const found = suiteOf(rows);
      for (const id of [
        'var_exp@pooled-v1',
        'mse@per-dim-v1',
        'cosine@v1',
        'l2_ratio@v1',
        'bias@gated-v1',
        'l0@v1',
        'alive@v1',
      ] as const) {
        expect(found.metrics[id].value, id).toBeCloseTo(expected.metrics[id].value!, 12);
      }
      expect(found.curves).toEqual(expected.curves);
    }
  });

  it('centre chunks on the forward pass, whatever rows it was made of', () => {
    const rows = testRows([10, 10, 10, 10]);
    const passes = rows.map(({ row, sae }, i) => ({ row: { ...row, pass: [7, 3, 7, 3][i]! }, sae }));
    const joined = [
      [0, 2],
      [1, 3],
    ].map((pair): TestRow => {
      const of = (pick: (row: TestRow) => Float32Array): Float32Array =>
        Float32Array.from(pair.flatMap((i) => Array.from(pick(rows[i]!))));
      return {
        row: { x: of(({ row }) => row.x), tokens: 20 },
        sae: {
          reconstruction: of(({ sae }) => sae.reconstruction),
          latents: { k: 0, indices: new Int32Array(0), values: new Float32Array(0) },
        },
      };
    });
    const apart = suiteOf(passes).metrics['var_exp@chunk-v1'].value!;
    expect(apart).toBeCloseTo(suiteOf(joined).metrics['var_exp@chunk-v1'].value!, 12);
    expect(apart).not.toBeCloseTo(suiteOf(rows).metrics['var_exp@chunk-v1'].value!, 4);
  });

  it('do not depend on the scale of x where they claim to be ratios', () => {
    const rows = testRows(lengths);
    const scaled = rows.map(({ row, sae }) => ({
      row: { ...row, x: row.x.map((value) => value * 1000) },
      sae: { ...sae, reconstruction: sae.reconstruction.map((value) => value * 1000) },
    }));
    const before = suiteOf(rows);
    const after = suiteOf(scaled);
    for (const id of ratios) {
      expect(after.metrics[id].value, id).toBeCloseTo(before.metrics[id].value!, 11);
      const [a, b] = [before.statistics[id], after.statistics[id]];
      if (a.value === null || b.value === null) throw new Error('unmeasured');
      const moved = Math.max(...a.samples.map((value, i) => Math.abs(value - b.samples[i]!)));
      expect(moved, id).toBeLessThan(1e-11);
    }
    expect(after.metrics['mse@per-dim-v1'].value! / before.metrics['mse@per-dim-v1'].value!).toBeCloseTo(
      1e6,
      4,
    );
  });

  it('are null with a reason where the mask keeps nothing', () => {
    const rows = testRows([4, 5]).map(({ row, sae }) => ({
      row: { ...row, kept: new Uint8Array(row.tokens) },
      sae,
    }));
    const { metrics, curves } = suiteOf(rows);
    for (const [id, measure] of Object.entries(metrics)) {
      expect(measure, id).toEqual({ value: null, reason: 'no tokens were kept by the mask' });
    }
    expect(curves).toEqual({ alive: [], density: null });
  });

  it('count only the tokens the mask keeps', () => {
    const rows = testRows([8, 9, 10]);
    const marked = rows.map(({ row, sae }) => {
      // Three worthless tokens in front of each row.
      const x = new Float32Array(row.x.length + 3 * WIDTH).fill(1e6);
      const reconstruction = new Float32Array(x.length).fill(-1e6);
      x.set(row.x, 3 * WIDTH);
      reconstruction.set(sae.reconstruction, 3 * WIDTH);
      const { k, indices, values } = sae.latents!;
      const kept = new Uint8Array(row.tokens + 3).fill(1).fill(0, 0, 3);
      return {
        row: { x, tokens: row.tokens + 3, kept },
        sae: {
          reconstruction,
          latents: {
            k,
            indices: Int32Array.of(...new Array<number>(3 * k).fill(LATENTS - 1), ...indices),
            values: Float32Array.of(...new Array<number>(3 * k).fill(9), ...values),
          },
        },
      };
    });
    expect(suiteOf(marked)).toEqual(suiteOf(rows));
  });

  it('are null with a reason where x gives them no meaning', () => {
    const rows = testRows([6, 6]);
    const flat = rows.map(({ row, sae }) => ({ row: { ...row, x: row.x.map(() => 3) }, sae }));
    const found = suiteOf(flat).metrics;
    expect(found['var_exp@pooled-v1']).toMatchObject({
      value: null,
      reason: expect.stringContaining('do not vary'),
    });
    expect(found['var_exp@saebench-legacy']).toMatchObject({
      value: null,
      reason: expect.stringContaining('12 tokens'),
    });
    expect(found['cosine@v1'].value).not.toBeNull();

    rows[1]!.row.x.fill(0, 0, WIDTH);
    const origin = suiteOf(rows).metrics;
    expect(origin['l2_ratio@v1']).toMatchObject({
      value: null,
      reason: expect.stringContaining('zero on 1 tokens'),
    });
    expect(origin['var_exp@pooled-v1'].value).not.toBeNull();
  });

  it('give no interval to a single row, and say so', () => {
    const found = suiteOf(testRows([30])).metrics['var_exp@pooled-v1'];
    expect(found).toMatchObject({
      interval: null,
      interval_note: expect.stringContaining('fewer than two documents'),
    });
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('refuse %f and keep what they had', (bad) => {
    const rows = testRows([5, 6]);
    const statistics = hookStatistics(WIDTH, [LATENTS]);
    for (const { row, sae } of rows) statistics.add(row, [sae]);
    const before = reconstructionSuite(statistics.tables(), resampleRows(2))[0]!;
    const { row, sae } = testRows([5])[0]!;
    const x = row.x.slice();
    x[7] = bad;
    expect(() => statistics.add({ ...row, x }, [sae])).toThrow(MalformedError);
    expect(reconstructionSuite(statistics.tables(), resampleRows(2))[0]).toEqual(before);
    const reconstruction = sae.reconstruction.slice();
    reconstruction[3] = bad;
    expect(() => hookStatistics(WIDTH, [LATENTS]).add(row, [{ ...sae, reconstruction }])).toThrow(
      /reconstruction of evaluation row 0/,
    );
    const values = sae.latents!.values.slice();
    values[0] = bad;
    expect(() =>
      hookStatistics(WIDTH, [LATENTS]).add(row, [{ ...sae, latents: { ...sae.latents!, values } }]),
    ).toThrow(/latents of evaluation row 0/);
  });

  it('refuse a latent outside the dictionary and rows of a wrong size', () => {
    const { row, sae } = testRows([4])[0]!;
    const indices = sae.latents!.indices.slice();
    indices[1] = LATENTS;
    const values = sae.latents!.values.slice().fill(1);
    const outside = { ...sae, latents: { k: 2, indices, values } };
    expect(() => hookStatistics(WIDTH, [LATENTS]).add(row, [outside])).toThrow(/at latent 12; expected/);
    expect(() => hookStatistics(WIDTH, [LATENTS]).add({ ...row, tokens: 3 }, [sae])).toThrow(RangeError);
    expect(() => hookStatistics(WIDTH, [LATENTS, LATENTS]).add(row, [sae])).toThrow(RangeError);
  });

  it('share the activations’ statistics between SAEs', () => {
    const rows = testRows(lengths);
    const both = hookStatistics(WIDTH, [LATENTS, null]);
    for (const { row, sae } of rows) both.add(row, [sae, { reconstruction: row.x }]);
    const resamples = resampleRows(rows.length, { count: 200 });
    const [first, identity] = reconstructionSuite(both.tables(), resamples);
    expect(first).toEqual(reconstructionSuite(tablesOf(rows), resamples)[0]);
    expect(identity!.metrics['var_exp@pooled-v1'].value).toBe(1);
    expect(identity!.metrics['l0@v1']).toEqual({ value: null, reason: 'this control has no latents' });
  });
});
