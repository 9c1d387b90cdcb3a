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
  /** Of each token seen the latents that fire. */
  readonly #tokens: Int32Array[] = [];

  /** @param most tokens that are kept: with k latents each they take 4·k bytes */
  constructor(most: number) {
    this.#most = most;
  }

  get tokens(): number {
    return this.#tokens.length;
  }

  /** @param seen [tokens, k] indices and values, zeros being empty slots */
  add(
    { k, indices, values }: { k: number; indices: Int32Array; values: Float32Array },
    tokens: number,
  ): void {
    for (let token = 0; token < tokens && this.#tokens.length < this.#most; token++) {
      const firing = indices.slice(token * k, (token + 1) * k);
      let count = 0;
      for (let slot = token * k; slot < (token + 1) * k; slot++)
        if (values[slot]! > 0) firing[count++] = indices[slot]!;
      this.#tokens.push(count === k ? firing : firing.slice(0, count));
    }
  }

  /** Of each latent asked for those that fire most often with it, the most often first, of equal ones in their order. */
  of(latents: readonly number[], d_sae: number, most: number): Companion[][] {
    const fires = new Uint32Array(d_sae);
    const where = new Map<number, number[]>(latents.map((latent) => [latent, []]));
    this.#tokens.forEach((firing, token) => {
      for (const latent of firing) {
        fires[latent]!++;
        where.get(latent)?.push(token);
      }
    });
    const both = new Uint32Array(d_sae);
    return latents.map((latent) => {
      cancellationPoint();
      const others: number[] = [];
      for (const token of where.get(latent)!) {
        for (const other of this.#tokens[token]!) if (both[other]!++ === 0) others.push(other);
      }
      const companions: Companion[] = [];
      for (const other of others) {
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
