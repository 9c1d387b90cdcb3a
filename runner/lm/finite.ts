/** Numbers that are none: found where a language model first gives one, and traced to the weight they came from. */
import { join } from 'node:path';
import { MalformedError, quote } from '../errors.ts';
import { isFloatType, numberTypes, toFloat32 } from '../formats/number-types.ts';
import { hookName } from '../hook.ts';
import { withFile } from '../io/byte-source.ts';
import type { Checkpoint } from './checkpoint.ts';
import type { ModelParts } from './parts.ts';
import type { PlacedSegment } from './placement.ts';

/** Bytes of a weight read at a time. */
const READ_AT_ONCE = 1 << 24;

/** Index of the first NaN or infinity; −1 where all are numbers. */
export function firstNotFinite(values: Float32Array): number {
  let sum = 0;
  // x − x is 0 for a number and NaN for what is none, and a sum keeps a NaN.
  for (let i = 0; i < values.length; i++) sum += values[i]! - values[i]!;
  return sum === 0 ? -1 : values.findIndex((value) => !Number.isFinite(value));
}

export interface NonFinite {
  /** What holds the value: the residual after the segment, or the losses. */
  what: 'residual' | 'loss' | 'divergence';
  segment: number;
  value: number;
  /** Position in the batch, and its width in tokens. */
  position: number;
  tokens: number;
  /** Whether the segment was already given such a number. */
  given: boolean;
}

/** The error for such a value. Reads the segment's weights, to name the tensor that holds one if it is there. */
export async function notFinite(
  checkpoint: Checkpoint,
  parts: ModelParts,
  segments: readonly PlacedSegment[],
  found: NonFinite,
): Promise<MalformedError> {
  const { what, segment, position, tokens } = found;
  const { first, last, hook, to } = segments[segment]!;
  const blocks = last < first ? 'no block' : first === last ? `block ${first}` : `blocks ${first} to ${last}`;
  const ends = segment === segments.length - 1 ? ' and the head' : '';
  const after = hook === null || to === null ? '' : `, before hook ${hookName(to)}`;
  const place = `row ${Math.floor(position / tokens)}, token ${position % tokens}`;
  return new MalformedError({
    thing: `${checkpoint.folder}, segment ${segment + 1} of ${segments.length} (${blocks}${ends}${after})`,
    found: `${what} ${found.value} at ${place}${await reason(checkpoint, parts, segments, found)}`,
    expected: 'finite numbers',
    next: 'Download the checkpoint again; if it is whole, its numbers do not fit float32.',
  });
}

async function reason(
  checkpoint: Checkpoint,
  parts: ModelParts,
  segments: readonly PlacedSegment[],
  { segment, given }: NonFinite,
): Promise<string> {
  if (given) return ', from a residual that already held one: what replaced it is at fault';
  const { first, last } = segments[segment]!;
  const names = [
    ...(segment === 0 ? parts.embedding.keys() : []),
    ...parts.blocks.slice(first, last + 1).flatMap((part) => [...part.keys()]),
    ...(segment === segments.length - 1 ? parts.head.keys() : []),
  ];
  for (const name of names) {
    const found = await inTensor(checkpoint, name);
    if (found !== null) return `; tensor ${quote(name)} holds ${found.value} at element ${found.at}`;
  }
  return '; none of its tensors holds such a number';
}

async function inTensor(checkpoint: Checkpoint, name: string): Promise<{ value: number; at: number } | null> {
  const place = checkpoint.tensors.get(name);
  if (place === undefined || !isFloatType(place.dtype)) return null;
  const { dtype, start, end } = place;
  const size = numberTypes[dtype];
  return withFile(join(checkpoint.weightsFolder, place.file), async (source) => {
    for (let from = start; from < end; from += READ_AT_ONCE) {
      const values = toFloat32(dtype, await source.slice(from, Math.min(end, from + READ_AT_ONCE)));
      const at = firstNotFinite(values);
      if (at >= 0) return { value: values[at]!, at: (from - start) / size + at };
    }
    return null;
  });
}
