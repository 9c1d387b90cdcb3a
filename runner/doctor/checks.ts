/** What a device computes, held to another way of computing it. Differences are relative to the largest value. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Checkpoint } from '../lm/checkpoint.ts';
import { familyOf } from '../lm/families/index.ts';
import type { TokenBatch } from '../lm/language-model.ts';
import { openLanguageModel } from '../lm/open-language-model.ts';
import { random } from '../math/random.ts';
import type { DeviceFacts } from '../onnx/device-facts.ts';
import type { Device } from '../onnx/devices.ts';
import type { Precision } from '../onnx/graph.ts';
import { type AttentionKernels, allKernels } from '../onnx/kernels.ts';
import { openSae } from '../sae/open-sae.ts';
import { reconstruct } from '../sae/reference.ts';
import { type SaeTensors, topKSae } from '../sae/sae.ts';
import type { TrainingBackend } from '../train/backends/backend.ts';
import { chooseBackend } from '../train/backends/choose.ts';
import { referenceBackend } from '../train/backends/reference.ts';
import { initialParameters } from '../train/init.ts';
import { recipe } from '../train/recipe.ts';
import { freshState } from '../train/state.ts';
import { blockKinds, speedConfig, writeRandomCheckpoint } from './random-checkpoint.ts';

export interface Check {
  name: string;
  /** What the device's numbers are compared with. */
  against: string;
  /** Largest difference over the largest value; null when the check could not be made, and `failed` says why. */
  difference: number | null;
  /** What rounding alone may leave, where that is more than float32’s; it is then no part of the verdict on digits. */
  rounding?: number;
  failed?: string;
}

export interface Rate {
  name: string;
  tokensPerSecond: number;
}

type Facts = Pick<DeviceFacts, 'kernels' | 'bfloat16' | 'operationsPerSecond'>;

export type Finding = { check: Check } | { rate: Rate };

/** Long enough for a rate on a device that is slow, short enough to wait for. */
const MEASURED_MS = 1_500;

const shortSchedule = { warmupSteps: 1, scheduleSteps: 8 };

/** Every check and rate of a device, as each is found. */
export async function* examine(device: Device, facts: Facts): AsyncGenerator<Finding> {
  for (const [name, config] of Object.entries(blockKinds)) {
    yield {
      check: await attempt(`language model: ${name}`, otherProgram(device), () =>
        blocks(device, facts.kernels, config),
      ),
    };
  }
  if (facts.bfloat16 !== null) yield* inBfloat16(device, facts.bfloat16);
  yield { check: await attempt('SAE: encode and decode', 'TypeScript reference', () => encoding(device)) };
  yield { check: await attempt('SAE: training step', 'TypeScript reference', () => training(device)) };
  yield { rate: await languageModelRate(device, facts) };
  yield { rate: await trainingRate(device, facts) };
}

/** Two orders of sums that are rounded to 8 bits differ by some of these steps after a few blocks. */
const BFLOAT16_ROUNDING = 0.05;

/** The same models in bfloat16, against the CPU, which rounds what it computes in float32. */
async function* inBfloat16(device: Device, kernels: AttentionKernels): AsyncGenerator<Finding> {
  for (const [name, config] of Object.entries(blockKinds)) {
    const check = await attempt(`language model in bfloat16: ${name}`, 'cpu, rounded', () =>
      blocks(device, kernels, config, 'bfloat16'),
    );
    yield { check: { ...check, rounding: BFLOAT16_ROUNDING } };
  }
}

/** On the CPU itself the runtime's attention kernels are held to plain operators. */
function otherProgram(device: Device): string {
  return device === 'cpu' ? 'plain operators' : 'cpu';
}

async function attempt(name: string, against: string, measure: () => Promise<number>): Promise<Check> {
  try {
    return { name, against, difference: await measure() };
  } catch (error) {
    const [line = ''] = String(error instanceof Error ? error.message : error).split('\n', 1);
    return { name, against, difference: null, failed: line.slice(0, 200) };
  }
}

const noKernels: AttentionKernels = { full: false, windowed: false, softCapped: false };

async function blocks(
  device: Device,
  kernels: AttentionKernels,
  config: Readonly<Record<string, unknown>>,
  precision: Precision = 'float32',
): Promise<number> {
  return withCheckpoint(config, async (checkpoint) => {
    const hooks = Array.from({ length: familyOf(checkpoint).blocks }, (_, i) => i);
    // Longer than the 32 tokens from which on the runtime changes to another kernel, and a padded row.
    const tokens = 40;
    const ids = Int32Array.from({ length: 2 * tokens }, (_, i) => (i * 37 + 5) % 256);
    const batch: TokenBatch = { ids, rows: 2, tokens, lengths: Int32Array.of(tokens, 13) };
    const outputs = async (on: Device, with_: AttentionKernels): Promise<Float32Array[]> => {
      const model = await openLanguageModel(checkpoint, {
        hooks,
        device: on,
        kernels: with_,
        maxTokens: 64,
        precision,
      });
      try {
        const residuals = await model.residuals(batch);
        return [...residuals, await model.losses(0, residuals[0]!, batch)];
      } finally {
        await model.close();
      }
    };
    const expected = await outputs('cpu', device === 'cpu' ? noKernels : allKernels);
    const found = await outputs(device, kernels);
    return Math.max(...found.map((values, i) => relativeDifference(values, expected[i]!)));
  });
}

/** Multiples of 1/4: their products and sums are exact in float32, and in TF32 too, so that every device selects the same latents. */
export function quarters(count: number, name: string): Float32Array {
  const stream = random('doctor', name);
  return Float32Array.from({ length: count }, () => Math.round(4 * stream.gaussian()) / 4);
}

