/**
 * Where a language model's segments lie, and whether all of them are held at a time.
 *
 * When the weights fit the memory given for them, segments are cut at the hooks (and between devices) and all are
 * held. When they do not, segments are loaded in turn, and cut further so that each fits on its own; a cut need not be
 * a hook. Sizes are those in which programs hold weights, whatever type the files have.
 */
import { UserError } from '../errors.ts';
import {
  checkHooks,
  compareHooks,
  type Hook,
  type HookLike,
  hookName,
  hookOf,
  orderedHooks,
} from '../hook.ts';
import { formatBytes } from '../io/bytes.ts';
import type { Device } from '../onnx/devices.ts';
import { bytesOf, type ModelParts } from './parts.ts';
import { type Segment, segmentsOf, spanOf } from './segments.ts';

export interface PlacedSegment extends Segment {
  /** Of its weights; a block that is cut inside counts on both sides. */
  bytes: number;
  device: Device;
}

export interface Placement {
  segments: readonly PlacedSegment[];
  /** How many of them, from the first, are needed: all, or those up to the last hook. */
  needed: number;
  /** Bytes of weights that are held at a time: by all devices, and by the one that holds most. A weight of two segments is there twice. */
  held: { all: number; most: number };
  /** False when one segment is loaded at a time. */
  resident: boolean;
}

export interface PlacementOptions {
  hooks: readonly HookLike[];
  /** Further cuts that are asked for. */
  cuts?: readonly HookLike[] | undefined;
  /** Segments are placed on them in this order, about the same number of bytes on each. */
  devices: readonly Device[];
  /** Bytes that weights may take on one device; default no limit. */
  memory?: number | undefined;
  /** Whether nothing behind the last hook is needed: it is neither counted nor cut further. */
  activationsOnly?: boolean | undefined;
  /** Whether the head stands apart from the blocks, and is there twice. */
  divergence?: boolean | undefined;
}

/**
 * @throws UserError for a hook that the model does not have, or when a single block does not fit
 */
export function placementOf(parts: ModelParts, options: PlacementOptions): Placement {
  const { devices, memory = Number.POSITIVE_INFINITY, divergence = false, activationsOnly = false } = options;
  const blocks = parts.blocks.length;
  const hooks = orderedHooks(options.hooks);
  const asked = [...hooks, ...(options.cuts ?? [])].map(hookOf);
  checkHooks(asked, blocks);
  const headTwice = divergence ? bytesOf(parts, { first: 0, last: -1, embedding: false, head: true }) : 0;
  const bytesOfSpan = ({ after, to, first, last }: Omit<Segment, 'hook'>): number =>
    bytesOf(parts, { first, last, embedding: after === null, head: to === null }) +
    (to === null ? headTwice : 0);
  const between = (after: Hook | null, to: Hook | null): number => bytesOfSpan(spanOf(blocks, after, to));
  const until = activationsOnly ? (hooks.at(-1) ?? null) : null;
  const isNeeded = (to: Hook | null): boolean =>
    until === null || (to !== null && compareHooks(to, until) <= 0);
  const bytes = between(null, until) - (until === null ? headTwice : 0);
  const fixed = [...asked, ...(divergence ? [hookOf(blocks - 1)] : [])];

  // Where devices change: the first cut between blocks at which a device has its share.
  const embedded: Hook = { layer: 0, site: 'resid_pre' };
  const cuts = [embedded, ...parts.blocks.map((_, index) => hookOf(index))];
  const changes = devices
    .slice(1)
    .map(
      (_, i) => cuts.find((cut) => between(null, cut) >= (bytes * (i + 1)) / devices.length) ?? cuts.at(-1)!,
    );
  const placed = (segments: readonly Segment[]): PlacedSegment[] =>
    segments.map((segment) => {
      const { after } = segment;
      const passed = changes.filter((change) => after !== null && compareHooks(change, after) <= 0).length;
      return { ...segment, bytes: bytesOfSpan(segment), device: devices[passed]! };
    });

  const whole = placed(segmentsOf(blocks, hooks, [...fixed, ...changes]));
  const neededOf = (segments: readonly PlacedSegment[]) => segments.filter(({ to }) => isNeeded(to));
  const needed = neededOf(whole);
  const held = devices.map((device) =>
    needed.reduce((sum, segment) => sum + (segment.device === device ? segment.bytes : 0), 0),
  );
  const most = Math.max(...held);
  if (most <= memory) {
    const all = held.reduce((sum, bytes) => sum + bytes, 0);
    return { segments: whole, needed: needed.length, held: { all, most }, resident: true };
  }

  const further: Hook[] = [];
  const isFixed = new Set([...fixed, ...changes].map(hookName));
  let after: Hook | null = null;
  const ends = [...orderedHooks([...cuts, ...fixed]), null];
  for (const [i, cut] of ends.entries()) {
    if (!isNeeded(cut)) break;
    if (between(after, cut) > memory) {
      const before = ends[i - 1] ?? null;
      if (before !== null && before !== after) {
        further.push(before);
        after = before;
      }
      const alone = between(after, cut);
      if (alone > memory) throw tooLarge(cut, alone, memory);
    }
    if (cut !== null && isFixed.has(hookName(cut))) after = cut;
  }
  const segments = placed(segmentsOf(blocks, hooks, [...fixed, ...changes, ...further]));
  const largest = Math.max(...neededOf(segments).map(({ bytes }) => bytes));
  return {
    segments,
    needed: neededOf(segments).length,
    held: { all: largest, most: largest },
    resident: false,
  };
}

function tooLarge(cut: Hook | null, bytes: number, memory: number): UserError {
  const part = cut === null ? 'the head' : cut.site === 'resid_pre' ? 'the embedding' : `block ${cut.layer}`;
  return new UserError({
    thing: 'memory for weights',
    found: `${formatBytes(memory)}, but ${part} alone takes ${formatBytes(bytes)}`,
    expected: 'room for the largest part of the model',
    next: 'Give more with --memory, or use a machine with more.',
  });
}
