import { expect, it } from 'vitest';
import type { NativeTensor } from '../../../runner/onnx/binding/binding.ts';
import { copyOf, rememberCopy } from '../../../runner/onnx/copies.ts';
import type { Device } from '../../../runner/onnx/devices.ts';
import { HeldTensor } from '../../../runner/onnx/held-tensor.ts';
import { float32, int32 } from '../../../runner/onnx/session.ts';

/** A tensor said to lie on a device, and what happens to it. */
function lying(device: Device, events: string[] = []): HeldTensor {
  const native: NativeTensor = {
    elements: 'float32',
    dims: [2, 3],
    device,
    read: () => float32(new Float32Array(6), [2, 3]),
    part: (from, dims) => ({
      elements: 'float32',
      dims,
      device,
      read: () => float32(new Float32Array(6), [6]),
      release: () => events.push(`part from ${from} released`),
    }),
    release: () => events.push('whole released'),
  };
  return new HeldTensor('x', native, new Set(), async () => native.read());
}

it('an array is known by its memory, a part of it by where it lies, on the same device alone', () => {
  const both = new Float32Array(10);
  const [first, second] = [lying('cuda:0'), lying('cuda:0')];
  rememberCopy(both.subarray(0, 6), first);
  rememberCopy(both.subarray(6), second);
  expect(copyOf(float32(both.subarray(0, 6), [6]), 'cuda:0')).toEqual({ tensor: first, from: 0 });
  expect(copyOf(float32(both.subarray(2, 4), [2]), 'cuda:0')).toEqual({ tensor: first, from: 2 });
  expect(copyOf(float32(both.subarray(7, 9), [2]), 'cuda:0')).toEqual({ tensor: second, from: 1 });
  expect(copyOf(float32(both.subarray(5, 7), [2]), 'cuda:0')).toBeUndefined();
  expect(copyOf(float32(both, [10]), 'cuda:0')).toBeUndefined();
  expect(copyOf(float32(both.slice(0, 6), [6]), 'cuda:0')).toBeUndefined();
  expect(copyOf(float32(both.subarray(0, 0), [0]), 'cuda:0')).toBeUndefined();
  expect(copyOf(int32(new Int32Array(both.buffer, 0, 6), [6]), 'cuda:0')).toBeUndefined();
  expect(copyOf(float32(both.subarray(0, 6), [6]), 'cuda:1')).toBeUndefined();
  first.dispose();
  expect(copyOf(float32(both.subarray(0, 6), [6]), 'cuda:0')).toBeUndefined();
  expect(copyOf(float32(both.subarray(6), [4]), 'cuda:0')).toEqual({ tensor: second, from: 0 });
});

it('on the CPU nothing is remembered: arrays are lent there without a copy', () => {
  const x = new Float32Array(6);
  rememberCopy(x, lying('cpu'));
  expect(copyOf(float32(x, [6]), 'cpu')).toBeUndefined();
});

it('what is released while a run reads a part of it stays until that ends', () => {
  const events: string[] = [];
  const tensor = lying('cuda:0', events);
  const lent = tensor.lend(2, [4])!;
  tensor.dispose();
  tensor.dispose();
  expect(events).toEqual([]);
  expect(() => tensor.lend(0, [6])).toThrow('used after its release');
  lent.end();
  expect(events).toEqual(['part from 2 released', 'whole released']);
});
