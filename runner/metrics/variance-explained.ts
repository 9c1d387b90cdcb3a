/** The three definitions of variance explained in use; each is 1 for the identity. */
import type { ActivationTable } from './activations.ts';
import type { Resamples } from './bootstrap.ts';
import { chunkCentred } from './centred-total.ts';
import type { ReconstructionTable } from './reconstruction.ts';
import { combine, type Estimate, NO_TOKENS, type Statistic, sumOf, unmeasured } from './statistic.ts';

const FLAT = 'the activations do not vary, so there is no variance to explain';

/**
 * `var_exp@pooled-v1`: 1 − Σ‖e‖² / Σ‖x − mean‖², the mean over all tokens; 0 for reconstructing by that mean.
 * `total` is `centredTotal` of the same rows and resamples.
 */
export function varExpPooled(total: Estimate, sae: ReconstructionTable, resamples: Resamples): Statistic {
  return ratio(sae, total, resamples);
}

/** `var_exp@chunk-v1`: the same with the mean over each forward pass's tokens, as the reference release logs it. */
export function varExpChunk(x: ActivationTable, sae: ReconstructionTable, resamples: Resamples): Statistic {
  return ratio(sae, sumOf(chunkCentred(x), resamples), resamples);
}

/** `var_exp@saebench-legacy`: mean over tokens of 1 − ‖e‖² / ‖x − mean‖², the mean over the token's forward pass. */
export function varExpLegacy(sae: ReconstructionTable, resamples: Resamples): Statistic {
  const tokens = sumOf(sae.tokens, resamples);
  if (tokens.value === 0) return unmeasured(NO_TOKENS);
  const flat = sumOf(sae.flat, resamples).value;
  if (flat > 0)
    return unmeasured(`${flat} tokens equal the mean of their forward pass, where the ratio is undefined`);
  return combine([sumOf(sae.legacy, resamples), tokens], (lost, count) => 1 - lost / count, FLAT);
}

/**
 * `var_exp@saebench-0.6`, the defect as it stands in sae_bench.evals.core: the squared mean that should be ‖mean x‖² is
 * the square of the mean second moment per dimension. For comparing with files that hold it.
 */
export function varExpSaeBench06(
  x: ActivationTable,
  sae: ReconstructionTable,
  resamples: Resamples,
): Statistic {
  return combine(
    [sumOf(sae.errors, resamples), sumOf(x.squares, resamples), sumOf(x.tokens, resamples)],
    (errors, squares, tokens) => {
      const second = squares / tokens;
      return 1 - errors / tokens / (second - (second / x.width) ** 2);
    },
    NO_TOKENS,
  );
}

function ratio(sae: ReconstructionTable, total: Estimate, resamples: Resamples): Statistic {
  if (sumOf(sae.tokens, resamples).value === 0) return unmeasured(NO_TOKENS);
  return combine([sumOf(sae.errors, resamples), total], (error, all) => 1 - error / all, FLAT);
}
