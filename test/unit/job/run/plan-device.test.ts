/** What the reference run takes of one card, by its settings and the names and shapes of its model's tensors. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { cards } from '../../../../runner/commands/cards.ts';
import { deviceMemory } from '../../../../runner/commands/device-memory.ts';
import { runConfig, suitesOf } from '../../../../runner/config/run-config.ts';
import { weightsOf } from '../../../../runner/doctor/random-checkpoint.ts';
import { UserError } from '../../../../runner/errors.ts';
import { type DeviceNeeds, planOf } from '../../../../runner/job/run/plan.ts';
import type { Checkpoint } from '../../../../runner/lm/checkpoint.ts';
import { cudaMemory } from '../../../../runner/onnx/gpu-memory.ts';
import { countOf } from '../../../../runner/onnx/tensors.ts';
import { trainingMemory } from '../../../../runner/train/device-memory.ts';
import { recipe } from '../../../../runner/train/recipe.ts';

const GB = 1e9;

/** Qwen3.6-27B by its config.json: nothing of it is here but the sizes. */
const config = {
  model_type: 'qwen3_5',
  text_config: {
    model_type: 'qwen3_5_text',
    attn_output_gate: true,
    full_attention_interval: 4,
    head_dim: 256,
    hidden_act: 'silu',
    hidden_size: 5_120,
    intermediate_size: 17_408,
    linear_conv_kernel_dim: 4,
    linear_key_head_dim: 128,
    linear_num_key_heads: 16,
    linear_num_value_heads: 48,
    linear_value_head_dim: 128,
    max_position_embeddings: 262_144,
    num_attention_heads: 24,
    num_hidden_layers: 64,
    num_key_value_heads: 4,
    rms_norm_eps: 1e-6,
    rope_parameters: { rope_type: 'default', rope_theta: 10_000_000, partial_rotary_factor: 0.25 },
    tie_word_embeddings: false,
    vocab_size: 248_320,
  },
};

function checkpoint(dtype: 'BF16' | 'F32'): Checkpoint {
  const empty = { folder: '', config, tensors: new Map(), files: [], weightsFolder: '', notes: [] };
  let at = 0;
  const tensors = [...weightsOf(empty)].map(([name, shape]) => {
    const start = at;
    at += (dtype === 'BF16' ? 2 : 4) * countOf(shape);
    return [name, { file: 'model.safetensors', dtype, shape, start, end: at }] as const;
  });
  return { ...empty, tensors: new Map(tensors) };
}

function reference(over: object = {}) {
  const preset = new URL('../../../../runner/config/presets/qwen3.6-27b-papergrade.json', import.meta.url);
  return runConfig.parse({ ...(JSON.parse(readFileSync(preset, 'utf8')) as object), ...over });
}

const HOST = 200 * GB;

function planned(card: number, over: object = {}) {
  const run = reference(over);
  return planOf(run, suitesOf(run), checkpoint('BF16'), HOST, { card });
}

const sum = ({ device: _, available: __, ...needs }: DeviceNeeds) =>
  Object.values(needs).reduce((total, bytes) => total + bytes, 0);

describe('the reference run on one card', () => {
  it('fits on 96 GB and on an H200, weights as they are stored, with every term said', () => {
    for (const card of [cards['rtx-pro-6000']!, cards.h200!]) {
      const { parameters, precision, stages } = planned(card);
      expect(precision).toBe('bfloat16');
      expect(parameters / 1e9).toBeCloseTo(26.9, 0);
      const [training, evaluation] = stages;
      // Blocks 0 to 55 and the embedding, in 16 bits; neither the last eight blocks nor the head.
      expect(training!.resident).toBe(true);
      expect(training!.devices[0]!.weights / GB).toBeGreaterThan(44);
      expect(training!.devices[0]!.weights / GB).toBeLessThan(48);
      // Three SAEs: parameters and two moments in float32.
      expect(training!.devices[0]!.states).toBe(3 * 3 * 4 * (2 * 5_120 * 65_536 + 5_120 + 65_536));
      // Two passes at three hooks, and what a step picks.
      expect(training!.activations).toBe('on cuda:0');
      expect(training!.devices[0]!.activations).toBe(4 * 2_048 * 5_120 * (2 * 3 + 2));
      expect(evaluation!.activations).toBeNull();
      expect(sum(training!.devices[0]!)).toBeLessThanOrEqual(card);
      expect(sum(evaluation!.devices[0]!)).toBeLessThanOrEqual(card);
      expect(evaluation!.resident).toBe(true);
    }
  });

  it('is loaded by segments on a smaller card, and refused where not even a step fits', () => {
    const { stages } = planned(cards.h100!);
    expect(stages[0]!.resident).toBe(false);
    expect(stages[0]!.activations).toMatch(/^through the host’s memory: cuda:0 has no room for them/);
    expect(sum(stages[0]!.devices[0]!)).toBeLessThanOrEqual(cards.h100!);
    expect(() => planned(cards['rtx-4090']!)).toThrow(UserError);
    expect(() => planned(cards['rtx-4090']!)).toThrow(/memory of cuda:0/);
  });

  it('takes twice the weights in float32', () => {
    const half = planned(cards.h200!).stages[0]!.devices[0]!;
    const whole = planned(200e9, { precision: 'float32' }).stages[0]!.devices[0]!;
    expect(whole.weights).toBe(2 * half.weights);
    expect(whole.states).toBe(half.states);
  });

  it('is spread over two cards, model and SAEs, and what lies on each is said', () => {
    const two = planned(cards.h100!, { device: 'cuda:0,cuda:1' }).stages[0]!;
    expect(two.resident).toBe(true);
    expect(two.activations).toMatch(/^through the host’s memory: .*several devices/);
    expect(new Set(two.segments.map(({ device }) => device))).toEqual(new Set(['cuda:0', 'cuda:1']));
    const one = planned(cards.h200!).stages[0]!.devices;
    expect(one.map(({ device }) => device)).toEqual(['cuda:0']);
    const [first, second] = two.devices;
    expect([first!.device, second!.device]).toEqual(['cuda:0', 'cuda:1']);
    // Of three SAEs two lie on the first.
    expect(first!.states).toBe(2 * second!.states);
    expect(first!.states + second!.states).toBe(one[0]!.states);
    expect(first!.step).toBe(second!.step);
    // A block that is cut at a hook counts on both sides.
    expect((first!.weights + second!.weights) / one[0]!.weights).toBeCloseTo(1, 1);
    for (const each of two.devices) expect(sum(each)).toBeLessThanOrEqual(cards.h100!);
  });
});

