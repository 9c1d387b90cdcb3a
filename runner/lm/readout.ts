/** What directions of the residual stream do to the logits on their own, through the last norm's scale and the head. */
import { cancellationPoint } from '../math/cancellation.ts';
import { keepFirst } from '../math/keep-first.ts';
import { type Device, providerOf } from '../onnx/devices.ts';
import { Graph, type Program, type Provider } from '../onnx/graph.ts';
import { float32, floatsOf, int32sOf, openSession, type Session } from '../onnx/session.ts';
import { startBuild } from './build.ts';
import type { Checkpoint } from './checkpoint.ts';
import type { Family } from './families/family.ts';
import { headTiles } from './head-tiles.ts';

/** Directions that go through the head together. */
const TOGETHER = 256;
/** Numbers of the head that are in memory at a time (256 MiB): of a larger one a part after the other is opened and closed. */
const HELD = 64 << 20;

/** The tokens whose logits a direction raises most, and those that it lowers most, from the largest effect on. */
export interface LogitEffects {
  raised: { ids: Int32Array; values: Float32Array };
  lowered: { ids: Int32Array; values: Float32Array };
}

export interface Readout {
  /**
   * Of each direction the effect of one unit of it on the logits, were the size that the last norm divides by 1: of its norm
   * the weight is in it (and, of LayerNorm, that the mean is taken out), caps on logits are not.
   *
   * @param directions [count, dModel]
   */
  effects(directions: Float32Array): Promise<LogitEffects[]>;
  close(): Promise<void>;
}

/**
 * @param most tokens at each end
 * @param tile most entries of the vocabulary that are held at a time, for tests
 * @throws UnavailableError when the head, or in `effects` a part of it, does not fit on the device
 */
export async function openReadout(
  checkpoint: Checkpoint,
  family: Family,
  options: { most: number; device?: Device; threads?: number; tile?: number },
): Promise<Readout> {
  const { most, device, threads, tile } = options;
  const { dModel, vocabulary } = family;
  const width = Math.min(vocabulary, tile ?? Math.ceil(HELD / dModel));
  const tiles = Math.ceil(vocabulary / width);
  const open = (number: number): Promise<Session> =>
    openSession(readoutProgram(checkpoint, family, { most, width, number, provider: providerOf(device) }), {
      folder: checkpoint.weightsFolder,
      ...(device === undefined ? {} : { device }),
      ...(threads === undefined ? {} : { threads }),
    });
  const whole = tiles === 1 ? await open(0) : null;
  return {
    async effects(directions) {
      const rows = directions.length / dModel;
      const found = Array.from({ length: rows }, () => ({ raised: [] as Effect[], lowered: [] as Effect[] }));
      for (let number = 0; number < tiles; number++) {
        const session = whole ?? (await open(number));
        try {
          for (let from = 0; from < rows; from += TOGETHER) {
            cancellationPoint();
            const part = directions.slice(from * dModel, (from + TOGETHER) * dModel);
            const outputs = await session.run({ directions: float32(part, [part.length / dModel, dModel]) });
            for (const end of ['raised', 'lowered'] as const) {
              const [ids, values] = [int32sOf(outputs, `${end}_ids`), floatsOf(outputs, end)];
              const count = (ids.length * dModel) / part.length;
              ids.forEach((id, i) => {
                const one = { id: number * width + id, value: values[i]! };
                keepFirst(found[from + Math.floor(i / count)]![end], one, most, isBefore[end]);
              });
            }
          }
        } finally {
          if (whole === null) await session.close();
        }
      }
      const arrays = (end: readonly Effect[]): LogitEffects['raised'] => ({
        ids: Int32Array.from(end, ({ id }) => id),
        values: Float32Array.from(end, ({ value }) => value),
      });
      return found.map(({ raised, lowered }) => ({ raised: arrays(raised), lowered: arrays(lowered) }));
    },
    close: async () => whole?.close(),
  };
}

interface Effect {
  id: number;
  value: number;
}

/** Of equal effects the lower id first. */
const isBefore = {
  raised: (a: Effect, b: Effect): boolean => a.value > b.value || (a.value === b.value && a.id < b.id),
  lowered: (a: Effect, b: Effect): boolean => a.value < b.value || (a.value === b.value && a.id < b.id),
};

/** `directions` [rows, dModel] -> at each end of a stretch of the vocabulary values of `most` tokens, and their places in it, [rows, most]. */
export function readoutProgram(
  checkpoint: Checkpoint,
  family: Family,
  { most, width, number, provider }: { most: number; width: number; number: number; provider?: Provider },
): Program {
  const graph = new Graph('', { provider });
  const directions = graph.input('directions', 'float32', ['rows', family.dModel]);
  const build = startBuild(graph, checkpoint, graph.int64s([1, 1]), 1);
  const tile = headTiles(build, checkpoint, family, width, 'readout')[number]!;
  const logits = tile.logits(directions);
  const count = Math.min(most, tile.size);
  for (const [name, largest] of [
    ['raised', 1],
    ['lowered', 0],
  ] as const) {
    const [values, places] = graph.nodes('TopK', [logits, graph.int64s([count])], {
      outputs: 2,
      attributes: { axis: -1, largest, sorted: 1 },
    });
    graph.output(values!, name, 'float32', ['rows', count]);
    graph.output(graph.node('Cast', [places!], { attributes: { to: 6 } }), `${name}_ids`, 'int32', [
      'rows',
      count,
    ]);
  }
  return graph.program();
}
