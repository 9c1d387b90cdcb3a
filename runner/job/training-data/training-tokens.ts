/** What SAEs are trained on: passes of activations, through the token policy and the shuffle buffer. */
import { statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { TrainingSettings } from '../../config/sections.ts';
import { MalformedError } from '../../errors.ts';
import { hookLabel, hookOf } from '../../hook.ts';
import { joined } from '../../math/joined.ts';
import type { Device } from '../../onnx/devices.ts';
import { HeldTensor } from '../../onnx/session.ts';
import type { PackingPosition } from '../../text/packing.ts';
import type { Activations } from '../../train/device-rows.ts';
import { heldNorms } from '../../train/held-norms.ts';
import { heldRows } from '../../train/held-rows.ts';
import { fileRows, memoryRows, type RowStore } from '../../train/row-store.ts';
import { ShuffleBuffer } from '../../train/shuffle-buffer.ts';
import { bufferStream } from '../../train/streams.ts';
import {
  applyPolicy,
  cap,
  type HighNorm,
  highNorms,
  keepsAll,
  medianNorm,
  type PolicyCounts,
} from '../../train/token-policy.ts';
import type { ActivationSource, Made } from './activations.ts';

const word = z
  .int()
  .min(0)
  .max(2 ** 32 - 1);
const count = z.int().nonnegative();

/** Where the stream stood: in checkpoints, with the buffer's contents beside it. */
export const tokensState = z.strictObject({
  /** By hook; a number is the residual stream after that block. */
  medians: z.array(z.tuple([z.union([count, z.string()]), z.number().nonnegative()])),
  counts: z.strictObject({ dropped: count, capped: count }),
  buffer: z.strictObject({
    filled: count,
    waiting: count,
    random: z.tuple([word, word, word, word]),
  }),
});

export type TokensState = z.infer<typeof tokensState>;

export interface TrainingTokens {
  /**
   * The next batch, for each hook by its label [sae.batchTokens, its width]; null after a forward pass that gave none, because the buffer
   * fills or tokens were dropped. What lies on a device is there until the next call.
   */
  next(): Promise<Map<string, Activations> | null>;
  /** Share of the buffer that is filled, 0 to 1. */
  readonly filled: number;
  /** Where the text stands, undefined before the first pass. */
  readonly position: PackingPosition | undefined;
  readonly counts: PolicyCounts;
  state(): TokensState;
  /** The buffer's contents by file name. */
  contents(): Map<string, AsyncIterable<Uint8Array>>;
  close(): Promise<void>;
}

export interface TokensStart {
  config: {
    corpus: { rowTokens: number; trainSeed: number };
    sae: { batchTokens: number };
    training: Pick<TrainingSettings, 'policy' | 'shuffle'>;
  };
  /** The run's. */
  folder: string;
  /** Numbers of a token at all hooks of the whole run, by label: the buffer holds as many tokens, whichever of them are here. */
  widths: ReadonlyMap<string, number>;
  /** Labels of those that are trained at here. */
  hooks: readonly string[];
  source: ActivationSource<Made>;
  /** The device that activations stay on; without it they are the host's. */
  on?: { device: Device; threads?: number } | null;
}

/**
 * @param start activations that the median norms are taken from, or the state of an earlier stream, with the files
 *   that hold its buffer's contents, and where the text stood
 * @throws UnavailableError when the buffer's files cannot be written
 */
export async function openTrainingTokens(
  { config, folder, widths, hooks, source, on }: TokensStart,
  start:
    | { samples: ReadonlyMap<string, Float32Array> }
    | { state: TokensState; contents: ReadonlyMap<string, string>; position: PackingPosition | undefined },
): Promise<TrainingTokens> {
  const { policy, shuffle } = config.training;
  const { batchTokens } = config.sae;
  const { rowTokens } = config.corpus;
  const here = widthsAmong(hooks, widths);
  const capacity = bufferCapacity(shuffle.megabytes, widths);
  const plain = bufferRows(config, widths) === 0;
  const resumed = 'state' in start ? start.state : undefined;
  const medians = new Map(
    'samples' in start
      ? [...start.samples].map(([hook, x]) => [hook, medianNorm(x, widths.get(hook)!)] as const)
      : start.state.medians.map(([hook, median]) => [labelOf(hook), median] as const),
  );
  if ('state' in start) checkBuffer(start.state.buffer, capacity, here, start.contents);
  const openStore = (hook: string, width: number): RowStore<Made> => {
    const rows = bufferRows(config, widths);
    if (on != null) return heldRows(rows, width, on) as RowStore<Made>;
    const onDisk = shuffle.onDisk && capacity > 0;
    return onDisk ? fileRows(join(folder, 'shuffle', `rows_${hook}.f32`), width) : memoryRows(rows, width);
  };
  const stores = new Map(here.map(([hook, width]) => [hook, openStore(hook, width)]));
  const buffer = new ShuffleBuffer(
    capacity,
    bufferRows(config, widths) - capacity,
    resumed?.buffer.random ?? bufferStream(config.corpus.trainSeed).state(),
  );
  const counts: PolicyCounts = { ...(resumed?.counts ?? { dropped: 0, capped: 0 }) };
  /** What lies on a device of the pass that was given last. */
  const held: HeldTensor[] = [];
  let position = 'state' in start ? start.position : undefined;
  if ('state' in start) {
    const rows = buffer.restore(start.state.buffer);
    for (const [hook, store] of stores) await fill(store, rows, start.contents.get(fileOf(hook)));
  }

  const norms = on == null ? null : heldNorms(on);

  function beyond(x: Made, hook: string, limit: number): Promise<HighNorm[]> | HighNorm[] {
    return x instanceof HeldTensor ? norms!.beyond(x, limit) : highNorms(x, widths.get(hook)!, limit);
  }

  /** The next batch, where there are tokens enough. */
  async function taken(): Promise<Map<string, Activations> | null> {
    const rows = buffer.take(batchTokens);
    if (rows === null) return null;
    const batch = new Map<string, Activations>();
    for (const [hook, store] of stores) batch.set(hook, await store.take(rows));
    return batch;
  }

  return {
    get position() {
      return position;
    },
    counts,
    async next() {
      for (const tensor of held.splice(0)) tensor.dispose();
      const ready = plain ? null : await taken();
      if (ready !== null) return ready;
      const pass = await source.next();
      position = pass.position;
      held.push(...[...pass.activations.values()].filter((x) => x instanceof HeldTensor));
      if (plain) {
        const given = new Map<string, Activations>();
        for (const [hook, x] of pass.activations)
          given.set(hook, x instanceof HeldTensor ? { tensor: x, rows: upTo(batchTokens) } : x);
        return given;
      }
      const limitOf = (hook: string): number => policy.highNormFactor * medians.get(hook)!;
      const high = new Map<string, HighNorm[]>();
      if (policy.highNorm !== 'keep')
        for (const [hook, x] of pass.activations) high.set(hook, await beyond(x, hook, limitOf(hook)));
      const { kept, capped, counts: now } = applyPolicy(policy, high, { tokens: batchTokens, rowTokens });
      counts.dropped += now.dropped;
      counts.capped += now.capped;
      for (const [hook, each] of capped) for (const found of each) cap(found, limitOf(hook));
      const rows = buffer.push(kept.length);
      for (const [hook, store] of stores) {
        const x = pass.activations.get(hook)!;
        await store.put(x, kept, rows);
        // On a device the capped ones are as they were.
        const again = x instanceof HeldTensor ? (capped.get(hook) ?? []) : [];
        if (again.length === 0) continue;
        const to = Int32Array.from(again, ({ token }) => rows[kept.indexOf(token)]!);
        await store.put(joined(again.map(({ row }) => row)), upTo(again.length), to);
      }
      for (const tensor of held.splice(0)) tensor.dispose();
      return taken();
    },
    get filled() {
      return capacity === 0 ? 1 : buffer.state().filled / capacity;
    },
    state() {
      const { random: state, ...rest } = buffer.state();
      const [a, b, c, e] = state;
      return { medians: [...medians], counts: { ...counts }, buffer: { ...rest, random: [a, b, c, e] } };
    },
    contents() {
      const rows = buffer.rows();
      if (rows.length === 0) return new Map();
      return new Map(
        [...stores].map(([hook, store]) => [
          fileOf(hook),
          { [Symbol.asyncIterator]: () => chunksOf(store, rows) },
        ]),
      );
    },
    async close() {
      await norms?.close();
      for (const store of stores.values()) await store.close();
    },
  };
}

/** Rows are written to checkpoints and read from them in stretches of about so many numbers (1 MiB). */
const CHUNK_FLOATS = 2 ** 18;

function rowsTogether({ width }: Pick<RowStore, 'width'>): number {
  return Math.max(1, Math.floor(CHUNK_FLOATS / width));
}

/** Rows of a store as bytes. */
async function* chunksOf(store: RowStore<Made>, rows: Int32Array): AsyncGenerator<Uint8Array> {
  const together = rowsTogether(store);
  for (let from = 0; from < rows.length; from += together) {
    const { buffer, byteOffset, byteLength } = await store.read(rows.subarray(from, from + together));
    yield new Uint8Array(buffer, byteOffset, byteLength);
  }
}

/** Puts the rows of a file, in their order, into those of a store. */
async function fill(store: RowStore<Made>, rows: Int32Array, path: string | undefined): Promise<void> {
  if (rows.length === 0) return;
  const file = await open(path!);
  try {
    const together = rowsTogether(store);
    for (let from = 0; from < rows.length; from += together) {
      const to = rows.subarray(from, from + together);
      const x = new Float32Array(to.length * store.width);
      const view = new Uint8Array(x.buffer);
      for (let done = 0; done < view.length; ) {
        const { bytesRead } = await file.read(view, done, view.length - done);
        if (bytesRead === 0) throw new RangeError(`${path} ends within a row`);
        done += bytesRead;
      }
      await store.put(x, upTo(to.length), to);
    }
  } finally {
    await file.close();
  }
}

/** 0, 1, … up to a number that is left out. */
function upTo(count: number): Int32Array {
  return Int32Array.from({ length: count }, (_, i) => i);
}

/** Of a number, as earlier versions wrote hooks, the label. */
function labelOf(hook: number | string): string {
  return typeof hook === 'number' ? hookLabel(hookOf(hook)) : hook;
}

function widthsAmong(
  hooks: readonly string[],
  widths: ReadonlyMap<string, number>,
): readonly (readonly [hook: string, width: number])[] {
  return hooks.map((hook) => [hook, widths.get(hook)!]);
}

/** Tokens that the shuffle buffer holds. @param widths of all hooks of the run */
export function bufferCapacity(megabytes: number, widths: ReadonlyMap<string, number>): number {
  const floats = [...widths.values()].reduce((sum, width) => sum + width, 0);
  return Math.floor((megabytes * 2 ** 20) / (4 * floats));
}

/** Rows that each hook's tokens take: in the buffer, and beside it what waits, a pass, and a batch; none where passes are trained on as they come. */
export function bufferRows(
  { sae, training }: { sae: { batchTokens: number }; training: Pick<TrainingSettings, 'policy' | 'shuffle'> },
  widths: ReadonlyMap<string, number>,
): number {
  const capacity = bufferCapacity(training.shuffle.megabytes, widths);
  // What was taken last is free again when a pass comes in, at which less than a batch waits.
  return keepsAll(training.policy) && capacity === 0 ? 0 : capacity + 2 * sae.batchTokens;
}

/** Files that hold the buffer's contents in a checkpoint, each with the bytes that it may have at most. */
export function contentLimits(
  { sae, training }: { sae: { batchTokens: number }; training: Pick<TrainingSettings, 'shuffle'> },
  { widths, hooks }: Pick<TokensStart, 'widths' | 'hooks'>,
): Map<string, number> {
  // Beside the buffer, what is out of it and does not fill a batch yet, and a pass.
  const tokens = bufferCapacity(training.shuffle.megabytes, widths) + 2 * sae.batchTokens;
  return new Map(widthsAmong(hooks, widths).map(([hook, width]) => [fileOf(hook), 4 * width * tokens]));
}

/** @throws MalformedError when the buffer that is to be restored is not one of this run, or its files are others */
function checkBuffer(
  { filled, waiting }: TokensState['buffer'],
  capacity: number,
  hooks: ReturnType<typeof widthsAmong>,
  contents: ReadonlyMap<string, string>,
): void {
  const sizes = hooks.map(([hook, width]) => {
    const file = contents.get(fileOf(hook));
    return { found: file === undefined ? 0 : statSync(file).size, expected: 4 * width * (filled + waiting) };
  });
  const wrong = sizes.find(({ found, expected }) => found !== expected);
  if (filled <= capacity && wrong === undefined) return;
  throw new MalformedError({
    thing: 'shuffle buffer of the checkpoint',
    found: wrong === undefined ? `${filled} tokens` : `${wrong.found} bytes of activations`,
    expected: wrong === undefined ? `at most ${capacity}` : `${wrong.expected}, as its state says`,
    next: 'An older generation may be intact; else start over with --fresh.',
  });
}

/** @param hook its label */
function fileOf(hook: string): string {
  return `shuffle_${hook}.f32`;
}
