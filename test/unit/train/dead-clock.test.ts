import { expect, test } from 'vitest';
import { deadClock } from '../../../runner/train/dead-clock.ts';

test('a latent is dead from the threshold on, and alive as soon as it fires', () => {
  const clock = deadClock(3, 100);
  const dead = (): number[] => [...clock.dead()];
  expect(dead()).toEqual([]);
  clock.advance(Uint8Array.of(1, 0, 0), 50);
  expect(dead()).toEqual([]);
  clock.advance(Uint8Array.of(0, 0, 1), 49);
  expect(dead()).toEqual([]);
  clock.advance(Uint8Array.of(0, 0, 0), 1);
  // Latent 1 has been silent for exactly 100 tokens, latent 0 for 50, latent 2 for 1.
  expect([...clock.silent]).toEqual([50, 100, 1]);
  expect(dead()).toEqual([1]);
  clock.advance(Uint8Array.of(0, 0, 0), 50);
  expect(dead()).toEqual([0, 1]);
  clock.advance(Uint8Array.of(0, 1, 0), 50);
  expect([...clock.silent]).toEqual([150, 0, 101]);
  expect(dead()).toEqual([0, 2]);
});

test('a clock goes on from its saved state, and never overflows', () => {
  const clock = deadClock(2, 10, Int32Array.of(2 ** 31 - 5, 9));
  clock.advance(Uint8Array.of(0, 0), 1_000_000);
  expect([...clock.silent]).toEqual([2 ** 31 - 1, 1_000_009]);
  expect([...clock.dead()]).toEqual([0, 1]);
  expect(() => deadClock(3, 10, new Int32Array(2))).toThrow(RangeError);
  expect(() => clock.advance(new Uint8Array(3), 1)).toThrow(RangeError);
});