/** Below the grid of 1/16 that the products lie on, and of few enough bits for TF32. */
const BIAS_STEP = 2 ** -15;

/** No two latents of a token are equal: which of equal ones is kept, each device decides by itself. */
export function quarterTensors({ d_in, d_sae }: { d_in: number; d_sae: number }): SaeTensors {
  return {
    W_enc: quarters(d_in * d_sae, 'W_enc'),
    W_dec: quarters(d_sae * d_in, 'W_dec'),
    b_enc: Float32Array.from({ length: d_sae }, (_, latent) => latent * BIAS_STEP),
    b_dec: quarters(d_in, 'b_dec'),
  };
}

async function encoding(device: Device): Promise<number> {
  const shape = { d_in: 128, d_sae: 1_024 };
  const tokens = 64;
  const sae = topKSae({ ...shape, k: 16, ...quarterTensors(shape) });
  const x = quarters(tokens * shape.d_in, 'x');
  const open = await openSae(sae, { device });
  try {
    const found = await open.reconstruct(x, tokens);
    return relativeDifference(found.reconstruction, reconstruct(sae, x, tokens).reconstruction);
  } finally {
    await open.close();
  }
}

async function training(device: Device): Promise<number> {
  const shape = { d_in: 64, d_sae: 512 };
  const settings = recipe.parse({ dSae: shape.d_sae, k: 8, kAux: 32, batchTokens: 128, ...shortSchedule });
  const x = quarters(settings.batchTokens * shape.d_in, 'x');
  const dead = Int32Array.from({ length: 40 }, (_, i) => 3 * i);
  const trained = async (backend: TrainingBackend): Promise<Float32Array[]> => {
    const session = await backend.init(settings, shape.d_in, freshState({ ...quarterTensors(shape) }));
    try {
      await session.step(x, { learningRate: 1e-3, dead });
      const state = await session.state();
      return [...Object.values(state.parameters), ...Object.values(state.firstMoments)];
    } finally {
      await session.close();
    }
  };
  const expected = await trained(referenceBackend);
  const found = await trained(chooseBackend({ choice: 'auto', device }));
  return Math.max(...found.map((values, i) => relativeDifference(values, expected[i]!)));
}

/** Operations a second from which on a device gets models of a size that people use; slower ones would take minutes. */
const FAST = 20e9;

async function languageModelRate(device: Device, { kernels, operationsPerSecond }: Facts): Promise<Rate> {
  const config = operationsPerSecond > FAST ? speedConfig : blockKinds['rotary attention, grouped keys']!;
  return withCheckpoint(config, async (checkpoint) => {
    const { blocks, dModel, vocabulary } = familyOf(checkpoint);
    const model = await openLanguageModel(checkpoint, {
      hooks: [blocks - 1],
      device,
      kernels,
      maxTokens: 512,
    });
    try {
      const tokens = 512;
      const ids = Int32Array.from({ length: 2 * tokens }, (_, i) => (i * 37 + 5) % vocabulary);
      const batch: TokenBatch = { ids, rows: 2, tokens };
      const seconds = await secondsOf(() => model.residuals(batch));
      const name = `language model, ${blocks} blocks of width ${dModel}`;
      return { name, tokensPerSecond: (2 * tokens) / seconds };
    } finally {
      await model.close();
    }
  });
}

async function trainingRate(device: Device, { operationsPerSecond }: Facts): Promise<Rate> {
  const [d_in, dSae, k] = operationsPerSecond > FAST ? [512, 8_192, 32] : [128, 1_024, 32];
  const settings = recipe.parse({ dSae, k, kAux: d_in / 2, biasInitSamples: 2_048 });
  const stream = random('doctor', 'rate');
  const x = Float32Array.from({ length: settings.batchTokens * d_in }, () => stream.gaussian());
  const session = await chooseBackend({ choice: 'auto', device }).init(
    settings,
    d_in,
    freshState(
      initialParameters({ ...settings, weiszfeldIterations: 1 }, d_in, { layer: 0, site: 'resid_post' }, x),
    ),
  );
  try {
    const step = () => session.step(x, { learningRate: 1e-4, dead: new Int32Array(0) });
    const seconds = await secondsOf(step);
    return { name: `TopK training, ${d_in}/${dSae}/${k}`, tokensPerSecond: settings.batchTokens / seconds };
  } finally {
    await session.close();
  }
}

/** Of one call: the fastest of as many as fit the time, after one that does not count. */
async function secondsOf(call: () => Promise<unknown>): Promise<number> {
  await call();
  const start = performance.now();
  let best = Number.POSITIVE_INFINITY;
  do {
    const before = performance.now();
    await call();
    best = Math.min(best, performance.now() - before);
  } while (performance.now() - start < MEASURED_MS);
  return best / 1_000;
}

async function withCheckpoint<T>(
  config: Readonly<Record<string, unknown>>,
  use: (checkpoint: Checkpoint) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'interpboard-doctor-'));
  try {
    return await use(await writeRandomCheckpoint(folder, config));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Largest difference over the largest expected value; infinite where a value is not a number. */
function relativeDifference(found: Float32Array, expected: Float32Array): number {
  let difference = 0;
  let largest = 0;
  for (let i = 0; i < expected.length; i++) {
    const each = Math.abs(found[i]! - expected[i]!);
    if (!(each <= difference)) difference = Number.isNaN(each) ? Number.POSITIVE_INFINITY : each;
    largest = Math.max(largest, Math.abs(expected[i]!));
  }
  return difference === 0 ? 0 : difference / largest;
}
