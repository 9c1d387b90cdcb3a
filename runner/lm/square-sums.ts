/** Sums of squares of tensors that lie on devices: whether all of their numbers are finite, for one that comes to the host. */
import { type Device, providerOf } from '../onnx/devices.ts';
import { Graph, type Program, type Provider } from '../onnx/graph.ts';
import {
  floatsOf,
  type HeldTensor,
  openSession,
  type Session,
  type SessionOptions,
} from '../onnx/session.ts';

export interface SquareSums {
  /** Of a tensor [rows, tokens, d], where it lies; not finite where a number is not, and where one is beyond about 1e19. */
  of(tensor: HeldTensor): Promise<number>;
  close(): Promise<void>;
}

/** How its programs are run. */
type Running = Pick<SessionOptions, 'threads' | 'aside'>;

/** A session for each device and width, opened when it is needed. */
export function openSquareSums(running: Running): SquareSums {
  const sessions = new Map<string, Promise<Session>>();
  return {
    async of(tensor) {
      const { device } = tensor;
      const d = tensor.description().dims.at(-1)!;
      const key = `${device} ${d}`;
      const session = sessions.get(key) ?? open(device, d, running);
      sessions.set(key, session);
      return floatsOf(await (await session).run({ x: tensor }), 'squares')[0]!;
    },
    async close() {
      const open = [...sessions.values()];
      sessions.clear();
      for (const session of await Promise.allSettled(open))
        if (session.status === 'fulfilled') await session.value.close();
    },
  };
}

function open(device: Device, d: number, running: Running): Promise<Session> {
  return openSession(squareSumProgram(d, providerOf(device)), {
    device,
    ...running,
  });
}

/** `x` [rows, tokens, d] -> `squares`, a scalar. */
export function squareSumProgram(d: number, provider?: Provider): Program {
  const graph = new Graph('', { provider });
  const x = graph.input('x', 'float32', ['rows', 'tokens', d]);
  const squares = graph.node('ReduceSumSquare', [x, graph.int64s([0, 1, 2])], {
    attributes: { keepdims: 0 },
  });
  graph.output(squares, 'squares', 'float32', []);
  return graph.program();
}
