/**
 * Residuals that wait for the next segment of the language model: in memory here, beyond that on disk (spill-store.ts).
 *
 * One of T tokens takes 4 · T · dModel bytes. A sweep holds one for the clean text and one for each branch that has
 * begun; what a segment gives takes the place of what it took, so that the store never holds more than
 *
 *     4 · (tokens of the batches swept together) · dModel · (1 + branches)   bytes.
 */
export interface ResidualStore {
  /** Keeps a residual under a name of its own. The array belongs to the store from now on. */
  put(key: string, residual: Float32Array): Promise<void>;
  /** Gives a residual back and forgets it. */
  take(key: string): Promise<Float32Array>;
  /** Forgets everything. */
  close(): Promise<void>;
}

/** Residuals kept in memory. */
export function memoryStore(): ResidualStore {
  const kept = new Map<string, Float32Array>();
  return {
    async put(key, residual) {
      kept.set(key, residual);
    },
    async take(key) {
      const residual = kept.get(key);
      if (residual === undefined) throw new RangeError(`no residual ${key} is kept`);
      kept.delete(key);
      return residual;
    },
    async close() {
      kept.clear();
    },
  };
}
