import { expect, test } from 'vitest';
import { recipe } from '../../../runner/train/recipe.ts';
import { learningRate } from '../../../runner/train/schedule.ts';

const reference = recipe.parse({});

test('the reference schedule at its key steps', () => {
  const at = (step: number): number => learningRate(reference, step);
  expect(at(0)).toBe(0);
  expect(at(1)).toBeCloseTo(2e-4 / 5_000, 15);
  expect(at(2_500)).toBeCloseTo(1e-4, 15);
  expect(at(4_999)).toBeCloseTo(2e-4 * (4_999 / 5_000), 15);
  expect(at(5_000)).toBe(2e-4);
  // Half-way down the cosine: the mean of peak and floor.
  expect(at(5_000 + 43_828 / 2)).toBeCloseTo(1.3e-4, 15);
  // A quarter of the way: floor + (peak − floor)(1 + cos 45°)/2.
  expect(at(5_000 + 43_828 / 4)).toBeCloseTo(6e-5 + (1.4e-4 * (1 + Math.SQRT1_2)) / 2, 15);
  expect(at(48_827)).toBeGreaterThan(6e-5);
  expect(at(48_828)).toBe(6e-5);
  // 2,048 tokens a step: the floor is reached half-way through 200 M tokens, and kept.
  expect(48_828 * reference.batchTokens).toBeCloseTo(100e6, -4);
  expect(at(97_656)).toBe(6e-5);
});

test('rises, then falls, without a jump', () => {
  const rates = Array.from({ length: 120 }, (_, step) =>
    learningRate({ learningRate: 1, learningRateFloor: 0.1, warmupSteps: 20, scheduleSteps: 100 }, step),
  );
  rates.slice(1).forEach((rate, i) => {
    const rise = rate - rates[i]!;
    if (i < 20) expect(rise).toBeCloseTo(1 / 20, 12);
    else if (i < 99) expect(rise).toBeLessThan(0);
    else expect(rise).toBeCloseTo(0, 3);
    expect(Math.abs(rise)).toBeLessThan(0.051);
  });
});

test('schedules without a warm-up or without a cosine', () => {
  const base = { learningRate: 1, learningRateFloor: 0.1 };
  expect(learningRate({ ...base, warmupSteps: 0, scheduleSteps: 10 }, 0)).toBe(1);
  expect(learningRate({ ...base, warmupSteps: 10, scheduleSteps: 10 }, 9)).toBe(0.9);
  expect(learningRate({ ...base, warmupSteps: 10, scheduleSteps: 10 }, 10)).toBe(0.1);
});

test('a line down from the step where the decay begins, and no decay at all', () => {
  const base = { learningRate: 1, learningRateFloor: 0.2, warmupSteps: 2, scheduleSteps: 14 };
  const line = { ...base, decay: 'linear', decayStartStep: 6 } as const;
  expect([1, 2, 6, 8, 10, 14, 99].map((step) => learningRate(line, step))).toEqual(
    [0.5, 1, 1, 0.8, 0.6, 0.2, 0.2].map((rate) => expect.closeTo(rate, 12)),
  );
  expect(learningRate({ ...base, decay: 'none' }, 99)).toBe(1);
});

test('the width rule: 2e-4 / sqrt(n / 2^14), the floor with it', () => {
  const wide = { ...reference, learningRateRule: 'width', dSae: 65_536 } as const;
  expect(learningRate(wide, 5_000)).toBeCloseTo(1e-4, 15);
  expect(learningRate(wide, 48_828)).toBeCloseTo(3e-5, 15);
  expect(learningRate({ ...wide, dSae: 2 ** 14 }, 5_000)).toBe(2e-4);
});