describe('memory of devices', () => {
  it('a step takes what its matrices do', () => {
    const one = recipe.parse({ dSae: 1_000, k: 8, kAux: 64, batchTokens: 100 });
    const two = [
      { d_in: 10, recipe: one },
      { d_in: 10, recipe: one },
    ] as const;
    const { states, step } = trainingMemory(two, ['cuda:0']);
    expect(states).toBe(2 * 3 * 4 * (2 * 10 * 1_000 + 1_000 + 10));
    expect(step).toBe(4 * 1_000 * (10.7 * 10 + 8.5 * 100));
    // On a CPU gradients and the next state stand beside them.
    expect(trainingMemory(two, ['cpu'])).toEqual({ states: 2 * states, step: 0 });
  });

  it('is said in bytes, by the name of a card, or not known', async () => {
    expect(await deviceMemory('96GiB', ['cuda:0'])).toBe(96 * 2 ** 30);
    expect(await deviceMemory('H200', ['cuda:0'])).toBe(143_771 * 2 ** 20);
    expect(await deviceMemory(undefined, ['cpu'])).toBeNull();
    await expect(deviceMemory('96GiB', ['cpu'])).rejects.toThrow(/for a run on the CPU/);
    for (const mixed of [
      ['cuda:0', 'cpu'],
      ['cuda:0', 'webgpu'],
    ] as const) {
      expect(await deviceMemory(undefined, mixed)).toBeNull();
      await expect(deviceMemory('h200', mixed)).rejects.toThrow(/"h200" for a run on cuda:0, .*of one kind/);
    }
    await expect(deviceMemory('nonsense', ['cpu'])).rejects.toThrow(/one of a100-40gb/);
    await expect(deviceMemory('constructor', ['cuda:0'])).rejects.toThrow(/one of a100-40gb/);
    await expect(deviceMemory('voodoo', ['cuda:0'])).rejects.toThrow(/one of a100-40gb/);
    expect(await deviceMemory(undefined, ['webgpu'])).toBeNull();
  });

  it('is what the driver says of the card that is asked for', async () => {
    const calls: string[] = [];
    const driver = (failing?: string) => async () => (declaration: string) => {
      const name = /(\w+)\(/.exec(declaration)![1]!;
      return (...args: (bigint | number | Int32Array | BigUint64Array)[]) => {
        calls.push(name);
        if (name === failing) return 100;
        if (name === 'cuDeviceGet') (args[0] as Int32Array)[0] = 7 + (args[1] as number);
        if (name === 'cuDevicePrimaryCtxRetain') (args[0] as BigUint64Array)[0] = BigInt(args[1] as number);
        if (name === 'cuCtxSetCurrent') expect(args[0]).toBe(9n);
        if (name === 'cuMemGetInfo_v2') {
          (args[0] as BigUint64Array)[0] = 90n * 2n ** 30n;
          (args[1] as BigUint64Array)[0] = 96n * 2n ** 30n;
        }
        return 0;
      };
    };
    expect(await cudaMemory(2, driver())).toEqual({ free: 90 * 2 ** 30, total: 96 * 2 ** 30 });
    expect(calls.at(-1)).toBe('cuDevicePrimaryCtxRelease_v2');
    for (const failing of ['cuInit', 'cuDeviceGet', 'cuDevicePrimaryCtxRetain', 'cuMemGetInfo_v2'])
      expect(await cudaMemory(2, driver(failing)), failing).toBeNull();
    expect(await cudaMemory(0, async () => null)).toBeNull();
  });
});
