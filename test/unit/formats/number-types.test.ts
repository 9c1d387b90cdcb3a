import { describe, expect, it } from 'vitest';
import { toFloat32 } from '../../../runner/formats/number-types.ts';

function bytes(array: Uint16Array | Float64Array): Uint8Array {
  return new Uint8Array(array.buffer);
}

describe('toFloat32', () => {
  it('reads half precision: ordinary, subnormal, largest, infinite, NaN', () => {
    // Bit patterns and values from IEEE 754-2019, table of binary16 examples.
    const half = Uint16Array.from([
      0x3c00, 0xc000, 0x7bff, 0x0001, 0x03ff, 0x8000, 0x7c00, 0xfc00, 0x3555, 0x7e00,
    ]);
    const found = toFloat32('F16', bytes(half));
    expect([...found.subarray(0, 9)]).toEqual([
      1,
      -2,
      65504,
      2 ** -24,
      1023 * 2 ** -24,
      -0,
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
      0.333251953125,
    ]);
    expect(found[9]).toBeNaN();
  });

  it('reads bfloat16 as the upper half of float32', () => {
    expect([...toFloat32('BF16', bytes(Uint16Array.from([0x3f80, 0xc049, 0x0000])))]).toEqual([
      1, -3.140625, 0,
    ]);
  });

  it('reads from any address', () => {
    const shifted = new Uint8Array(11);
    shifted.set(new Uint8Array(Float32Array.from([1.5, -8]).buffer), 3);
    expect([...toFloat32('F32', shifted.subarray(3))]).toEqual([1.5, -8]);
    expect([...toFloat32('F64', bytes(Float64Array.from([0.5])))]).toEqual([0.5]);
  });
});
