/** Rows of activations on a device: one tensor, into which passes are written where it lies. */
import { type Device, providerOf } from '../onnx/devices.ts';
import { Graph, type Program, type Provider } from '../onnx/graph.ts';
import { float32, floatsOf, type HeldTensor, type HoldingSession, int32 } from '../onnx/session.ts';
import { openOnDevice } from './backends/state-holder.ts';
import { pickedRows, rowsProgram } from './device-rows.ts';
import type { RowStore } from './row-store.ts';

/** Tokens that are put at a time: WebGPU's ScatterND compares each with each, in every one of them. */
const TOGETHER_ON_WEBGPU = 128;

/**
 * Numbers that one tensor may have: CUDA's Gather counts them in 32 bits with a sign; of WebGPU a gibibyte, which a driver may be
 * expected to bind at a time.
 */
const MOST_NUMBERS: Partial<Record<Provider, number>> = { cuda: 2 ** 31 - 1, webgpu: 2 ** 28 };

/** Whether so many rows are within what one tensor of a device may have. */
export function fitsTensor(count: number, width: number, device: Device): boolean {
  return count * width <= (MOST_NUMBERS[providerOf(device)] ?? Number.MAX_SAFE_INTEGER);
}

/**
 * @param count rows that there are room for
 * @param together tokens that are put at a time; for tests
 */
export function heldRows(
  count: number,
  width: number,
  options: { device: Device; threads?: number },
  together = providerOf(options.device) === 'webgpu' ? TOGETHER_ON_WEBGPU : count,
): RowStore<HeldTensor> {
  const provider = providerOf(options.device);
  const sessions = new Map<string, Promise<HoldingSession>>();
  let store: Promise<HeldTensor> | undefined;

  function session(name: string, program: () => Program, held?: string): Promise<HoldingSession> {
    const known = sessions.get(name) ?? openOnDevice(program(), held === undefined ? [] : [held], options);
    sessions.set(name, known);
    return known;
  }

  async function made(): Promise<HeldTensor> {
    const empty = await session('empty', () => emptyProgram(count, width, provider), 'store');
    return (await empty.run({ zero: float32(new Float32Array(1), []) })).held.store!;
  }

  return {
    width,
    async put(x, tokens, rows) {
      store ??= made();
      const whole = await store;
      const rank = x instanceof Float32Array ? 2 : 3;
      const putting = await session(`put ${rank}`, () => putProgram(width, rank, provider), 'next');
      const given = x instanceof Float32Array ? float32(x, [x.length / width, width]) : x;
      for (let from = 0; from < rows.length; from += together) {
        const to = rows.subarray(from, from + together);
        const some = Int32Array.from(to, (_, i) => tokens[from + i]!);
        await putting.run(
          {
            store: whole,
            x: given,
            tokens: int32(some, [some.length]),
            rows: { type: 'int64', dims: [to.length, 1], data: BigInt64Array.from(to, BigInt) },
          },
          undefined,
          { next: whole },
        );
      }
    },
    async take(rows) {
      return { tensor: await store!, rows };
    },
    async read(rows) {
      const picking = await session('rows', () => rowsProgram(width, 2, false, provider));
      const { host } = await picking.run({ x: await store!, rows: int32(rows, [rows.length]) });
      return floatsOf(host, 'picked');
    },
    async close() {
      for (const each of await Promise.allSettled(sessions.values()))
        if (each.status === 'fulfilled') await each.value.close();
    },
  };
}

/** `zero`, a scalar that keeps the tensor from being computed when the session is made -> `store` [count, width]. */
export function emptyProgram(count: number, width: number, provider?: Provider): Program {
  const graph = new Graph('', { provider });
  const zero = graph.input('zero', 'float32', []);
  graph.output(graph.node('Expand', [zero, graph.int64s([count, width])]), 'store', 'float32', [
    count,
    width,
  ]);
  return graph.program();
}

/**
 * `store` [count, d], `x` [tokens, d] or of rank 3 [rows, tokens, d], `tokens` int32 [n] of it and `rows` int64 [n, 1] of the store, each once
 * -> `next`, the store with those tokens in those rows.
 */
export function putProgram(d: number, rank: number, provider?: Provider): Program {
  const graph = new Graph('', { provider });
  const store = graph.input('store', 'float32', ['count', d]);
  const picked = pickedRows(graph, d, rank, 'tokens');
  const next = graph.node('ScatterND', [store, graph.input('rows', 'int64', ['n', 1]), picked]);
  graph.output(next, 'next', 'float32', ['count', d]);
  return graph.program();
}
