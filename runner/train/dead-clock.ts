/** Longest time that is counted; a latent silent for longer stays at it. */
const SATURATED = 2 ** 31 - 1;

/**
 * For each latent the tokens since it last entered a token's top k (whatever its value after relu). At the start of
 * training every latent counts as just seen. Time advances a step at a time: a latent that fires anywhere in a step
 * is set to 0 after it, so AuxK of a step goes by the clock as it stood before the step.
 */
export interface DeadClock {
  /** Tokens since each latent last fired. The clock's own array: copy it to keep it. */
  readonly silent: Int32Array;
  /**
   * Latents silent for at least the threshold, ascending.
   *
   * @param ahead those that will be, if they stay silent for so many tokens more
   */
  dead(ahead?: number): Int32Array;
  /** @param fired one byte a latent, non-zero where it fired in the step of `tokens` tokens */
  advance(fired: Uint8Array, tokens: number): void;
}

/** @param silent where to go on from; by default every latent at 0 */
export function deadClock(
  latents: number,
  thresholdTokens: number,
  silent: Int32Array = new Int32Array(latents),
): DeadClock {
  if (silent.length !== latents) throw new RangeError(`${silent.length} clocks for ${latents} latents`);
  return {
    silent,
    dead(ahead = 0) {
      const least = thresholdTokens - ahead;
      let count = 0;
      for (let j = 0; j < latents; j++) if (silent[j]! >= least) count++;
      const dead = new Int32Array(count);
      for (let j = 0, at = 0; j < latents; j++) if (silent[j]! >= least) dead[at++] = j;
      return dead;
    },
    advance(fired, tokens) {
      if (fired.length !== latents) throw new RangeError(`${fired.length} flags for ${latents} latents`);
      for (let j = 0; j < latents; j++) {
        silent[j] = fired[j] ? 0 : Math.min(silent[j]! + tokens, SATURATED);
      }
    },
  };
}
