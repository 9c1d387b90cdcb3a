import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { slowTest, whole } from '../sample.ts';
import {
  howToEnable,
  isSoftware,
  runWithDevice,
  testedDevice,
  webgpuEnvironment,
} from './software-vulkan.ts';

const fixtures = fileURLToPath(new URL('../fixtures/lm/', import.meta.url));
const script = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const environment = await webgpuEnvironment();
const answer = z.array(
  z.object({
    scale: z.number(),
    residual: z.number(),
    nll: z.number(),
    /** Whether the same tokens are raised most. */
    raised: z.boolean(),
    devices: z.array(z.string()),
    passed: z.tuple([z.number(), z.number()]),
  }),
);

async function compare(devices: string, folders: readonly string[], env = environment!) {
  const paths = folders.map((folder) => `${fixtures}${folder}`);
  const { stdout, stderr } = await runWithDevice(script('lm-device.ts'), [devices, ...paths], env);
  return { found: answer.parse(JSON.parse(stdout.trim().split('\n').at(-1)!)), log: stdout + stderr };
}

const title =
  environment === null
    ? `language models on webgpu (skipped: ${howToEnable})`
    : `language models on ${testedDevice}`;

describe.skipIf(environment === null)(title, () => {
  it(`gives what the CPU gives${whole ? '' : ' (two families; all of them: npm run test:gpu)'}`, {
    timeout: 1_800_000,
  }, async () => {
    // Rotary and grouped keys; a sliding window; soft-capped scores; layer norms; gated delta nets; bfloat16; neighbours turned.
    const all = ['llama', 'qwen3_5', 'mistral', 'gemma2', 'gpt2', 'tiny-bf16', 'glm4'];
    const folders = whole ? all : all.slice(0, 2);
    const { found } = await compare(testedDevice, folders);
    for (const [i, { scale, residual, nll, raised, devices, passed }] of found.entries()) {
      console.log(
        `${folders[i]}: residual ${residual.toExponential(1)} of ${scale.toFixed(1)}, nll ${nll.toExponential(1)}`,
      );
      expect(new Set(devices)).toEqual(new Set([testedDevice]));
      expect(scale).toBeGreaterThan(1);
      expect(residual).toBeLessThanOrEqual(1e-4 * scale);
      expect(nll).toBeLessThanOrEqual(2e-4);
      expect(raised).toBe(true);
      // Ids there, and each hook’s activations back: between segments they stay on the device.
      expect(passed).toEqual([1, devices.length - 1]);
    }
    expect(found).toHaveLength(folders.length);
  });

  slowTest('shares segments with the CPU in the order given', async () => {
    const { found } = await compare(`cpu,${testedDevice}`, ['llama']);
    expect(found[0]!.devices).toEqual(['cpu', 'cpu', testedDevice]);
    expect(found[0]!.residual).toBeLessThanOrEqual(2e-4);
    expect(found[0]!.nll).toBeLessThanOrEqual(2e-4);
  });

  it.runIf(whole && environment !== null && isSoftware(environment))(
    'is told apart from a device whose kernels are all right: this one’s full attention is not',
    async () => {
      const check = fileURLToPath(new URL('../../runner/onnx/device-check.ts', import.meta.url));
      const { stdout } = await runWithDevice(check, ['webgpu'], environment!);
      expect(JSON.parse(stdout)).toMatchObject({
        kernels: { full: false, windowed: true, softCapped: false },
      });
    },
  );
});
