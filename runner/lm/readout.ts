/** What directions of the residual stream do to the logits on their own, through the last norm's scale and the head. */
import { cancellationPoint } from '../math/cancellation.ts';
import type { Device } from '../onnx/devices.ts';
import { Graph, type Value } from '../onnx/graph.ts';
import { float32, floatsOf, int32sOf, openSession } from '../onnx/session.ts';
import { startBuild } from './build.ts';
import type { Checkpoint } from './checkpoint.ts';
import type { Family } from './families/family.ts';
import { headTiles } from './head-tiles.ts';

/** Directions that go through the head together. */
const TOGETHER = 256;
/** Entries of the vocabulary whose logits exist at a time: with as many directions 64 MiB. */
const TILE = 65_536;

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
 * @throws UnavailableError when the head does not fit on the device
 */
export async function openReadout(
  checkpoint: Checkpoint,
  family: Family,
  { most, device, threads }: { most: number; device?: Device; threads?: number },
): Promise<Readout> {
  const count = Math.min(most, family.vocabulary);
  const program = readoutProgram(checkpoint, family, count);
  const session = await openSession(program, {
    folder: checkpoint.folder,
    ...(device === undefined ? {} : { device }),
    ...(threads === undefined ? {} : { threads }),
  });
  const { dModel } = family;
  return {
    async effects(directions) {
      const found: LogitEffects[] = [];
      for (let from = 0; from < directions.length; from += TOGETHER * dModel) {
        cancellationPoint();
        const part = directions.slice(from, from + TOGETHER * dModel);
        const rows = part.length / dModel;
        const outputs = await session.run({ directions: float32(part, [rows, dModel]) });
        const end = (name: string, row: number) => ({
          ids: int32sOf(outputs, `${name}_ids`).slice(row * count, (row + 1) * count),
          values: floatsOf(outputs, name).slice(row * count, (row + 1) * count),
        });
        for (let row = 0; row < rows; row++)
          found.push({ raised: end('raised', row), lowered: end('lowered', row) });
      }
      return found;
    },
    close: () => session.close(),
  };
}

/** `directions` [rows, dModel] -> at each end values and ids of `count` tokens, [rows, count]. */
function readoutProgram(checkpoint: Checkpoint, family: Family, count: number) {
  const graph = new Graph();
  const directions = graph.input('directions', 'float32', ['rows', family.dModel]);
  const build = startBuild(graph, checkpoint, graph.int64s([1, 1]), 1);
  const tiles = headTiles(build, checkpoint, family, Math.min(TILE, family.vocabulary), 'readout');
  const logits = tiles.map((tile) => tile.logits(directions));
  for (const [name, largest] of [
    ['raised', 1],
    ['lowered', 0],
  ] as const) {
    const ends = tiles.map(({ from, size }, i) =>
      endOf(graph, logits[i]!, { count: Math.min(count, size), largest, from }),
    );
    const values = graph.node(
      'Concat',
      ends.map(([value]) => value!),
      { attributes: { axis: 1 } },
    );
    const ids = graph.node(
      'Concat',
      ends.map(([, id]) => id!),
      { attributes: { axis: 1 } },
    );
    const [best, places] = top(graph, values, count, largest);
    const chosen = graph.node('GatherElements', [ids, places!], { attributes: { axis: 1 } });
    graph.output(best!, name, 'float32', ['rows', count]);
    graph.output(chosen, `${name}_ids`, 'int32', ['rows', count]);
  }
  return graph.program();
}

function endOf(
  graph: Graph,
  logits: Value,
  { count, largest, from }: { count: number; largest: 0 | 1; from: number },
): [Value, Value] {
  const [values, places] = top(graph, logits, count, largest);
  const ids = graph.node('Cast', [places!], { attributes: { to: 6 } });
  return [values!, graph.node('Add', [ids, graph.int32s([from], [])])];
}

function top(graph: Graph, x: Value, count: number, largest: 0 | 1): Value[] {
  return graph.nodes('TopK', [x, graph.int64s([count])], {
    outputs: 2,
    attributes: { axis: -1, largest, sorted: 1 },
  });
}
