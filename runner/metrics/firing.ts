/**
 * Sufficient statistics of the sparse latents z of one SAE: how many fire a token (a row at a time), and for each
 * latent how often it fired and when first. Memory: a few numbers per latent and per row, none per token.
 */
import { MalformedError } from '../errors.ts';
import { growable } from '../math/growable.ts';
import type { ActivationRow } from './activations.ts';

/** The active latents of one row of tokens. */
export interface SparseLatents {
  /** Slots a token. */
  k: number;
  /** [tokens, k]. */
  indices: Int32Array;
  /** [tokens, k]; a slot of value 0 is empty, whatever its index. */
  values: Float32Array;
}

export interface FiringTable {
  latents: number;
  rows: number;
  /** Tokens kept, per row. */
  tokens: Float64Array;
  /** Σ over the row's tokens of #{j : z_j ≠ 0}. */
  active: Float64Array;
  /** Latents that fired (z_j > 0) first in this row, and in no document but the row's. */
  unique: Float64Array;
  /** Tokens on which the latent fired (z_j > 0), per latent. */
  firings: Float64Array;
  /** Documents in which the latent fired, per latent. */
  documents: Float64Array;
  /** Kept tokens before the first on which the latent fired, per latent; Infinity for one that never did. */
  first: Float64Array;
}

export interface FiringSums {
  /**
   * Adds the latents of one row; rows of one document follow one another. Throws MalformedError for NaN or an index
   * outside the dictionary.
   */
  add(row: Pick<ActivationRow, 'tokens' | 'kept' | 'document'>, latents: SparseLatents): void;
  table(): FiringTable;
}

export function firingSums(latents: number): FiringSums {
  const tokenColumn = growable();
  const activeColumn = growable();
  const firings = new Float64Array(latents);
  const first = new Float64Array(latents).fill(Number.POSITIVE_INFINITY);
  const documents = new Float64Array(latents);
  /** Document a latent fired in last, and the row it fired in first. */
  const lastDocument = new Float64Array(latents).fill(Number.NaN);
  const firstRow = new Int32Array(latents);
  let seen = 0;

  return {
    add({ tokens, kept, document }, { k, indices, values }) {
      const row = tokenColumn.length;
      const block = document ?? row;
      if (indices.length !== tokens * k || values.length !== tokens * k) {
        throw new RangeError(`row ${row}: ${indices.length} latent slots for ${tokens} tokens × ${k}`);
      }
      check(indices, values, latents, row);
      let count = 0;
      let active = 0;
      for (let t = 0; t < tokens; t++) {
        if (kept?.[t] === 0) continue;
        for (let slot = t * k; slot < (t + 1) * k; slot++) {
          const value = values[slot]!;
          if (value === 0) continue;
          active++;
          if (value < 0) continue;
          const latent = indices[slot]!;
          firings[latent]!++;
          if (lastDocument[latent] === block) continue;
          if (documents[latent] === 0) {
            firstRow[latent] = row;
            first[latent] = seen + count;
          }
          documents[latent]!++;
          lastDocument[latent] = block;
        }
        count++;
      }
      seen += count;
      tokenColumn.push(count);
      activeColumn.push(active);
    },
    table() {
      const unique = new Float64Array(tokenColumn.length);
      documents.forEach((count, latent) => {
        if (count === 1) unique[firstRow[latent]!]!++;
      });
      return {
        latents,
        rows: tokenColumn.length,
        tokens: tokenColumn.toArray(),
        active: activeColumn.toArray(),
        unique,
        firings: firings.slice(),
        documents: documents.slice(),
        first: first.slice(),
      };
    },
  };
}

function check(indices: Int32Array, values: Float32Array, latents: number, row: number): void {
  for (let slot = 0; slot < values.length; slot++) {
    const value = values[slot]!;
    if (value === 0) continue;
    const index = indices[slot]!;
    if (Number.isFinite(value) && index >= 0 && index < latents) continue;
    throw new MalformedError({
      thing: `latents of evaluation row ${row}`,
      found: `value ${value} at latent ${index}`,
      expected: `finite values at latents 0..${latents - 1}`,
      next: 'Check the SAE’s weights and the number type it runs in.',
    });
  }
}
