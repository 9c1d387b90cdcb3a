import { describe, expect, it } from 'vitest';
import { random } from '../../../runner/math/random.ts';
import { figuresOf, ranks, type Seen } from '../../study/figures.ts';
import { compositeWithoutLoss } from '../../study/measure.ts';

/** Twelve configurations of two widths, five seeds, two lengths; the last one is evaluated twice. */
function population(): Seen[] {
  const stream = random('population');
  return Array.from({ length: 12 }, (_, c) => c).flatMap((c) => {
    const l0 = 4 + 3 * (c % 4);
    return [1, 2, 3, 4, 5].flatMap((seed) =>
      [100, 200].flatMap((length) => {
        // What no setting says of an SAE; of it F1 is made, beside L0 and the length.
        const own = stream.gaussian();
        const f1 = own - 0.5 * l0 + length / 50;
        return (length === 200 ? [0, 1] : [0]).map((evaluationSeed) => ({
          configuration: String(c),
          width: c < 6 ? 32 : 64,
          seed,
          length,
          evaluationSeed,
          values: {
            'f1@synthsaebench': f1,
            'mcc@synthsaebench': f1 ** 3,
            'l0@v1': l0,
            of_l0: -(l0 ** 2) + 1e-3 * stream.gaussian(),
            of_sae: own,
            chance: stream.gaussian(),
            missing: null,
          },
        }));
      }),
    );
  });
}

const seen = population();
const figures = (id: string) => figuresOf(id, seen, [100, 200], 100);

describe('figures of a metric', () => {
  it('ranks with ties', () => {
    expect(ranks([3, 1, 3, 2])).toEqual([3.5, 1, 3.5, 2]);
  });

  it('correlates by ranks, so that any rising function of F1 has 1', () => {
    expect(figures('mcc@synthsaebench').f1!.value).toBeCloseTo(1, 12);
    expect(figures('f1@synthsaebench').f1).toBeNull();
  });

  it('tells what follows from L0 from what follows from the SAE', () => {
    const [ofL0, ofSae] = [figures('of_l0'), figures('of_sae')];
    expect(ofL0.f1!.value).toBeGreaterThan(0.6);
    expect(Math.abs(ofL0.f1_equal_l0!.value)).toBeLessThan(0.25);
    expect(ofSae.f1!.value).toBeLessThan(ofL0.f1!.value);
    expect(ofSae.f1_equal_l0!.value).toBeGreaterThan(0.6);
    expect(figures('l0@v1').f1_equal_l0).toBeNull();
  });

  it('has an interval that holds 0 for what has nothing to do with features', () => {
    const { f1, f1_equal_l0 } = figures('chance');
    for (const each of [f1!, f1_equal_l0!]) {
      expect(each.interval[0]).toBeLessThan(0);
      expect(each.interval[1]).toBeGreaterThan(0);
    }
  });

  it('tells the noise of seeds from that of evaluations, as shares of the spread', () => {
    // An SAE's own part is redrawn with every seed and stays over evaluations.
    expect(figures('of_sae').seed_noise).toBeCloseTo(1, 1);
    expect(figures('of_sae').evaluation_noise).toBe(0);
    expect(figures('of_l0').seed_noise).toBeLessThan(0.01);
    expect(figures('chance').evaluation_noise).toBeGreaterThan(0.7);
  });

  it('has power where more training is more of it, and half where training changes nothing', () => {
    // The lengths are two apart, each with a deviation of 1: P(N(2, 2) > 0).
    expect(figures('f1@synthsaebench').power!.value).toBeCloseTo(0.92, 1);
    expect(figures('of_sae').power!.value).toBeCloseTo(0.5, 1);
    expect(figures('l0@v1').power!.value).toBe(0.5);
  });

  it('are not made of no values', () => {
    expect(() => figures('missing')).toThrow(/missing/);
  });
});

it('the composite without its loss part keeps the proportions of the weights', () => {
  const parts = { alive: 1, l0_score: 0.5, sparse_probing: 0.8, tpp: 0.1 };
  expect(compositeWithoutLoss(parts)).toBeCloseTo((0.15 + 0.075 + 0.2 + 0.015) / 0.7, 12);
  expect(compositeWithoutLoss({ ...parts, tpp: null })).toBeNull();
});
