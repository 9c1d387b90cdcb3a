import { expect, it } from 'vitest';
import { deviceText } from '../../../runner/job/evaluation/record.ts';
import { providerOptions } from '../../../runner/onnx/provider-options.ts';

it('sessions on CUDA compute products in float32, and hold as much of a card as they ask for', () => {
  expect(providerOptions('cuda:3')).toEqual({
    device_id: '3',
    use_tf32: '0',
    arena_extend_strategy: 'kSameAsRequested',
  });
  expect(providerOptions('webgpu')).toEqual({});
  expect(providerOptions('cpu')).toEqual({});
});

it('a record says what the providers of its devices were told', () => {
  expect(deviceText('cuda:0,webgpu')).toBe(
    'cuda:0 (use_tf32=0, arena_extend_strategy=kSameAsRequested), webgpu',
  );
  expect(deviceText('cpu')).toMatch(/^cpu \(.+, \d+ cores\)$/);
});
