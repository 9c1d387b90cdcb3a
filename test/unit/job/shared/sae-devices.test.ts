import { expect, it } from 'vitest';
import { sharedText, shareSaes } from '../../../../runner/job/shared/sae-devices.ts';
import type { Device } from '../../../../runner/onnx/devices.ts';

const two: [Device, Device] = ['cuda:0', 'cuda:1'];

it('SAEs are shared out among the devices of the first one’s kind, so that about the same lies on each', () => {
  expect(shareSaes([8, 8, 8, 8], two)).toEqual(['cuda:0', 'cuda:1', 'cuda:0', 'cuda:1']);
  expect(shareSaes([1, 2, 3, 6], two)).toEqual(['cuda:1', 'cuda:1', 'cuda:1', 'cuda:0']);
  expect(shareSaes([5], two)).toEqual(['cuda:0']);
  expect(shareSaes([], two)).toEqual([]);
  expect(shareSaes([5, 5], ['cuda:1', 'webgpu', 'cpu'])).toEqual(['cuda:1', 'cuda:1']);
  expect(shareSaes([5, 5], ['cpu', 'webgpu'])).toEqual(['cpu', 'cpu']);
  expect(shareSaes([5, 5, 5], ['cuda:1+tf32', 'cuda:0+tf32'])).toEqual([
    'cuda:1+tf32',
    'cuda:0+tf32',
    'cuda:1+tf32',
  ]);
});

it('a line says what lies where, if there is more than one place', () => {
  const saes = ['L0', 'L4', 'L8'].map((id) => ({ id, bytes: 2 ** 30 }));
  expect(sharedText(saes, ['cuda:0', 'cuda:1', 'cuda:0'])).toBe(
    'SAEs L0, L8 on cuda:0 (2.00 GiB); L4 on cuda:1 (1.00 GiB)',
  );
  expect(sharedText(saes, ['cuda:1', 'cuda:1', 'cuda:1'])).toBeNull();
});
