import { fileURLToPath } from 'node:url';
import { describe, expect } from 'vitest';
import { z } from 'zod';
import { blockKinds } from '../../runner/doctor/random-checkpoint.ts';
import { slowTest } from '../sample.ts';
import {
  howToEnable,
  isSoftware,
  runWithDevice,
  testedDevice,
  webgpuEnvironment,
} from './software-vulkan.ts';

const environment = await webgpuEnvironment();
const title =
  environment === null ? `doctor on webgpu (skipped: ${howToEnable})` : `doctor on ${testedDevice}`;
const report = z.object({
  healthy: z.boolean(),
  devices: z.array(
    z.object({
      device: z.string(),
      there: z.literal(true),
      verdict: z.string(),
      wrongKernels: z.array(z.string()),
      checks: z.array(z.object({ name: z.string(), difference: z.number() })),
      rates: z.array(z.object({ tokensPerSecond: z.number().positive() })),
    }),
  ),
});

describe.skipIf(environment === null)(title, () => {
  slowTest('finds the device right, and the kernels that are not', async () => {
    const cli = fileURLToPath(new URL('../../runner/cli.ts', import.meta.url));
    const { stdout } = await runWithDevice(cli, ['doctor', '--device', testedDevice, '--json'], environment!);
    const { healthy, devices } = report.parse(JSON.parse(stdout));
    const [found] = devices;
    console.info(
      found!.checks.map(({ name, difference }) => `${name} ${difference.toExponential(1)}`).join('\n'),
    );
    expect(healthy).toBe(true);
    expect(found).toMatchObject({ device: testedDevice, verdict: 'right' });
    const names = found!.checks.map(({ name }) => name).filter((name) => !name.includes('bfloat16'));
    expect(names).toEqual([
      ...Object.keys(blockKinds).map((kind) => `language model: ${kind}`),
      'SAE: encode and decode',
      'SAE: training step',
    ]);
    expect(found!.rates).toHaveLength(2);
    if (isSoftware(environment!)) expect(found!.wrongKernels).toEqual(['full', 'softCapped']);
  });
});
