import { expect, it } from 'vitest';
import { arithmeticCaveats, deviceText } from '../../../runner/job/evaluation/record.ts';
import { plainSettings } from '../../../runner/onnx/binding/binding.ts';
import type { Argument } from '../../../runner/onnx/binding/c-api/functions.ts';
import type { Library } from '../../../runner/onnx/binding/c-api/library.ts';
import { sessionOptions } from '../../../runner/onnx/binding/c-api/session-options.ts';
import type { Device } from '../../../runner/onnx/devices.ts';
import { providerOptions } from '../../../runner/onnx/provider-options.ts';

it('sessions on CUDA compute products in float32 unless TF32 is asked for, hold as much of a card as they ask for, and have one stream each', () => {
  const others = {
    device_id: '3',
    arena_extend_strategy: 'kSameAsRequested',
    use_ep_level_unified_stream: '1',
  };
  expect(providerOptions('cuda:3')).toEqual({ ...others, use_tf32: '0' });
  expect(providerOptions('cuda:3+tf32')).toEqual({ ...others, use_tf32: '1' });
  expect(providerOptions('webgpu')).toEqual({});
  expect(providerOptions('cpu')).toEqual({});
});

/** What the runtime is told of CUDA when options of a session are made. */
function toldOfCuda(device: Device): Record<string, string> {
  const told: Record<string, string> = {};
  const api = new Proxy(
    {
      UpdateCUDAProviderOptions(_: Argument, keys: string[], values: string[], count: number) {
        for (let i = 0; i < count; i++) told[keys[i]!] = values[i]!;
        return null;
      },
    },
    { get: (known, name) => (name in known ? known[name as keyof typeof known] : () => null) },
  );
  const library = { api, check: () => undefined, made: () => 1n, loadCuda: () => undefined };
  sessionOptions(library as unknown as Library, { ...plainSettings, device });
  return told;
}

it('the options reach the session', () => {
  expect(toldOfCuda('cuda:2')).toEqual(providerOptions('cuda:2'));
  expect(toldOfCuda('cuda:2+tf32')).toMatchObject({ device_id: '2', use_tf32: '1' });
  expect(toldOfCuda('cpu')).toEqual({});
});

it('a record says what the providers of its devices were told', () => {
  const others = 'arena_extend_strategy=kSameAsRequested, use_ep_level_unified_stream=1';
  expect(deviceText('cuda:0+tf32,webgpu', 'cuda:0+tf32')).toBe(
    `cuda:0+tf32 (use_tf32=1, ${others}), webgpu; the SAE on cuda:0+tf32`,
  );
  expect(deviceText('cuda:0', 'cuda:0')).toBe(`cuda:0 (use_tf32=0, ${others})`);
  const caveats = (device: string) => arithmeticCaveats({ device, precision: 'float32' });
  expect([caveats('cuda:0,cuda:1'), caveats('cpu')]).toEqual([[], []]);
  expect(caveats('cuda:0+tf32,cuda:1+tf32')).toEqual([expect.stringContaining('TF32')]);
  expect(deviceText('cpu', 'cpu')).toMatch(/^cpu \(.+, \d+ cores\)$/);
});
