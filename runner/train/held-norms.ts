/** Tokens of high norm among activations on a device: those that may be beyond a limit alone come to the host, which decides. */
import { type Device, providerOf } from '../onnx/devices.ts';
import { Graph, type Program, type Provider } from '../onnx/graph.ts';
import { floatsOf, type HeldTensor, type HoldingSession, int32 } from '../onnx/session.ts';
import { openOnDevice } from './backends/state-holder.ts';
import { rowsProgram } from './device-rows.ts';
import { type HighNorm, highNorms } from './token-policy.ts';

/** Far more than sums of float32 in another order differ by. */
const MARGIN = 1e-3;

export interface HeldNorms {
  /** As `highNorms`, of a tensor [rows, tokens, d]. */
  beyond(x: HeldTensor, limit: number): Promise<HighNorm[]>;
  close(): Promise<void>;
}

export function heldNorms(options: { device: Device; threads?: number }): HeldNorms {
  const provider = providerOf(options.device);
  const sessions = new Map<string, Promise<HoldingSession>>();
  const session = (name: string, program: () => Program): Promise<HoldingSession> => {
    const known = sessions.get(name) ?? openOnDevice(program(), [], options);
    sessions.set(name, known);
    return known;
  };
  return {
    async beyond(x, limit) {
      const d = x.description().dims.at(-1)!;
      const squaring = await session(`squares ${d}`, () => squaresProgram(d, provider));
      const squares = floatsOf((await squaring.run({ x })).host, 'squares');
      // What is no number is looked at too.
      const rows = Int32Array.from(squares.keys()).filter(
        (token) => !(Math.sqrt(squares[token]!) < (1 - MARGIN) * limit),
      );
      if (rows.length === 0) return [];
      const picking = await session(`rows ${d}`, () => rowsProgram(d, 3, false, provider));
      const picked = floatsOf((await picking.run({ x, rows: int32(rows, [rows.length]) })).host, 'picked');
      return highNorms(picked, d, limit).map((found) => ({ ...found, token: rows[found.token]! }));
    },
    async close() {
      for (const each of await Promise.allSettled(sessions.values()))
        if (each.status === 'fulfilled') await each.value.close();
    },
  };
}

/** `x` [rows, tokens, d] -> `squares` [rows · tokens], Σx² of each token. */
export function squaresProgram(d: number, provider?: Provider): Program {
  const graph = new Graph('', { provider });
  const x = graph.input('x', 'float32', ['rows', 'tokens', d]);
  const squares = graph.node('ReduceSumSquare', [x, graph.int64s([2])], { attributes: { keepdims: 0 } });
  graph.output(graph.node('Reshape', [squares, graph.int64s([-1])]), 'squares', 'float32', ['n']);
  return graph.program();
}
