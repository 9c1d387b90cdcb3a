/** Which latents are taken out of the residual, and of which rows. */
import { random, shuffle } from '../../math/random.ts';
import { type AblatedRow, AblationEffects } from '../../metrics/ablation-effect.ts';
import type { EncodedRows } from '../../metrics/latent-evidence.ts';

export interface AblationSettings {
  /** Latents to take out, and held-out tokens to do it on. */
  ablated: number;
  ablatedTokens: number;
}

/**
 * The sample of one SAE: latents drawn from those that fire in the first batch. Of each row one of them that fires in it is taken
 * out, the one that fewest rows went on without so far.
 */
export class AblatedLatents {
  readonly effects = new AblationEffects();
  readonly #settings: AblationSettings;
  readonly #seed: number;
  /** Rows that went on without each. */
  #rows: Map<number, number> | undefined;
  #tokens = 0;

  constructor(settings: AblationSettings, seed: number) {
    this.#settings = settings;
    this.#seed = seed;
  }

  /** By row; null where no more is asked for. */
  without(encoded: EncodedRows): Int32Array | null {
    const { ablated, ablatedTokens } = this.#settings;
    if (ablated === 0 || this.#tokens >= ablatedTokens) return null;
    this.#rows ??= new Map(this.#drawn(encoded).map((latent) => [latent, 0]));
    const left = Math.ceil((ablatedTokens - this.#tokens) / encoded.tokens);
    const chosen = new Int32Array(encoded.rows).fill(-1);
    for (let row = 0; row < Math.min(encoded.rows, left); row++) {
      this.#tokens += encoded.tokens;
      let least: number | undefined;
      for (const latent of firingIn(encoded, row, row + 1)) {
        const rows = this.#rows.get(latent);
        if (rows !== undefined && (least === undefined || rows < this.#rows.get(least)!)) least = latent;
      }
      if (least === undefined) continue;
      chosen[row] = least;
      this.#rows.set(least, this.#rows.get(least)! + 1);
    }
    return chosen;
  }

  ended(row: AblatedRow): void {
    this.effects.add(row);
  }

  #drawn(encoded: EncodedRows): number[] {
    const firing = Int32Array.from(firingIn(encoded, 0, encoded.rows)).sort();
    return [...shuffle(firing, random('features ablated', this.#seed)).slice(0, this.#settings.ablated)];
  }
}

/** Latents that fire in rows from..to, where a next token follows. */
function firingIn({ tokens, k, indices, values }: EncodedRows, from: number, to: number): Set<number> {
  const found = new Set<number>();
  for (let token = from * tokens; token < to * tokens; token++) {
    if (token % tokens === tokens - 1) continue;
    for (let slot = token * k; slot < (token + 1) * k; slot++)
      if (values[slot]! > 0) found.add(indices[slot]!);
  }
  return found;
}
