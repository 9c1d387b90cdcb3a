import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { howToEnable, runWithDevice, webgpuEnvironment } from './software-vulkan.ts';

const env = await webgpuEnvironment();
const there = env !== null && `${process.platform}-${process.arch}` === 'linux-x64';
if (env === null) console.info(howToEnable);

test.skipIf(!there)(
  'in an evaluation activations and latents stay on the device: of each SAE its reconstruction alone goes there, for its losses',
  async () => {
    const [script, model] = ['./residency-device.ts', '../fixtures/lm/llama'].map((path) =>
      fileURLToPath(new URL(path, import.meta.url)),
    );
    const { stdout } = await runWithDevice(script!, [model!], env!);
    const { given, taken, dModel, k, difference, losses } = JSON.parse(stdout.trim().split('\n').at(-1)!);
    expect(losses).toBe(80);
    expect(difference).toBeLessThan(1e-5);
    // Bytes of a token. To the device: its id; of each of two SAEs the reconstruction, and the target of its losses.
    expect(given).toBe(4 + 2 * (4 * dModel + 4));
    // To the host: activations at the hook; of each SAE values and indices of k latents, the reconstruction and a loss.
    expect(taken).toBe(4 * dModel + 2 * (8 * k + 4 * dModel + 4));
  },
  600_000,
);
