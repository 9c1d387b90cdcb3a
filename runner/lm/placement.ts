/**
 * Where a language model's segments lie, and whether all of them are held at a time.
 *
 * When the weights fit the memory given for them, segments are cut at the hooks (and between devices) and all are
 * held. When they do not, segments are loaded in turn, and cut further so that each fits on its own; a cut need not be
 * a hook. Sizes are those of float32, which is how programs hold weights whatever type the files have.
 */
import { UserError } from '../errors.ts';
import { formatBytes } from '../io/bytes.ts';
import type { Device } from '../onnx/devices.ts';
import { bytesOf, type ModelParts } from './parts.ts';
import { type Segment, segmentsOf } from './segments.ts';

export interface PlacedSegment extends Segment {
  /** Of its weights. */
  bytes: number;
  device: Device;
}

export interface Placement {
  segments: readonly PlacedSegment[];
  /** Of all weights, each counted once. */
  bytes: number;
  /** False when one segment is loaded at a time. */
  resident: boolean;
}

export interface PlacementOptions {
  /** Ascending. */
  hooks: readonly number[];
  /** Further cuts that are asked for. */
  cuts?: readonly number[] | undefined;
  /** Segments are placed on them in this order, about the same number of bytes on each. */
  devices: readonly Device[];
  /** Bytes that weights may take on one device; default no limit. */
  memory?: number | undefined;
  /** Whether the head stands apart from the blocks, and is there twice. */
  divergence?: boolean | undefined;
}

/** @throws UserError for a hook that a model of so many blocks does not have */
export function checkHooks(hooks: readonly number[], blocks: number): void {
  const wrong = hooks.find((hook) => !(Number.isInteger(hook) && hook >= 0 && hook < blocks));
  if (wrong === undefined) return;
  throw new UserError({
    thing: 'hook layer',
    found: String(wrong),
    expected: `a block between 0 and ${blocks - 1}`,
    next: 'Choose layers that the model has.',
  });
}

/**
 * @throws UserError for a hook that the model does not have, or when a single block does not fit
 */
export function placementOf(parts: ModelParts, options: PlacementOptions): Placement {
  const { hooks, devices, memory = Number.POSITIVE_INFINITY, divergence = false } = options;
  const blocks = parts.blocks.length;
  checkHooks([...hooks, ...(options.cuts ?? [])], blocks);
  const headTwice = divergence ? bytesOf(parts, { first: 0, last: -1, embedding: false, head: true }) : 0;
  /** Of what lies after the cut `after` up to the cut `last`; −1 is the cut after the embedding, `blocks` the end. */
  const between = (after: number, last: number): number =>
    bytesOf(parts, {
      first: Math.max(0, after + 1),
      last: Math.min(last, blocks - 1),
      embedding: after < -1,
      head: last === blocks,
    }) + (last === blocks ? headTwice : 0);
  const bytes = between(-2, blocks) - headTwice;
  const fixed = [...hooks, ...(options.cuts ?? []), ...(divergence ? [blocks - 1] : [])];

  // Where devices change: the first cut at which a device has its share.
  const cuts = Array.from({ length: blocks + 1 }, (_, i) => i - 1);
  const changes = devices
    .slice(1)
    .map((_, i) => cuts.find((cut) => between(-2, cut) >= (bytes * (i + 1)) / devices.length) ?? blocks - 1);
  const placed = (segments: readonly Segment[]): PlacedSegment[] =>
    segments.map((segment, i) => {
      const from = i === 0 ? -2 : segment.first - 1;
      const to = i === segments.length - 1 ? blocks : segment.last;
      const device = devices[changes.filter((change) => change <= from).length]!;
      return { ...segment, bytes: between(from, to), device };
    });

  const whole = placed(segmentsOf(blocks, hooks, [...fixed, ...changes]));
  const held = devices.map((device) =>
    whole.filter((segment) => segment.device === device).reduce((sum, segment) => sum + segment.bytes, 0),
  );
  if (held.every((sum) => sum <= memory)) return { segments: whole, bytes, resident: true };

  const further: number[] = [];
  let after = -2;
  for (const cut of [...cuts, blocks]) {
    if (between(after, cut) > memory) {
      if (cut - 1 > after) {
        further.push(cut - 1);
        after = cut - 1;
      }
      const alone = between(after, cut);
      if (alone > memory) throw tooLarge(cut, blocks, alone, memory);
    }
    if (fixed.includes(cut) || changes.includes(cut)) after = cut;
  }
  const segments = placed(segmentsOf(blocks, hooks, [...fixed, ...changes, ...further]));
  return { segments, bytes, resident: false };
}

function tooLarge(cut: number, blocks: number, bytes: number, memory: number): UserError {
  const part = cut === -1 ? 'the embedding' : cut === blocks ? 'the head' : `block ${cut}`;
  return new UserError({
    thing: 'memory for weights',
    found: `${formatBytes(memory)}, but ${part} alone takes ${formatBytes(bytes)}`,
    expected: 'room for the largest part of the model',
    next: 'Give more with --memory, or use a machine with more.',
  });
}
