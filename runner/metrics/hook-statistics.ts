/**
 * Everything gathered at one hook in one pass over the evaluation tokens: the activations' sums once, and for each
 * SAE there its reconstruction's and its latents' sums.
 */
import { type ActivationRow, type ActivationTable, activationSums } from './activations.ts';
import { type FiringTable, firingSums, type SparseLatents } from './firing.ts';
import { type ReconstructionTable, reconstructionSums } from './reconstruction.ts';

export interface SaeRow {
  /** x̂, [tokens, width]. */
  reconstruction: Float32Array;
  /** Left out for a control that has no latents (identity, mean). */
  latents?: SparseLatents;
}

export interface SaeTables {
  reconstruction: ReconstructionTable;
  /** Null for a control without latents. */
  firing: FiringTable | null;
}

export interface HookTables {
  activations: ActivationTable;
  saes: SaeTables[];
}

export interface HookStatistics {
  /**
   * Adds one row of activations with every SAE's view of it, in the order the dictionary sizes were given. After an error
   * the statistics may hold the row in part: give them up.
   */
  add(row: ActivationRow, saes: readonly SaeRow[]): void;
  tables(): HookTables;
}

/** `latents` gives each SAE's number of latents, null for a control without any. */
export function hookStatistics(width: number, latents: readonly (number | null)[]): HookStatistics {
  const activations = activationSums(width);
  const saes = latents.map((count) => ({
    reconstruction: reconstructionSums(width),
    firing: count === null ? null : firingSums(count),
  }));
  return {
    add(row, views) {
      if (views.length !== saes.length) {
        throw new RangeError(`hookStatistics: ${views.length} SAE rows for ${saes.length} SAEs`);
      }
      const moments = activations.add(row);
      for (const [i, { reconstruction, firing }] of saes.entries()) {
        const view = views[i]!;
        reconstruction.add(moments, view.reconstruction);
        if (firing === null) continue;
        if (!view.latents) throw new RangeError(`hookStatistics: SAE ${i} has latents, its row has none`);
        firing.add(row, view.latents);
      }
    },
    tables() {
      return {
        activations: activations.table(),
        saes: saes.map(({ reconstruction, firing }) => ({
          reconstruction: reconstruction.table(),
          firing: firing?.table() ?? null,
        })),
      };
    },
  };
}
