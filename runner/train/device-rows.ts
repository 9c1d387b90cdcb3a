/** Activations that lie on a device, and steps on rows of them: of every token its number alone goes there. */
import { Graph, type Program, type Provider, type Value } from '../onnx/graph.ts';
import { type Feeds, float32, floatsOf, type HeldTensor, int32 } from '../onnx/session.ts';

/** Tokens at a hook, where a device has them: rows of a tensor [tokens, d] or [rows, tokens, d]. */
export interface DeviceRows {
  tensor: HeldTensor;
  /** Numbers of the tokens among all of the tensor's. */
  rows: Int32Array;
}

/** Activations of some tokens at a hook, [tokens, d]: an array of the host's, or rows on a device. */
export type Activations = Float32Array | DeviceRows;

/** What a step is given, [recipe.batchTokens, d]. */
export type Batch =
  | Float32Array
  | (DeviceRows & { /** What rows are multiplied by, a float32. */ scale: number });

export function tokensOf(x: Activations, d: number): number {
  return x instanceof Float32Array ? x.length / d : x.rows.length;
}

/** Some tokens of activations, in an order; those of the host are scaled already. */
export function batchOf(x: Activations, order: Uint32Array, d: number, scale: number): Batch {
  if (!(x instanceof Float32Array))
    return { tensor: x.tensor, rows: Int32Array.from(order, (token) => x.rows[token]!), scale };
  const batch = new Float32Array(order.length * d);
  order.forEach((token, at) => {
    batch.set(x.subarray(token * d, (token + 1) * d), at * d);
  });
  return batch;
}

/** All of them in an array of the host's, which is not to be changed. */
export async function hostRows(x: Activations | Batch): Promise<Float32Array> {
  if (x instanceof Float32Array) return x;
  const all = floatsOf({ x: await x.tensor.read() }, 'x');
  const d = x.tensor.description().dims.at(-1)!;
  const scale = 'scale' in x ? x.scale : 1;
  const found = batchOf(all, Uint32Array.from(x.rows), d, scale) as Float32Array;
  return scale === 1 ? found : found.map((value) => value * scale);
}

/** `x` [tokens, d], of rank 3 [rows, tokens, d], and `rows` int32 [n] -> `picked` [n, d], multiplied by the scalar `scale` where that is asked for. */
export function rowsProgram(d: number, rank: number, isScaled: boolean, provider?: Provider): Program {
  const graph = new Graph('', { provider });
  const picked = pickedRows(graph, d, rank, 'rows');
  const given = isScaled ? graph.node('Mul', [picked, graph.input('scale', 'float32', [])]) : picked;
  graph.output(given, 'picked', 'float32', ['n', d]);
  return graph.program();
}

/** Rows of the input `x`, [tokens, d] or of rank 3 [rows, tokens, d], whose numbers an input int32 [n] has: [n, d]. */
export function pickedRows(graph: Graph, d: number, rank: number, rows: string): Value {
  const x = graph.input('x', 'float32', rank === 3 ? ['rows', 'tokens', d] : ['tokens', d]);
  const flat = rank === 3 ? graph.node('Reshape', [x, graph.int64s([-1, d])]) : x;
  return graph.node('Gather', [flat, graph.input(rows, 'int32', ['n'])]);
}

export function rowFeeds({ tensor, rows, scale }: Exclude<Batch, Float32Array>): Feeds {
  return {
    x: tensor,
    rows: int32(rows, [rows.length]),
    ...(scale === 1 ? {} : { scale: float32(Float32Array.of(scale), []) }),
  };
}
