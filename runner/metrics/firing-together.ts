/** Which latents fire on the same tokens, counted over the first tokens of the text. */
import { cancellationPoint } from '../math/cancellation.ts';
import { keepFirst } from '../math/keep-first.ts';

export interface Companion {
  latent: number;
  /** Tokens on which both fire, over tokens on which either does. */
  jaccard: number;
}

export class FiringTogether {
  readonly #most: number;
  /** Latents that fire, a token after the other, and where each token's begin; loops over them are most of the work here. */
  #latents = new Int32Array(0);
  readonly #begins: Int32Array;
  #tokens = 0;

  /** @param most tokens that are kept: with k latents each they take 4·k bytes */
  constructor(most: number) {
    this.#most = most;
    this.#begins = new Int32Array(most + 1);
  }

  get tokens(): number {
    return this.#tokens;
  }

  /** @param seen [tokens, k] indices and values, zeros being empty slots */
  add(
    { k, indices, values }: { k: number; indices: Int32Array; values: Float32Array },
    tokens: number,
  ): void {
    const count = Math.min(tokens, this.#most - this.#tokens);
    let end = this.#begins[this.#tokens]!;
    if (this.#latents.length < end + count * k) {
      const longer = new Int32Array(2 * (end + count * k));
      longer.set(this.#latents);
      this.#latents = longer;
    }
    for (let token = 0; token < count; token++) {
      for (let slot = token * k; slot < (token + 1) * k; slot++)
        if (values[slot]! > 0) this.#latents[end++] = indices[slot]!;
      this.#begins[++this.#tokens] = end;
    }
  }

  /** Of each latent asked for those that fire most often with it, the most often first, of equal ones in their order. */
  of(latents: readonly number[], d_sae: number, most: number): Companion[][] {
    const all = this.#latents;
    const fires = new Uint32Array(d_sae);
    const where = new Map<number, number[]>(latents.map((latent) => [latent, []]));
    for (let token = 0; token < this.#tokens; token++) {
      for (let at = this.#begins[token]!; at < this.#begins[token + 1]!; at++) {
        fires[all[at]!]!++;
        where.get(all[at]!)?.push(token);
      }
    }
    const both = new Uint32Array(d_sae);
    const others = new Int32Array(d_sae);
    return latents.map((latent) => {
      cancellationPoint();
      let count = 0;
      for (const token of where.get(latent)!) {
        for (let at = this.#begins[token]!; at < this.#begins[token + 1]!; at++) {
          const other = all[at]!;
          if (both[other] === 0) others[count++] = other;
          both[other]!++;
        }
      }
      const companions: Companion[] = [];
      for (let i = 0; i < count; i++) {
        const other = others[i]!;
        const jaccard = both[other]! / (fires[latent]! + fires[other]! - both[other]!);
        both[other] = 0;
        if (other !== latent) keepFirst(companions, { latent: other, jaccard }, most, isBefore);
      }
      return companions;
    });
  }
}

/** The most often together first, of equal ones in their order. */
function isBefore(a: Companion, b: Companion): boolean {
  return a.jaccard > b.jaccard || (a.jaccard === b.jaccard && a.latent < b.latent);
}
