/** What SAEs are trained on: passes of activations, through the token policy and the shuffle buffer. */
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { TrainingSettings } from '../../config/sections.ts';
import { MalformedError } from '../../errors.ts';
import { hookLabel, hookOf } from '../../hook.ts';
import { countOf, HeldTensor } from '../../onnx/session.ts';
import type { PackingPosition } from '../../text/packing.ts';
import type { Activations } from '../../train/device-rows.ts';
import { fileRows, memoryRows, type RowStore } from '../../train/row-store.ts';
import { ShuffleBuffer } from '../../train/shuffle-buffer.ts';
import { bufferStream } from '../../train/streams.ts';
import { applyPolicy, keepsAll, medianNorm, type PolicyCounts } from '../../train/token-policy.ts';
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
  contents(): Map<string, Iterable<Uint8Array>>;
  close(): void;
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
}

/**
 * @param start activations that the median norms are taken from, or the state of an earlier stream, with the files
 *   that hold its buffer's contents, and where the text stood
 * @throws UnavailableError when the buffer's files cannot be written
 */
export function openTrainingTokens(
  { config, folder, widths, hooks, source }: TokensStart,
  start:
    | { samples: ReadonlyMap<string, Float32Array> }
    | { state: TokensState; contents: ReadonlyMap<string, string>; position: PackingPosition | undefined },
): TrainingTokens {
  const { policy, shuffle } = config.training;
  const { batchTokens } = config.sae;
  const { rowTokens } = config.corpus;
  const here = widthsAmong(hooks, widths);
  const capacity = bufferCapacity(shuffle.megabytes, widths);
  const plain = keepsAll(policy) && capacity === 0;
  const resumed = 'state' in start ? start.state : undefined;
  const medians = new Map(
    'samples' in start
      ? [...start.samples].map(([hook, x]) => [hook, medianNorm(x, widths.get(hook)!)] as const)
      : start.state.medians.map(([hook, median]) => [labelOf(hook), median] as const),
  );
  const stores = new Map<string, RowStore>(
    here.map(([hook, width]) => [
      hook,
      shuffle.onDisk && capacity > 0
        ? fileRows(join(folder, 'shuffle', `rows_${hook}.f32`), width)
        : memoryRows(capacity, width),
    ]),
  );
  const buffer = new ShuffleBuffer(
    capacity,
    stores,
    resumed?.buffer.random ?? bufferStream(config.corpus.trainSeed).state(),
  );
  const counts: PolicyCounts = { ...(resumed?.counts ?? { dropped: 0, capped: 0 }) };
  const held: HeldTensor[] = [];
  let position = 'state' in start ? start.position : undefined;
  if ('state' in start) {
    const { contents, state } = start;
    checkBuffer(state.buffer, capacity, here, contents);
    const files = here.map(([hook, width]) => [hook, rowsOf(contents.get(fileOf(hook)), width)] as const);
    buffer.restore(start.state.buffer, new Map(files));
  }

  return {
    get position() {
      return position;
    },
    counts,
    async next() {
      for (const tensor of held.splice(0)) tensor.dispose();
      const ready = plain ? null : buffer.take(batchTokens);
      if (ready !== null) return ready;
      const pass = await source.next();
      position = pass.position;
      if (plain) {
        const given = new Map<string, Activations>();
        for (const [hook, x] of pass.activations) given.set(hook, x instanceof Float32Array ? x : allRows(x));
        held.push(...[...pass.activations.values()].filter((x) => x instanceof HeldTensor));
        return given;
      }
      const activations = new Map<string, Float32Array>();
      for (const [hook, x] of pass.activations) if (x instanceof Float32Array) activations.set(hook, x);
      const { kept, counts: now } = applyPolicy(policy, activations, medians, {
        tokens: batchTokens,
        rowTokens,
      });
      counts.dropped += now.dropped;
      counts.capped += now.capped;
      buffer.push(activations, kept);
      return buffer.take(batchTokens);
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
      const { filled, waiting } = buffer.state();
      if (filled + waiting === 0) return new Map();
      return new Map(hooks.map((hook) => [fileOf(hook), { [Symbol.iterator]: () => buffer.contents(hook) }]));
    },
    close: () => buffer.close(),
  };
}

function allRows(tensor: HeldTensor): Activations {
  const { dims } = tensor.description();
  return { tensor, rows: Int32Array.from({ length: countOf(dims.slice(0, -1)) }, (_, row) => row) };
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

/** Rows of a file of float32 numbers, one after the other in the same array. */
function* rowsOf(path: string | undefined, d: number): Generator<Float32Array> {
  if (path === undefined) return;
  const file = openSync(path, 'r');
  try {
    const row = new Float32Array(d);
    const view = new Uint8Array(row.buffer);
    for (;;) {
      let done = 0;
      while (done < view.length) {
        const got = readSync(file, view, done, view.length - done, null);
        if (got === 0) break;
        done += got;
      }
      if (done === 0) return;
      if (done < view.length) throw new RangeError(`${path} ends within a row`);
      yield row;
    }
  } finally {
    closeSync(file);
  }
}
