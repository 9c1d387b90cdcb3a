import { describe, expect, it } from 'vitest';
import { cpythonRandom } from '../../../runner/math/cpython-random.ts';
import golden from '../../fixtures/cpython-random/cpython-random.json' with { type: 'json' };

describe('cpythonRandom', () => {
  it.each(golden.streams)('draws what CPython draws from seed $seed', (stream) => {
    const seed = BigInt(stream.seed);
    const whole = cpythonRandom(seed);
    expect(stream.random.map(() => whole.random())).toEqual(stream.random);
    const bits = cpythonRandom(seed);
    expect([1, 7, 16, 31, 32].map((count) => bits.getrandbits(count))).toEqual(stream.getrandbits);
    const order = Array.from({ length: 20 }, (_, i) => i);
    expect(cpythonRandom(seed).shuffle(order)).toEqual(stream.shuffle20);
    const long = cpythonRandom(seed);
    for (let i = 0; i < 1000; i++) long.random();
    expect([long.random()]).toEqual(stream.random_after_1000);
  });

  it('shuffles a list as random.Random(0).shuffle does', () => {
    const order = Array.from({ length: 1500 }, (_, i) => i);
    expect(cpythonRandom(0).shuffle(order)).toEqual(golden.shuffle1500_seed0);
  });

  it('refuses a seed that is not an integer', () => {
    expect(() => cpythonRandom(0.5)).toThrow(RangeError);
    expect(() => cpythonRandom(2 ** 60)).toThrow(RangeError);
  });
});
