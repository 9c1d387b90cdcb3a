/**
 * A streaming shuffle over many passes: once the buffer is full, every token that comes in takes the place of one
 * drawn at random, and that one goes out. All hooks move together, so a token's activations stay side by side.
 */
import { type Random, type RandomState, randomFrom } from '../math/random.ts';
import type { RowStore } from './row-store.ts';

export interface ShuffleState {
  /** Slots in use. */
  filled: number;
  /** Tokens that are out and not taken yet. */
  waiting: number;
  random: RandomState;
}

/** Rows are written to disk in stretches of about so many numbers (1 MiB). */
const CHUNK_FLOATS = 2 ** 18;

export class ShuffleBuffer {
  readonly #capacity: number;
  readonly #stores: ReadonlyMap<string, RowStore>;
  readonly #random: Random;
  /** For each hook the tokens that are out, pass by pass. */
  readonly #out: ReadonlyMap<string, Float32Array[]>;
  #filled = 0;
  #waiting = 0;

  /**
   * @param capacity tokens held; 0 passes them on as they come
   * @param stores for each hook, by any name
   */
  constructor(capacity: number, stores: ReadonlyMap<string, RowStore>, start: RandomState) {
    this.#capacity = capacity;
    this.#stores = stores;
    this.#random = randomFrom(start);
    this.#out = new Map([...stores.keys()].map((hook) => [hook, []]));
  }

  /**
   * @param activations for each hook [tokens, its width]
   * @param kept the tokens to take in
   */
  push(activations: ReadonlyMap<string, Float32Array>, kept: Uint32Array): void {
    const room = Math.max(0, Math.min(kept.length, this.#capacity - this.#filled));
    const slots = Array.from({ length: kept.length - room }, () =>
      this.#capacity === 0 ? 0 : this.#random.integer(this.#capacity),
    );
    for (const [hook, store] of this.#stores) {
      const x = activations.get(hook)!;
      const d = store.width;
      const row = (t: number): Float32Array => x.subarray(t * d, (t + 1) * d);
      for (let i = 0; i < room; i++) store.write(this.#filled + i, row(kept[i]!));
      const out = new Float32Array(slots.length * d);
      slots.forEach((slot, i) => {
        const incoming = row(kept[room + i]!);
        const outgoing = out.subarray(i * d, (i + 1) * d);
        if (this.#capacity === 0) outgoing.set(incoming);
        else {
          store.read(slot, outgoing);
          store.write(slot, incoming);
        }
      });
      if (out.length > 0) this.#out.get(hook)!.push(out);
    }
    this.#filled += room;
    this.#waiting += slots.length;
  }

  /** The next so many tokens of each hook [count, its width], or null while there are not so many. */
  take(count: number): Map<string, Float32Array> | null {
    if (this.#waiting < count) return null;
    this.#waiting -= count;
    const taken = new Map<string, Float32Array>();
    for (const [hook, out] of this.#out) taken.set(hook, front(out, count * this.#stores.get(hook)!.width));
    return taken;
  }

  state(): ShuffleState {
    return { filled: this.#filled, waiting: this.#waiting, random: this.#random.state() };
  }

  /**
   * What `state` does not hold, of one hook: rows in the buffer, then rows that are out, as float32 bytes. An array
   * is good until the next one is asked for.
   */
  *contents(hook: string): Generator<Uint8Array> {
    const store = this.#stores.get(hook)!;
    const d = store.width;
    const together = Math.max(1, Math.floor(CHUNK_FLOATS / d));
    const chunk = new Float32Array(Math.min(together, Math.max(1, this.#filled)) * d);
    for (let slot = 0; slot < this.#filled; ) {
      let rows = 0;
      for (; rows < together && slot < this.#filled; rows++, slot++) {
        store.read(slot, chunk.subarray(rows * d, (rows + 1) * d));
      }
      yield bytesOf(chunk.subarray(0, rows * d));
    }
    for (const part of this.#out.get(hook)!) yield bytesOf(part);
  }

  /**
   * Puts contents back into a new buffer that was given the random state.
   *
   * @param contents for each hook what `contents` gave, row by row
   */
  restore({ filled, waiting }: ShuffleState, contents: ReadonlyMap<string, Iterable<Float32Array>>): void {
    for (const [hook, store] of this.#stores) {
      const d = store.width;
      const out = new Float32Array(waiting * d);
      let at = 0;
      for (const row of contents.get(hook)!) {
        if (at < filled) store.write(at, row);
        else out.set(row, (at - filled) * d);
        at++;
      }
      if (at !== filled + waiting) throw new RangeError(`${at} rows, expected ${filled + waiting}`);
      if (waiting > 0) this.#out.get(hook)!.push(out);
    }
    this.#filled = filled;
    this.#waiting = waiting;
  }

  close(): void {
    for (const store of this.#stores.values()) store.close();
  }
}

/** The first `length` numbers of a queue of arrays, taken from it. */
function front(queue: Float32Array[], length: number): Float32Array {
  const taken = new Float32Array(length);
  for (let at = 0; at < length; ) {
    const part = queue[0]!;
    const fits = part.subarray(0, length - at);
    taken.set(fits, at);
    at += fits.length;
    if (fits.length === part.length) queue.shift();
    else queue[0] = part.subarray(fits.length);
  }
  return taken;
}

function bytesOf(array: Float32Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
