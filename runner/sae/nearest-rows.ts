/** Which decoder rows of an SAE lie nearest to some of its rows, by cosine: products on a device, a block of rows at a time. */
import { cancellationPoint } from '../math/cancellation.ts';
import { keepFirst } from '../math/keep-first.ts';
import { providerOf } from '../onnx/devices.ts';
import { Graph, type Program, type Provider, type Value } from '../onnx/graph.ts';
import { length } from '../onnx/reductions.ts';
import {
  float32,
  floatsOf,
  int32sOf,
  openSession,
  type Session,
  type SessionOptions,
} from '../onnx/session.ts';
import { BLOCK_ROWS, type DecoderRows, pickedRows } from './directions.ts';

export interface Neighbour {
  latent: number;
  cosine: number;
}

/** Latents that are looked for at once: their product with a block of rows takes 32 MiB. */
const ASKED_ROWS = 2_048;
/** Stands for the cosine with a row of zeros, which has none. */
const NONE = -4;
/** Least length of a row that is not of zeros. */
const TINY = 1e-30;

export interface NearestOptions extends SessionOptions {
  /** Rows of the latents asked for, [latents, d], where they were read before. */
  picked?: Float32Array | undefined;
  /** Most rows of a block, for tests. */
  blockRows?: number;
}

/**
 * @param decoder a row of zeros is nobody's neighbour and has none
 * @param latents whose neighbours are asked for; memory is that of `most` for each, their rows, and a block
 * @returns of each the nearest others, the nearest first, of equal ones the lowest
 */
export async function nearestRows(
  decoder: DecoderRows,
  latents: readonly number[],
  most: number,
  { picked, blockRows = BLOCK_ROWS, ...options }: NearestOptions = {},
): Promise<Neighbour[][]> {
  const { d, d_sae } = decoder;
  const found = latents.map((): Neighbour[] => []);
  if (latents.length === 0 || most === 0) return found;
  const blocks = Math.ceil(d_sae / blockRows);
  // Blocks of one length but for one row: each has as many rows as are asked of it.
  const edge = (block: number): number => Math.floor((block * d_sae) / blocks);
  // The row itself is among the nearest.
  const count = Math.min(most + 1, edge(1));
  const session = await openSession(nearestProgram(count, providerOf(options.device)), options);
  try {
    for (let first = 0; first < latents.length; first += ASKED_ROWS) {
      const asked = latents.slice(first, first + ASKED_ROWS);
      const queries =
        picked?.slice(first * d, (first + ASKED_ROWS) * d) ?? (await pickedRows(decoder, asked));
      for (let block = 0; block < blocks; block++) {
        cancellationPoint();
        const [from, to] = [edge(block), edge(block + 1)];
        const near = await nearestOf(session, queries, await decoder.block(from, to), d);
        for (const [i, latent] of asked.entries()) {
          if (isZero(queries.subarray(i * d, (i + 1) * d))) continue;
          for (let slot = i * count; slot < (i + 1) * count; slot++) {
            const other = from + near.places[slot]!;
            const cosine = near.cosines[slot]!;
            if (other === latent || cosine < NONE / 2) continue;
            keepFirst(found[first + i]!, { latent: other, cosine }, most, isBefore);
          }
        }
      }
    }
  } finally {
    await session.close();
  }
  return found;
}

function isZero(row: Float32Array): boolean {
  return row.every((value) => value === 0);
}

async function nearestOf(session: Session, queries: Float32Array, block: Float32Array, d: number) {
  const outputs = await session.run({
    queries: float32(queries, [queries.length / d, d]),
    block: float32(block, [block.length / d, d]),
  });
  return { cosines: floatsOf(outputs, 'cosines'), places: int32sOf(outputs, 'places') };
}

/** The nearest first, of equal ones the lowest. */
function isBefore(a: Neighbour, b: Neighbour): boolean {
  return a.cosine > b.cosine || (a.cosine === b.cosine && a.latent < b.latent);
}

/** `queries` [M, d], `block` [N, d] -> cosines (NONE with rows of zeros) and places in the block of the `count` nearest of each, [M, count]. */
export function nearestProgram(count: number, provider?: Provider): Program {
  const graph = new Graph('', { provider });
  const queries = graph.input('queries', 'float32', ['M', 'd']);
  const block = graph.input('block', 'float32', ['N', 'd']);
  const lengthOf = (rows: Value): Value => length(graph, rows, 1);
  const unit = (rows: Value, lengths: Value): Value =>
    graph.node('Div', [rows, graph.node('Max', [lengths, graph.scalar(TINY)])]);
  const lengths = lengthOf(block);
  const isZero = graph.node('Equal', [lengths, graph.scalar(0)]);
  const absent = graph.node('Where', [isZero, graph.scalar(NONE), graph.scalar(0)]);
  const cosine = graph.node(
    'Gemm',
    [unit(queries, lengthOf(queries)), unit(block, lengths), graph.node('Transpose', [absent])],
    { attributes: { transB: 1 } },
  );
  const [cosines, places] = graph.nodes('TopK', [cosine, graph.int64s([count])], {
    outputs: 2,
    attributes: { axis: -1, largest: 1, sorted: 1 },
  });
  graph.output(cosines!, 'cosines', 'float32', ['M', count]);
  graph.output(graph.node('Cast', [places!], { attributes: { to: 6 } }), 'places', 'int32', ['M', count]);
  return graph.program();
}
