/** Stretches of text around firings of latents, as many of each as are asked for. */

/** The strongest firing of a latent in a row. */
export interface Firing {
  row: number;
  position: number;
  value: number;
  hash(): number;
  /** Writes what the latent is around it, [before + 1 + after], into zeros. */
  copy(into: Float32Array): void;
}

/** For each latent the firings of greatest order, in arrays that take memory only where something is written. */
export class KeptContexts {
  readonly #most: number;
  readonly #width: number;
  readonly #distinct: boolean;
  readonly #counts: Uint16Array;
  readonly #orders: Float64Array;
  readonly #rows: Int32Array;
  readonly #positions: Int32Array;
  readonly #peaks: Float32Array;
  readonly #hashes: Uint32Array;
  /** [d_sae, most, width] */
  readonly #values: Float32Array;

  /** @param distinct whether a stretch of the same tokens is kept once, where its order is greatest */
  constructor(d_sae: number, { most, width, distinct }: { most: number; width: number; distinct: boolean }) {
    this.#most = most;
    this.#width = width;
    this.#distinct = distinct;
    this.#counts = new Uint16Array(d_sae);
    this.#orders = new Float64Array(d_sae * most);
    this.#rows = new Int32Array(d_sae * most);
    this.#positions = new Int32Array(d_sae * most);
    this.#peaks = new Float32Array(d_sae * most);
    this.#hashes = new Uint32Array(distinct ? d_sae * most : 0);
    this.#values = new Float32Array(d_sae * most * width);
  }

  /** Firings come in the order of the text; of equal orders the earlier one stays. */
  offer(latent: number, order: number, firing: Firing): void {
    const from = latent * this.#most;
    const count = this.#counts[latent]!;
    let place = from + count;
    if (count === this.#most) {
      if (count === 0) return;
      place = this.#least(from, count);
      if (order <= this.#orders[place]!) return;
    }
    if (this.#distinct) {
      const hash = firing.hash();
      const same = this.#hashes.subarray(from, from + count).indexOf(hash);
      if (same >= 0) {
        place = from + same;
        if (order <= this.#orders[place]!) return;
      }
      this.#hashes[place] = hash;
    }
    if (place === from + count) this.#counts[latent]!++;
    this.#orders[place] = order;
    this.#rows[place] = firing.row;
    this.#positions[place] = firing.position;
    this.#peaks[place] = firing.value;
    const values = this.#valuesAt(place);
    values.fill(0);
    firing.copy(values);
  }

  /** Of greatest order first, of equal ones in the order of the text. */
  of(latent: number): { row: number; position: number; value: number; values: Float32Array }[] {
    const from = latent * this.#most;
    return Array.from({ length: this.#counts[latent]! }, (_, i) => from + i)
      .sort((a, b) => this.#orders[b]! - this.#orders[a]! || this.#rows[a]! - this.#rows[b]!)
      .map((place) => ({
        row: this.#rows[place]!,
        position: this.#positions[place]!,
        value: this.#peaks[place]!,
        values: this.#valuesAt(place),
      }));
  }

  #valuesAt(place: number): Float32Array {
    return this.#values.subarray(place * this.#width, (place + 1) * this.#width);
  }

  /** Of equal ones the last in the text. */
  #least(from: number, count: number): number {
    let least = from;
    for (let place = from + 1; place < from + count; place++) {
      const difference = this.#orders[place]! - this.#orders[least]!;
      if (difference < 0 || (difference === 0 && this.#rows[place]! > this.#rows[least]!)) least = place;
    }
    return least;
  }
}
