import { expect, test } from 'vitest';
import { resolveRun } from '../../../../runner/config/resolve.ts';
import { UserError } from '../../../../runner/errors.ts';
import { hookLabel } from '../../../../runner/hook.ts';
import { hooksOfPlans, trainedSaes, withWidths } from '../../../../runner/job/shared/planned-saes.ts';
import { fitsWhole, placeActivations } from '../../../../runner/job/training-data/activations-place.ts';
import { trainingNeeds } from '../../../../runner/job/training-data/training-needs.ts';
import type { BindingName } from '../../../../runner/onnx/binding/binding.ts';
import { parseDevices } from '../../../../runner/onnx/devices.ts';

const WIDTH = 16;
const everything = (): boolean => true;

async function placed(
  device: string,
  set: readonly string[],
  fits: (() => boolean) | null = everything,
  binding: BindingName = 'c-api',
) {
  const config = await resolveRun(['small-world-quick'], { set: [`device=${device}`, ...set] });
  const seen = hooksOfPlans(trainedSaes(config));
  const widths = new Map(seen.map((hook) => [hookLabel(hook), WIDTH]));
  const of = { plans: withWidths(trainedSaes(config), widths), seen, widths };
  const devices = parseDevices(device);
  return {
    ...placeActivations(config, of, devices, fits, binding),
    config,
    byHost: trainingNeeds(config, of, devices),
  };
}

test.each([
  ['cuda:0,cuda:1', [], /the SAEs share several devices/],
  ['coreml', [], /coreml keeps its tensors there/],
  ['webgpu', ['backend=sparse-cpu'], /the backend sparse-cpu/],
  ['webgpu', ['training.activations.gigabytes=1'], /keeps them on disk/],
  ['webgpu', ['training.activations.type=bfloat16'], /rounded to bfloat16/],
  [
    'webgpu',
    ['training.shuffle.megabytes=1', 'training.shuffle.onDisk=true'],
    /onDisk shuffles them in a file/,
  ],
  ['webgpu', ['training.shuffle.megabytes=4000'], /more than one tensor of webgpu/],
  ['webgpu', ['sae.normalisation=layer_norm'], /sae.normalisation layer_norm/],
])('on %s with %j they pass through the host, and why is said', async (device, set, why) => {
  const { on, text, needs, byHost } = await placed(device, set);
  expect(on).toBeNull();
  expect(text).toMatch(/^through the host’s memory: /);
  expect(text).toMatch(why);
  expect(needs).toEqual(byHost);
});

test('on one device they stay there, and their memory is counted there', async () => {
  for (const [device, passes] of [
    ['webgpu', 1],
    ['cuda:0', 2],
  ] as const) {
    const { on, text, needs, byHost, config } = await placed(device, ['layers=[0,2]']);
    expect([on, text]).toEqual([device, `on ${device}`]);
    // A pass at each hook, on CUDA one ahead of it, and what a step picks of x and of a transcoder's y.
    const bytes = 4 * config.sae.batchTokens * WIDTH * (2 * passes + 2);
    expect(needs.activations).toBe(bytes);
    expect(needs.saes).toBe(byHost.saes + bytes);
    expect(needs.on[0]!.activations).toBe(bytes);
    expect(needs.host).toBe(byHost.host);
  }
});

test('a shuffle buffer is the device’s with them', async () => {
  const set = ['layers=[0,2]', 'training.shuffle.megabytes=1'];
  const { needs, byHost, config } = await placed('webgpu', set);
  const without = await placed('webgpu', ['layers=[0,2]']);
  // A mebibyte, and beside it what waits, a pass and a batch.
  const bytes = 2 ** 20 + 2 * config.sae.batchTokens * 4 * 2 * WIDTH;
  expect(needs.activations - without.needs.activations).toBe(bytes);
  expect(byHost.host! - needs.host!).toBe(bytes);
});

test('by onnxruntime’s JavaScript passes stay on a device, and none is written into a buffer there', async () => {
  expect((await placed('webgpu', [], everything, 'package')).on).toBe('webgpu');
  for (const set of ['training.shuffle.megabytes=1', 'training.policy.dropFirst=1']) {
    const { on, text } = await placed('webgpu', [set], everything, 'package');
    expect(on).toBeNull();
    expect(text).toMatch(/onnxruntime’s JavaScript writes to no tensor/);
  }
});

test('where they do not fit beside the language model and the SAEs they pass through the host', async () => {
  const full = await placed('cuda:0', [], () => false);
  expect([full.on, full.text]).toEqual([
    null,
    'through the host’s memory: cuda:0 has no room for them beside the language model and the SAEs',
  ]);
  const refuse = (error: Error) =>
    fitsWhole(() => {
      throw error;
    });
  const asked = new UserError({ thing: 'memory', found: '1', expected: '2', next: 'Give more.' });
  expect(refuse(asked)({} as never)).toBe(false);
  expect(() => refuse(new TypeError('other'))({} as never)).toThrow('other');
});

test('of what the CPU computes nothing is said', async () => {
  expect(await placed('cpu', [])).toMatchObject({ on: null, text: null });
  expect(await placed('cuda:0', [], null)).toMatchObject({
    on: null,
    text: expect.stringContaining('synthetic model'),
  });
});
