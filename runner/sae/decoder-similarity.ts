/**
 * Decoder rows of two SAEs against one another: of each latent the greatest cosine with a latent of the other. Worked
 * on in blocks, so that memory does not grow with the SAEs: a product of two blocks and its greatest values by row and by
 * column are all that is held of the d_sae × d_sae cosines.
 */
import { cancellationPoint } from '../math/cancellation.ts';
import { providerOf } from '../onnx/devices.ts';
import { Graph, type Program, type Provider } from '../onnx/graph.ts';
import { largest } from '../onnx/reductions.ts';
import {
  discard,
  float32,
  floatsOf,
  openSession,
  type Session,
  type SessionOptions,
} from '../onnx/session.ts';
import type { Sae } from './sae.ts';
import { isStored, type StoredSae } from './stored-sae.ts';

/** Floats of one block of rows (64 MiB). */
const BLOCK_FLOATS = 16 << 20;
/** Rows of a block: two of them make a product of 64 MiB at most. */
const BLOCK_ROWS = 4_096;

/** An SAE whose decoder is compared. */
export interface DecoderRows {
  sae: Sae | StoredSae;
  /** 1 for each latent that takes part, [d_sae]. */
  kept: Uint8Array;
}

/** Unit rows of some of an SAE's latents. */
interface Block {
  /** [latents, d] */
  rows: Float32Array;
  latents: Int32Array;
}

/** Of each latent of an SAE the greatest cosine with one of the other; −∞ where it takes no part. */
export interface Nearest {
  first: Float32Array;
  second: Float32Array;
}

export interface Comparer {
  /**
   * The same SAE twice is compared with itself, every latent with the others; both results are then the same array.
   *
   * @param between called between products, with the floating-point operations since the last call
   */
  nearest(first: DecoderRows, second: DecoderRows, between?: (operations: number) => void): Promise<Nearest>;
  close(): Promise<void>;
}

/**
 * Floating-point operations of a comparison: of an SAE with itself half of them.
 *
 * @param d width of the rows
 */
export function comparisonOperations<T extends Pick<DecoderRows, 'kept'>>(
  first: T,
  second: T,
  d: number,
): number {
  const all = 2 * countOf(first) * countOf(second) * d;
  return first === second ? all / 2 : all;
}

export function countOf({ kept }: Pick<DecoderRows, 'kept'>): number {
  return kept.reduce((sum, each) => sum + each, 0);
}

/** @param blockRows most rows of a block, for tests */
export async function openComparer(options: SessionOptions = {}, blockRows = BLOCK_ROWS): Promise<Comparer> {
  const session = await openSession(productProgram(providerOf(options.device)), options);
  return {
    nearest: (first, second, between = () => undefined) =>
      first === second
        ? withItself(session, first, blockRows, between)
        : withOther(session, [first, second], blockRows, between),
    close: () => session.close(),
  };
}

async function withOther(
  session: Session,
  [first, second]: readonly [DecoderRows, DecoderRows],
  blockRows: number,
  between: (operations: number) => void,
): Promise<Nearest> {
  const found = { first: nothing(first), second: nothing(second) };
  for (const [from, to] of stripes(first, blockRows)) {
    const a = await unitRows(first, from, to);
    if (a.latents.length === 0) continue;
    for (const [start, end] of stripes(second, blockRows)) {
      const b = await unitRows(second, start, end);
      if (b.latents.length === 0) continue;
      const { rows, columns } = await greatest(session, a, b);
      raise(found.first, a.latents, rows);
      raise(found.second, b.latents, columns);
      between(2 * a.rows.length * b.latents.length);
    }
  }
  return found;
}

async function withItself(
  session: Session,
  sae: DecoderRows,
  blockRows: number,
  between: (operations: number) => void,
): Promise<Nearest> {
  const found = nothing(sae);
  const all = stripes(sae, blockRows);
  for (const [i, [from, to]] of all.entries()) {
    const a = await unitRows(sae, from, to);
    if (a.latents.length === 0) continue;
    raise(found, a.latents, await greatestOfOthers(session, a));
    between(a.rows.length * a.latents.length);
    for (const [start, end] of all.slice(i + 1)) {
      const b = await unitRows(sae, start, end);
      if (b.latents.length === 0) continue;
      const { rows, columns } = await greatest(session, a, b);
      raise(found, a.latents, rows);
      raise(found, b.latents, columns);
      between(2 * a.rows.length * b.latents.length);
    }
  }
  return { first: found, second: found };
}

