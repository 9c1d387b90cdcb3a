/**
 * A streaming shuffle over many passes: once the buffer is full, every token that comes in takes the place of one drawn at random, and
 * that one goes out. A token's activations lie in one row of each hook's store from when it comes in until it has been trained on:
 * here it is known which.
 */
import { type Random, type RandomState, randomFrom } from '../math/random.ts';

export interface ShuffleState {
  /** Places in use. */
  filled: number;
  /** Tokens that are out and not taken yet. */
  waiting: number;
  random: RandomState;
}

export class ShuffleBuffer {
  readonly #random: Random;
  /** Of each place that is in use the row of its token. */
  readonly #places: Int32Array;
  #filled = 0;
  /** Rows of tokens that are out, in their order. */
  #out: number[] = [];
  /** Those taken last. */
  #taken: readonly number[] = [];
  readonly #free: number[];

  /**
   * @param capacity tokens held; 0 passes them on as they come
   * @param beside tokens that may be there beside those: waiting, coming in, and taken last
   */
  constructor(capacity: number, beside: number, start: RandomState) {
    this.#random = randomFrom(start);
    this.#places = new Int32Array(capacity);
    const rows = capacity + beside;
    this.#free = Array.from({ length: rows }, (_, i) => rows - 1 - i);
  }

  /** Takes tokens in. @returns the row for each of them */
  push(count: number): Int32Array {
    this.#release();
    const capacity = this.#places.length;
    return Int32Array.from({ length: count }, () => {
      const row = this.#free.pop();
      if (row === undefined) throw new RangeError('more tokens than the buffer has rows for');
      if (this.#filled < capacity) this.#places[this.#filled++] = row;
      else if (capacity === 0) this.#out.push(row);
      else {
        const place = this.#random.integer(capacity);
        this.#out.push(this.#places[place]!);
        this.#places[place] = row;
      }
      return row;
    });
  }

  /** The rows of the next so many tokens, or null while there are not so many. They are as they are until the next call. */
  take(count: number): Int32Array | null {
    this.#release();
    if (this.#out.length < count) return null;
    this.#taken = this.#out.splice(0, count);
    return Int32Array.from(this.#taken);
  }

  #release(): void {
    this.#free.push(...this.#taken);
    this.#taken = [];
  }

  state(): ShuffleState {
    return { filled: this.#filled, waiting: this.#out.length, random: this.#random.state() };
  }

  /** What `state` does not hold: the rows of the tokens in the buffer, then of those that are out. */
  rows(): Int32Array {
    return Int32Array.from([...this.#places.subarray(0, this.#filled), ...this.#out]);
  }

  /**
   * Puts a new buffer that was given the random state where another one stood.
   *
   * @returns the rows for the tokens, in the order of `rows`
   */
  restore({ filled, waiting }: Pick<ShuffleState, 'filled' | 'waiting'>): Int32Array {
    const rows = Int32Array.from({ length: filled + waiting }, () => this.#free.pop()!);
    this.#places.set(rows.subarray(0, filled));
    this.#filled = filled;
    this.#out = [...rows.subarray(filled)];
    return rows;
  }
}
