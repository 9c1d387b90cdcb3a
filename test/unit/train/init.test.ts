import { expect, test } from 'vitest';
import { hookOf, type Site } from '../../../runner/hook.ts';
import { geometricMedian } from '../../../runner/train/geometric-median.ts';
import { initialParameters } from '../../../runner/train/init.ts';
import { gaussians, smallRecipe } from './support.ts';

const hook = hookOf(0);

test('rows of W_dec are unit, directions even, W_enc its transpose, b_enc 0', () => {
  const [d, n] = [40, 300];
  const recipe = smallRecipe({ dSae: n });
  const { W_dec, W_enc, b_enc } = initialParameters(recipe, d, hook, gaussians(64 * d, 'x'));
  const mean = new Float64Array(d);
  for (let j = 0; j < n; j++) {
    const row = W_dec.subarray(j * d, (j + 1) * d);
    expect(row.reduce((sum, value) => sum + value * value, 0)).toBeCloseTo(1, 6);
    for (let i = 0; i < d; i++) {
      expect(W_enc[i * n + j]).toBe(row[i]);
      mean[i]! += row[i]! / n;
    }
  }
  // Each coordinate has variance 1/d: its mean over 300 rows stays within 5 standard errors, its square too.
  for (const value of mean) expect(Math.abs(value)).toBeLessThan(5 / Math.sqrt(d * n));
  const fourth = W_dec.reduce((sum, value) => sum + value ** 4, 0) / W_dec.length;
  // A unit vector's coordinate: E v⁴ = 3 / (d (d + 2)).
  expect(fourth * d * (d + 2)).toBeGreaterThan(2.7);
  expect(fourth * d * (d + 2)).toBeLessThan(3.3);
  expect(b_enc).toEqual(new Float32Array(n));
});

test('seed, layer and site name the stream', () => {
  const samples = gaussians(64 * 8, 'x');
  const draw = (seed: number, layer: number, site: Site) =>
    initialParameters(smallRecipe({ seed }), 8, { layer, site }, samples).W_dec;
  const first = draw(1, 0, 'resid_post');
  expect(draw(1, 0, 'resid_post')).toEqual(first);
  for (const other of [draw(2, 0, 'resid_post'), draw(1, 1, 'resid_post'), draw(1, 0, 'mlp_out')])
    expect(other).not.toEqual(first);
});

test('k does not change the initial weights, and a wider SAE begins with the rows of a narrower one', () => {
  const samples = gaussians(64 * 8, 'x');
  const draw = (over: object) => initialParameters(smallRecipe(over), 8, hook, samples);
  expect(draw({ k: 3 })).toEqual(draw({ k: 5 }));
  const [narrow, wide] = [draw({ dSae: 48 }), draw({ dSae: 80 })];
  expect(wide.W_dec.subarray(0, 48 * 8)).toEqual(narrow.W_dec);
  expect(wide.b_dec).toEqual(narrow.b_dec);
});

test('decoderInitNorm is the norm of every row of W_dec, and W_enc its transpose', () => {
  const recipe = smallRecipe({ decoderInitNorm: 0.1, unitNormDecoder: false });
  const { W_dec, W_enc } = initialParameters(recipe, 8, hook, gaussians(64 * 8, 'x'));
  for (let j = 0; j < recipe.dSae; j++) {
    const row = W_dec.subarray(j * 8, (j + 1) * 8);
    expect(Math.hypot(...row)).toBeCloseTo(0.1, 6);
    expect(Array.from(row, (_, i) => W_enc[i * recipe.dSae + j])).toEqual([...row]);
  }
});

test('b_dec is the geometric median of the first biasInitSamples activations, or zeros', () => {
  const d = 6;
  const samples = gaussians(100 * d, 'x');
  const { b_dec } = initialParameters(smallRecipe({ weiszfeldIterations: 40 }), d, hook, samples);
  const expected = Float32Array.from(geometricMedian(samples.subarray(0, 64 * d), d, 40));
  expect(b_dec).toEqual(expected);
  const zeros = initialParameters(smallRecipe({ biasInit: 'zeros' }), d, hook, samples);
  expect(zeros.b_dec).toEqual(new Float32Array(d));
  expect(() => initialParameters(smallRecipe(), d, hook, samples.subarray(0, 63 * d))).toThrow(
    '63 activations for b_dec, expected biasInitSamples = 64',
  );
});

test('the geometric median: known answers', () => {
  // Of a triangle with angles below 120°, the Fermat point; of an isosceles right one, on the axis.
  const right = geometricMedian(Float32Array.of(0, 0, 1, 0, 0, 1), 2, 500);
  const expected = (3 - Math.sqrt(3)) / 6;
  expect(right[0]).toBeCloseTo(expected, 8);
  expect(right[1]).toBeCloseTo(expected, 8);
  // With one point holding the majority, that point.
  expect(geometricMedian(Float32Array.of(5, 5, 5, 0, 1), 1, 200)[0]).toBeCloseTo(5, 6);
  // No iteration: the mean.
  expect(geometricMedian(Float32Array.of(0, 0, 3), 1, 0)[0]).toBe(1);
  expect(() => geometricMedian(new Float32Array(0), 4, 1)).toThrow(RangeError);
  expect(() => geometricMedian(new Float32Array(5), 4, 1)).toThrow(RangeError);
});

test('a few huge tokens pull the mean away, not the median', () => {
  const d = 16;
  const points = gaussians(1_000 * d, 'sinks');
  for (let t = 0; t < 10; t++) points.fill(5_000, t * d, (t + 1) * d);
  const norm = (iterations: number): number => Math.hypot(...geometricMedian(points, d, iterations));
  expect(norm(0)).toBeGreaterThan(150);
  expect(norm(40)).toBeLessThan(0.3);
});
