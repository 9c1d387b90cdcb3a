/** Body of a process that checks one device, and prints what it found as JSON: see device-facts.ts. */

import { UnavailableError } from '../errors.ts';
import type { DeviceFacts } from './device-facts.ts';
import { type Device, executionProvider, parseDevice, providerOf } from './devices.ts';
import { cudaMemory } from './gpu-memory.ts';
import { Graph, none, type Precision, type Program } from './graph.ts';
import { type AttentionKernels, allKernels } from './kernels.ts';
import { float32, floatsOf, type HostTensor, int32, openSession } from './session.ts';

/** Longer than the 32 tokens from which on the runtime changes to another kernel. */
const LENGTHS = [13, 80];
const HEADS = 4;
const HEAD_SIZE = 64;
const WIDTH = HEADS * HEAD_SIZE;
/**
 * Difference from the CPU in float32 beyond which a kernel is wrong. Rounding alone stays below 1e-5 in float32; in 16 bits values up to
 * 2 and scores of them, rounded to 8 or 11 bits, leave some hundredths.
 */
const TOLERANCE = { float32: 1e-3, float16: 0.02, bfloat16: 0.1 } as const;
/** A small product that takes longer than this says enough. */
const SLOW_MS = 20;

function numbers(count: number, seed: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => Math.sin(1 + seed + 0.7 * i) * 2);
}

type Attributes = Record<string, number | { float: number }>;

/** Whatever it computes in, it takes and gives float32. */
function attentionProgram(device: Device, precision: Precision, attributes: Attributes): Program {
  const graph = new Graph('', { provider: providerOf(device), precision });
  const parts = ['query', 'key', 'value'].map((name) =>
    graph.cast(graph.input(name, 'float32', [1, 'tokens', WIDTH]), precision),
  );
  const last = graph.input('last', 'int32', [1]);
  const total = graph.input('total', 'int32', []);
  const [mixed] = graph.nodes('GroupQueryAttention', [...parts, none, none, last, total], {
    domain: 'com.microsoft',
    outputs: 3,
    attributes: { num_heads: HEADS, kv_num_heads: HEADS, scale: { float: HEAD_SIZE ** -0.5 }, ...attributes },
  });
  graph.output(graph.cast(mixed!, 'float32'), 'mixed', 'float32', [1, 'tokens', WIDTH]);
  return graph.program();
}

async function attends(device: Device, precision: Precision, attributes: Attributes): Promise<boolean> {
  // Refused where it would run on the CPU after all.
  const there = await openSession(attentionProgram(device, precision, attributes), { device }).catch(
    (error: unknown) => {
      if (error instanceof UnavailableError) return null;
      throw error;
    },
  );
  if (there === null) return false;
  const here = await openSession(attentionProgram('cpu', 'float32', attributes));
  let largest = 0;
  for (const tokens of LENGTHS) {
    const feeds: Record<string, HostTensor> = {
      last: int32(Int32Array.of(tokens - 1), [1]),
      total: int32(Int32Array.of(tokens), []),
    };
    for (const [i, name] of ['query', 'key', 'value'].entries())
      feeds[name] = float32(numbers(tokens * WIDTH, i), [1, tokens, WIDTH]);
    const [expected, found] = [
      floatsOf(await here.run(feeds), 'mixed'),
      floatsOf(await there.run(feeds), 'mixed'),
    ];
    for (const [i, value] of expected.entries()) {
      const difference = Math.abs(value - found[i]!);
      // Not a number is a difference too.
      if (!(difference <= largest)) largest = difference;
    }
  }
  await here.close();
  await there.close();
  const { tf32 = false } = executionProvider(device);
  // TF32 has as many bits as float16, and more than bfloat16.
  return largest <= TOLERANCE[tf32 && precision === 'float32' ? 'float16' : precision];
}

/** Operations a second of a product of matrices: of the size that a block's have, unless a small one is slow. */
async function productRate(device: Device, precision: Precision = 'float32'): Promise<number> {
  let rate = 0;
  for (const size of [256, 1024]) {
    const graph = new Graph('', { provider: providerOf(device), precision });
    const x = graph.cast(graph.input('x', 'float32', [size, size]), precision);
    const weight = graph.floats(numbers(2 * size * size, 9), [2 * size, size]);
    const y = graph.node('Gemm', [x, weight], { attributes: { transB: 1 } });
    const sum = graph.node('ReduceSum', [y, graph.int64s([0, 1])]);
    graph.output(graph.cast(sum, 'float32'), 'y', 'float32', [1, 1]);
    const session = await openSession(graph.program(), { device });
    const feeds = { x: float32(numbers(size * size, 3), [size, size]) };
    await session.run(feeds);
    let best = Number.POSITIVE_INFINITY;
    for (let round = 0; round < 5; round++) {
      const start = performance.now();
      await session.run(feeds);
      best = Math.min(best, performance.now() - start);
      if (best > SLOW_MS) break;
    }
    await session.close();
    rate = (4 * size ** 3 * 1_000) / best;
    if (best > SLOW_MS) break;
  }
  return rate;
}

const device = parseDevice(process.argv[2] ?? 'cpu');
const operationsPerSecond = await productRate(device);
const kernelsIn = async (precision: Precision): Promise<AttentionKernels> => ({
  full: await attends(device, precision, {}),
  windowed: await attends(device, precision, { local_window_size: 21 }),
  softCapped: await attends(device, precision, { softcap: { float: 1.5 } }),
});
const kernels = device === 'cpu' ? allKernels : await kernelsIn('float32');
const bfloat16 = providerOf(device) === 'cuda' ? await kernelsIn('bfloat16') : null;
const bfloat16PerSecond =
  bfloat16 === null
    ? null
    : await productRate(device, 'bfloat16').catch((error: unknown) => {
        if (error instanceof UnavailableError) return null;
        throw error;
      });
const { name, deviceId } = executionProvider(device);
const memory = name === 'cuda' ? await cudaMemory(deviceId ?? 0) : null;
console.log(
  JSON.stringify({ operationsPerSecond, bfloat16PerSecond, kernels, bfloat16, memory } satisfies DeviceFacts),
);
