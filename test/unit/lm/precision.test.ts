import { describe, expect, it } from 'vitest';
import { UserError } from '../../../runner/errors.ts';
import { toFloat16, toFloat32 } from '../../../runner/formats/number-types.ts';
import { choosePrecision } from '../../../runner/lm/precision.ts';
import { kernelsOf } from '../../../runner/onnx/device-facts.ts';
import { elementTypes, Graph } from '../../../runner/onnx/graph.ts';
import { float32, floatsOf, openSession } from '../../../runner/onnx/session.ts';

function storedAs(dtype: 'BF16' | 'F32' | 'F16') {
  const place = { file: 'model.safetensors', shape: [2], start: 0 };
  return {
    tensors: new Map([
      ['large', { ...place, dtype, end: 100 }],
      ['small', { ...place, dtype: 'F32' as const, end: 8 }],
    ]),
  };
}

describe('the precision of a language model', () => {
  it('auto is bfloat16 where weights are stored so and every device computes in it', () => {
    expect(choosePrecision('auto', ['cuda:0', 'cuda:1'], storedAs('BF16'))).toBe('bfloat16');
    expect(choosePrecision('auto', ['cuda:0', 'cpu'], storedAs('BF16'))).toBe('float32');
    expect(choosePrecision('auto', ['webgpu'], storedAs('BF16'))).toBe('float32');
    expect(choosePrecision('auto', ['cuda:0'], storedAs('F32'))).toBe('float32');
    expect(choosePrecision('auto', ['cuda:0'], storedAs('F16'))).toBe('float32');
    expect(choosePrecision('bfloat16', ['cpu'], storedAs('F32'))).toBe('bfloat16');
    expect(choosePrecision('float32', ['cuda:0'], storedAs('BF16'))).toBe('float32');
  });

  it('is refused on a device that has it neither itself nor emulated', async () => {
    expect(await kernelsOf('cpu', 'bfloat16')).toEqual({ full: true, windowed: true, softCapped: true });
    // Not of a device that is not there: what is missing is said first.
    await expect(kernelsOf('webgpu', 'bfloat16')).rejects.toThrow(/device webgpu/);
    expect(UserError).toBeDefined();
  });
});

describe('numbers of 16 bits', () => {
  it('every float16 is read and written as it was, and what lies between rounds half to even', () => {
    const all = Uint16Array.from({ length: 0x10000 }, (_, i) => i).filter(
      (half) => (half & 0x7c00) !== 0x7c00,
    );
    const values = toFloat32('F16', new Uint8Array(all.buffer.slice(0)));
    expect(toFloat16(values)).toEqual(all);
    expect([...toFloat16(Float32Array.of(1 + 2 ** -11, 1 + 3 * 2 ** -11, 2 ** -25, 3 * 2 ** -25))]).toEqual([
      ...[0x3c00, 0x3c02, 0, 2],
    ]);
    expect([...toFloat16(Float32Array.of(65_519, 65_520, -1e9, Number.NaN))]).toEqual([
      ...[0x7bff, 0x7c00, 0xfc00, 0x7e00],
    ]);
  });

  it('an emulated operator gives its result in float32, rounded once', async () => {
    const graph = new Graph('', { precision: 'bfloat16', emulated: true });
    const x = graph.cast(graph.input('x', 'float32', [3]), 'bfloat16');
    const sum = graph.node('Add', [graph.node('Mul', [x, graph.scalar(3)]), graph.scalar(1 / 3)]);
    graph.output(
      graph.node('Cast', [sum], { attributes: { to: elementTypes.float32 } }),
      'y',
      'float32',
      [3],
    );
    const session = await openSession(graph.program());
    const found = floatsOf(await session.run({ x: float32(Float32Array.of(1, 0.1, -7.7), [3]) }), 'y');
    // 1/3 is 0.333984375; 0.1 is 0.10009765625, of which 3 are 0.30078125; -7.7 is -7.6875, of which 3 are -23.
    expect([...found]).toEqual([3.328125, 0.6328125, -22.625]);
    await session.close();
  });

  it('a part in float32 takes constants of it, and what follows those of before', () => {
    const graph = new Graph('', { precision: 'bfloat16' });
    const x = graph.input('x', 'bfloat16', [1]);
    const seen: string[] = [];
    graph.inFloat32([x], (wide) => {
      seen.push(graph.precision);
      return graph.node('Softplus', [wide!]);
    });
    seen.push(graph.precision);
    expect(() =>
      graph.withPrecision('float32', () => {
        throw new RangeError('no');
      }),
    ).toThrow('no');
    seen.push(graph.precision);
    expect(seen).toEqual(['float32', 'bfloat16', 'bfloat16']);
  });
});
