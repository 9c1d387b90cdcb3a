import { expect, it } from 'vitest';
import { UnavailableError } from '../../../runner/errors.ts';
import { loadRuntime } from '../../../runner/onnx/binding/package.ts';
import { deviceAdvice } from '../../../runner/onnx/devices.ts';
import { unloadable } from '../../../runner/onnx/unloadable.ts';

const fault = (code: string): Error =>
  Object.assign(new Error('The specified module could not be found.'), { code });

it('a library that the system cannot load is unavailable, and another error stays what it is', async () => {
  await expect(loadRuntime(() => Promise.reject(fault('ERR_DLOPEN_FAILED')))).rejects.toThrow(
    UnavailableError,
  );
  const other = fault('ERR_MODULE_NOT_FOUND');
  await expect(loadRuntime(() => Promise.reject(other))).rejects.toBe(other);
});

it('says what the system lacks', () => {
  const said = (platform: NodeJS.Platform) => unloadable(fault('ERR_DLOPEN_FAILED'), platform).message;
  expect(said('win32')).toMatch(
    /could not be found.*VCRUNTIME140.*Install the Microsoft Visual C\+\+ Redistributable/,
  );
  expect(said('darwin')).toContain('macOS 14');
  expect(said('linux')).toContain('glibc');
});

it('advises no device that a system’s package lacks', () => {
  for (const device of ['webgpu', 'coreml', 'dml', 'cuda:0'] as const)
    expect(deviceAdvice(device, 'linux-arm64')).not.toMatch(/--device.*webgpu|driver|npx interpboard cuda/);
  expect(deviceAdvice('webgpu', 'linux-x64')).toContain('Vulkan driver');
  expect(deviceAdvice('cuda:0', 'linux-x64', () => false)).toContain('npx interpboard cuda');
  // What is there need not be fetched again.
  expect(deviceAdvice('cuda:0', 'linux-x64', () => true)).toMatch(/^Check that nvidia-smi.*580 or newer/);
  expect(deviceAdvice('cuda:0', 'win32-x64')).toContain('webgpu');
});
