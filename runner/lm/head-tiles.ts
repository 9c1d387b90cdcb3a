import { Graph, type Value } from '../onnx/graph.ts';
import { type Build, startBuild } from './build.ts';
import type { Checkpoint } from './checkpoint.ts';
import type { Family } from './families/family.ts';
import { cutRows } from './stored-tensors.ts';

/** Most logits that exist at a time: 2^28 of them are 1 GiB. */
const LOGITS_LIMIT = 2 ** 28;
/** Positions (rows · tokens) of the largest batch that the limit is kept for. */
const POSITIONS = 8192;

/**
 * How many entries of the vocabulary the head computes at a time to stay within the limit: the whole vocabulary where
 * it fits, else tiles of one width, the last one narrower.
 *
 * @param held arrays of the size of the logits that are needed at a time
 */
export function tileWidth(vocabulary: number, held = 1): number {
  const tiles = Math.min(vocabulary, Math.ceil((held * POSITIONS * vocabulary) / LOGITS_LIMIT));
  return Math.ceil(vocabulary / tiles);
}

/** A stretch of the vocabulary: entries from `from` on, `size` of them. */
export interface Tile {
  from: number;
  size: number;
  /** Residual after the last block -> logits of these entries, [rows·tokens, size]; or what `part` of the family gives. */
  logits(residual: Value): Value;
}

/**
 * The head of a family, cut along the vocabulary. The rows of its weight for a tile are one stretch of the file, so
 * that each is a weight of its own lying where it lay, and the family's own head builds on it as if it were whole.
 *
 * @throws MalformedError when the head's weight is missing or has another shape or type
 */
export function headTiles(
  build: Build,
  checkpoint: Checkpoint,
  family: Family,
  width: number,
  part: 'head' | 'readout' = 'head',
): Tile[] {
  const { vocabulary } = family;
  if (width >= vocabulary) {
    return [{ from: 0, size: vocabulary, logits: (residual) => family[part](build, residual) }];
  }
  return Array.from({ length: Math.ceil(vocabulary / width) }, (_, i) => {
    const from = i * width;
    const size = Math.min(width, vocabulary - from);
    const cut: Cut = { from, size, part };
    return { from, size, logits: (residual) => cutHead(build, checkpoint, family, cut, residual) };
  });
}

interface Cut extends Pick<Tile, 'from' | 'size'> {
  part: 'head' | 'readout';
}

function cutHead(
  build: Build,
  checkpoint: Checkpoint,
  family: Family,
  { part: of, ...stretch }: Cut,
  residual: Value,
): Value {
  const { graph, rowsAndTokens, maxTokens } = build;
  // Checks a weight as a whole; what it builds is thrown away.
  const whole = startBuild(new Graph('', build.graph), checkpoint, rowsAndTokens, maxTokens, build.kernels);
  let head: string | undefined;
  const logits = family[of](
    {
      ...build,
      weight(name, shape, part) {
        const isHead = shape.length === 2 && shape[0] === family.vocabulary;
        // Of a head that is the embedding too it has a name of its own.
        const isBias = name === head?.replace(/weight$/, 'bias') || /(^|\.)lm_head\.bias$/.test(name);
        if (!isHead && !isBias) return build.weight(name, shape, part);
        if (isHead) head = name;
        whole.weight(name, shape);
        const place = cutRows(checkpoint.tensors.get(name)!, stretch);
        const rows = { ...checkpoint, tensors: new Map([[name, place]]) };
        return startBuild(graph, rows, rowsAndTokens, maxTokens, build.kernels).weight(name, place.shape);
      },
    },
    residual,
  );
  if (head === undefined)
    throw new TypeError(`family ${family.name}: its head has no weight [vocabulary, …]`);
  return logits;
}
