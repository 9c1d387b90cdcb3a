import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { whole } from '../sample.ts';
import { howToEnable, runWithDevice, testedDevice, webgpuEnvironment } from './software-vulkan.ts';

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

describe.each([
  { title: 'as they come', set: [], buffered: 0, slow: false },
  // Its number among those of the pass, and where in the buffer it goes.
  {
    title: `through a buffer${whole ? '' : ' (npm run test:gpu)'}`,
    set: ['training.shuffle.megabytes=1'],
    buffered: 4 + 8,
    slow: true,
  },
])('in training, $title,', ({ set, buffered, slow }) => {
  test.skipIf(!there || (slow && !whole))(
    'activations stay on the device: of a token its id goes there and, for each SAE, its number; the SAEs are those that come of the host’s way',
    async () => {
      const root = await mkdtemp(join(tmpdir(), 'interpboard-residency-'));
      try {
        const script = fileURLToPath(new URL('./training-residency-device.ts', import.meta.url));
        const { stdout } = await runWithDevice(script, [root, ...set], env!);
        const { here, byHost } = JSON.parse(stdout.trim().split('\n').at(-1)!);
        const [B, dSae, width] = [64, 64, 128];
        expect(here.notes).toContain(`activations stay on ${testedDevice}`);
        expect(byHost.notes).toContain('activations pass through the host’s memory, as asked');
        // Bytes of a token, of two hooks with an SAE each. With a step: its size and correction, whether AuxK is on and how many it keeps.
        const controls = 2 * (4 + 4 + 1 + 8);
        expect(here.given).toBe(4 + 2 * (buffered + 4) + controls / B);
        expect(byHost.given).toBe(4 + 2 * 4 * width + controls / B);
        // Back: two squares of each token; with a step four numbers and which latents fired, and of a pass whether it is finite.
        const measured = 2 * (2 * 4 * B + 4 * 4 + dSae);
        expect(here.taken).toBe((measured + 2 * 4) / B);
        expect(byHost.taken).toBe(measured / B + 2 * 4 * width);
        expect(here.saes).toEqual(byHost.saes);
      } finally {
        await rm(root, { recursive: true, force: true });
      }
    },
    600_000,
  );
});