/** Of each row of `a` and of `b` the greatest cosine with one of the other. */
async function greatest(
  session: Session,
  a: Block,
  b: Block,
): Promise<{ rows: Float32Array; columns: Float32Array }> {
  const outputs = await session.run(feedsOf(a, b), ['rows', 'columns']);
  return { rows: floatsOf(outputs, 'rows'), columns: floatsOf(outputs, 'columns') };
}

/** Of each row the greatest cosine with another one of the block. */
async function greatestOfOthers(session: Session, block: Block): Promise<Float32Array> {
  const cosines = floatsOf(await session.run(feedsOf(block, block), ['cosines']), 'cosines');
  const count = block.latents.length;
  const found = new Float32Array(count).fill(Number.NEGATIVE_INFINITY);
  for (let i = 0; i < count; i++) {
    cancellationPoint();
    for (let j = 0; j < count; j++) {
      const cosine = cosines[i * count + j]!;
      if (j !== i && cosine > found[i]!) found[i] = cosine;
    }
  }
  discard(cosines);
  return found;
}

function feedsOf(a: Block, b: Block) {
  const width = a.rows.length / a.latents.length;
  return {
    a: float32(a.rows, [a.latents.length, width]),
    b: float32(b.rows, [b.latents.length, width]),
  };
}

/** a [M, d], b [N, d] -> cosines [M, N], and the greatest of each row and of each column. */
export function productProgram(provider?: Provider): Program {
  const graph = new Graph('', { provider });
  const a = graph.input('a', 'float32', ['M', 'd']);
  const b = graph.input('b', 'float32', ['N', 'd']);
  const cosines = graph.node('Gemm', [a, b], { attributes: { transB: 1 } });
  const over = (axis: number) => graph.node('Squeeze', [largest(graph, cosines, axis), graph.int64s([axis])]);
  graph.output(cosines, 'cosines', 'float32', ['M', 'N']);
  graph.output(over(1), 'rows', 'float32', ['M']);
  graph.output(over(0), 'columns', 'float32', ['N']);
  return graph.program();
}

/** Decoder rows of the kept latents from..to as unit vectors; a row of zeros stays one, whose cosine with any other is 0. */
async function unitRows({ sae, kept }: DecoderRows, from: number, to: number): Promise<Block> {
  const d = sae.d_in;
  const latents = Int32Array.from({ length: to - from }, (_, i) => from + i).filter(
    (latent) => kept[latent] !== 0,
  );
  const rows = new Float32Array(latents.length * d);
  if (latents.length === 0) return { rows, latents };
  const stored = isStored(sae)
    ? await sae.W_dec.block({ rows: [from, to], columns: [0, d] })
    : sae.W_dec.subarray(from * d, to * d);
  for (const [place, latent] of latents.entries()) {
    cancellationPoint();
    const [at, into] = [(latent - from) * d, place * d];
    let squared = 0;
    for (let i = 0; i < d; i++) squared += stored[at + i]! ** 2;
    const scale = squared === 0 ? 0 : 1 / Math.sqrt(squared);
    for (let i = 0; i < d; i++) rows[into + i] = stored[at + i]! * scale;
  }
  return { rows, latents };
}

function stripes({ sae: { d_in, d_sae } }: DecoderRows, most: number): [number, number][] {
  const size = Math.max(1, Math.min(most, Math.floor(BLOCK_FLOATS / d_in)));
  return Array.from({ length: Math.ceil(d_sae / size) }, (_, i): [number, number] => [
    i * size,
    Math.min(d_sae, (i + 1) * size),
  ]);
}

function nothing({ sae: { d_sae } }: DecoderRows): Float32Array {
  return new Float32Array(d_sae).fill(Number.NEGATIVE_INFINITY);
}

function raise(found: Float32Array, latents: Int32Array, values: Float32Array): void {
  for (let i = 0; i < latents.length; i++) {
    const latent = latents[i]!;
    if (values[i]! > found[latent]!) found[latent] = values[i]!;
  }
}
