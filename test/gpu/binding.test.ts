import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { howToEnable, runWithDevice, webgpuEnvironment } from './software-vulkan.ts';

const env = await webgpuEnvironment();
// The C API is tried on Linux x64 alone.
const there = env !== null && `${process.platform}-${process.arch}` === 'linux-x64';
if (env === null) console.info(howToEnable);

test.skipIf(!there)(
  'tensors stay on the device, and an operator that it lacks is refused by name',
  async () => {
    const script = fileURLToPath(new URL('./binding-device.ts', import.meta.url));
    const { stdout } = await runWithDevice(script, [], env!);
    const found = JSON.parse(stdout.trim().split('\n').at(-1)!);
    expect(found.refused).toMatch(/program on device webgpu: found .*has no Det, which would run on the CPU/);
    expect(found.strict).toMatch(/program on device webgpu: found .*CPU/);
    expect(found).toMatchObject({
      place: 'webgpu',
      read: [5, 6, 7, 8],
      across: [7, 8, 9, 10],
      released: 'tensor y: used after its release',
      late: 'tensor y: used after its release',
    });
  },
);
