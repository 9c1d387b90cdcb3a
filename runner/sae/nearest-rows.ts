/** Which decoder rows of an SAE lie nearest to some of its rows, by cosine: products on a device, a block of rows at a time. */
import { cancellationPoint } from '../math/cancellation.ts';
import { Graph, type Program } from '../onnx/graph.ts';
import {
  float32,
  floatsOf,
  int32sOf,
  openSession,
  type Session,
  type SessionOptions,
} from '../onnx/session.ts';

export interface Neighbour {
  latent: number;
  cosine: number;
}

/** Rows of a block, and latents that are looked for at once: their product takes 16 MiB. */
const BLOCK_ROWS = 4_096;
const ASKED_ROWS = 1_024;

export interface NearestOptions extends SessionOptions {
  /** Most rows of a block, for tests. */
  blockRows?: number;
}

/**
 * @param rows [d_sae, d] row-major; a row of zeros is nobody's neighbour and has none
 * @param latents whose neighbours are asked for; memory is that of `most` for each, and of two blocks
 * @returns of each the nearest others, the nearest first, of equal ones the lowest
 */
export async function nearestRows(
  rows: Float32Array,
  d: number,
  latents: readonly number[],
  most: number,
  { blockRows = BLOCK_ROWS, ...options }: NearestOptions = {},
): Promise<Neighbour[][]> {
  const found = latents.map((): Neighbour[] => []);
  const { unit, kept } = unitRows(rows, d);
  const places = new Map(Array.from(kept, (latent, place) => [latent, place]));
  /** Numbers among those asked for, without rows of zeros. */
  const asked = latents.flatMap((latent, i) => (places.has(latent) ? [i] : []));
  if (asked.length === 0 || most === 0) return found;
  const blocks = Math.ceil(kept.length / blockRows);
  // Blocks of one length but for one row: each has as many rows as are asked of it.
  const edge = (block: number): number => Math.floor((block * kept.length) / blocks);
  // The row itself is among the nearest.
  const count = Math.min(most + 1, edge(1));
  const session = await openSession(nearestProgram(count), options);
  try {
    for (let first = 0; first < asked.length; first += ASKED_ROWS) {
      const part = asked.slice(first, first + ASKED_ROWS);
      const queries = new Float32Array(part.length * d);
      for (const [i, number] of part.entries()) {
        const at = places.get(latents[number]!)! * d;
        queries.set(unit.subarray(at, at + d), i * d);
      }
      for (let block = 0; block < blocks; block++) {
        cancellationPoint();
        const [from, to] = [edge(block), edge(block + 1)];
        const near = await nearestOf(session, queries, unit.slice(from * d, to * d), d);
        for (const [i, number] of part.entries()) {
          for (let slot = i * count; slot < (i + 1) * count; slot++) {
            const latent = kept[from + near.places[slot]!]!;
            if (latent !== latents[number])
              keep(found[number]!, { latent, cosine: near.cosines[slot]! }, most);
          }
        }
      }
    }
  } finally {
    await session.close();
  }
  return found;
}

async function nearestOf(session: Session, queries: Float32Array, block: Float32Array, d: number) {
  const outputs = await session.run({
    queries: float32(queries, [queries.length / d, d]),
    block: float32(block, [block.length / d, d]),
  });
  return { cosines: floatsOf(outputs, 'cosines'), places: int32sOf(outputs, 'places') };
}

/** Rows that are not zero, at unit length: [kept, d]. */
function unitRows(rows: Float32Array, d: number): { unit: Float32Array; kept: Int32Array } {
  const unit = new Float32Array(rows.length);
  const kept: number[] = [];
  for (let row = 0; row < rows.length / d; row++) {
    cancellationPoint();
    let square = 0;
    for (let i = row * d; i < (row + 1) * d; i++) square += rows[i]! * rows[i]!;
    if (square === 0) continue;
    const [scale, into] = [1 / Math.sqrt(square), kept.length * d];
    for (let i = 0; i < d; i++) unit[into + i] = rows[row * d + i]! * scale;
    kept.push(row);
  }
  return { unit: unit.subarray(0, kept.length * d), kept: Int32Array.from(kept) };
}

/** Inserts into a list of at most `most`, largest first; of equal ones the first stays before. */
function keep(list: Neighbour[], one: Neighbour, most: number): void {
  if (list.length === most && !(one.cosine > list.at(-1)!.cosine)) return;
  let place = list.length;
  while (place > 0 && list[place - 1]!.cosine < one.cosine) place--;
  list.splice(place, 0, one);
  if (list.length > most) list.pop();
}

/** `queries` [M, d], `block` [N, d] -> cosines and places in the block of the `count` nearest of each, [M, count]. */
function nearestProgram(count: number): Program {
  const graph = new Graph();
  const queries = graph.input('queries', 'float32', ['M', 'd']);
  const block = graph.input('block', 'float32', ['N', 'd']);
  const product = graph.node('Gemm', [queries, block], { attributes: { transB: 1 } });
  const [cosines, places] = graph.nodes('TopK', [product, graph.int64s([count])], {
    outputs: 2,
    attributes: { axis: -1, largest: 1, sorted: 1 },
  });
  graph.output(cosines!, 'cosines', 'float32', ['M', count]);
  graph.output(graph.node('Cast', [places!], { attributes: { to: 6 } }), 'places', 'int32', ['M', count]);
  return graph.program();
}
