/** Which latents are taken out of the residual, and of which rows. */
import { random, shuffle } from '../../math/random.ts';
import { type AblatedRow, AblationEffects } from '../../metrics/ablation-effect.ts';
import type { EncodedRows } from '../../metrics/latent-evidence.ts';

export interface AblationSettings {
  /** Latents to take out. */
  ablated: number;
  /** Share of the rows of text to do it on. */
  ablatedShare: number;
}

/**
 * The sample of one SAE while the text passes once. Latents: of those that fired so far, where a next token follows, the first
 * `ablated` in a random order of all latents, so that in the end they are a random sample of all that fired; one that later ones
 * push out is forgotten. Rows: one is due in each stretch of 1 / share rows, at a random place; where none of the sample fires there, the
 * next row where one does takes its place. Of such a row the latent is taken out that fewest rows went on without so far.
 */
export class AblatedLatents {
  readonly effects = new AblationEffects();
  readonly #settings: AblationSettings;
  /** Place of each latent in the random order, [d_sae]. */
  readonly #order: Int32Array;
  readonly #places;
  readonly #seen: Uint8Array;
  /** Rows that went on without each of the sample. */
  readonly #sample = new Map<number, number>();
  #rows = 0;
  /** Rows that went on, and the row from which on the next one may. */
  #taken = 0;
  #due: number;

  constructor(settings: AblationSettings, { d_sae, seed }: { d_sae: number; seed: number }) {
    this.#settings = settings;
    const shuffled = shuffle(
      Int32Array.from({ length: d_sae }, (_, latent) => latent),
      random('features ablated', seed),
    );
    this.#order = new Int32Array(d_sae);
    shuffled.forEach((latent, place) => {
      this.#order[latent] = place;
    });
    this.#seen = new Uint8Array(d_sae);
    this.#places = random('features ablated rows', seed);
    this.#due = this.#nextDue();
  }

  /** The latents that were taken out in the end, and the rows that went on without one. */
  get sampled(): { latents: number; rows: number } {
    return {
      latents: this.#sample.size,
      rows: [...this.#sample.values()].reduce((sum, each) => sum + each, 0),
    };
  }

  /** Of each row of a batch the latent that it goes on without, −1 for none; batches come in the order of the text. */
  without(encoded: EncodedRows): Int32Array {
    const chosen = new Int32Array(encoded.rows).fill(-1);
    if (this.#settings.ablated === 0) return chosen;
    for (let row = 0; row < encoded.rows; row++, this.#rows++) {
      const latent = this.#leastOf(this.#look(encoded, row));
      if (latent === undefined || this.#rows < this.#due) continue;
      chosen[row] = latent;
      this.#sample.set(latent, this.#sample.get(latent)! + 1);
      this.#taken++;
      this.#due = this.#nextDue();
    }
    return chosen;
  }

  ended(row: AblatedRow): void {
    if (this.#sample.has(row.latent)) this.effects.add(row);
  }

  #nextDue(): number {
    return Math.floor((this.#taken + this.#places.next()) / this.#settings.ablatedShare);
  }

  /** Takes a row's latents into account. @returns those of the sample that fire in it where a next token follows */
  #look({ tokens, k, indices, values }: EncodedRows, row: number): Set<number> {
    const found = new Set<number>();
    for (let slot = row * tokens * k; slot < ((row + 1) * tokens - 1) * k; slot++) {
      if (!(values[slot]! > 0)) continue;
      const latent = indices[slot]!;
      if (this.#seen[latent] === 0) {
        this.#seen[latent] = 1;
        this.#admit(latent);
      }
      if (this.#sample.has(latent)) found.add(latent);
    }
    return new Set([...found].filter((latent) => this.#sample.has(latent)));
  }

  #admit(latent: number): void {
    this.#sample.set(latent, 0);
    if (this.#sample.size <= this.#settings.ablated) return;
    let last = latent;
    for (const each of this.#sample.keys()) if (this.#order[each]! > this.#order[last]!) last = each;
    this.#sample.delete(last);
    this.effects.forget(last);
  }

  #leastOf(latents: Iterable<number>): number | undefined {
    let least: number | undefined;
    for (const latent of latents)
      if (least === undefined || this.#sample.get(latent)! < this.#sample.get(least)!) least = latent;
    return least;
  }
}
