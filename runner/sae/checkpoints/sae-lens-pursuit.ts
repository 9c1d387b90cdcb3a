/** Matching pursuit as SAELens has it, in the form in which it is held here. */
import type { MatchingPursuitSae } from '../sae.ts';
import type { Stored } from '../stored-sae.ts';

/** In decoding SAELens adds matching pursuit's b_dec only where encoding subtracted it. */
export function withoutUnusedBias(
  sae: Stored<MatchingPursuitSae>,
  conversions: string[],
): Stored<MatchingPursuitSae> {
  if (sae.apply_b_dec_to_input) return sae;
  conversions.push('b_dec left out: it is neither subtracted nor added');
  return { ...sae, b_dec: new Float32Array(sae.d_in) };
}

/**
 * The scalar folded as SAELens does it for matching pursuit: W_dec stays as it is, and b_dec, the residual threshold and so the
 * latents are divided by the scalar.
 */
export function foldedPursuit<S extends MatchingPursuitSae | Stored<MatchingPursuitSae>>(
  sae: S,
  conversions: string[] = [],
): S {
  if (sae.normalisation.kind !== 'expected_average_only_in') return sae;
  const { scale } = sae.normalisation;
  conversions.push(`the scalar ${scale} folded into b_dec and the residual threshold, as its loader does`);
  return {
    ...sae,
    normalisation: { kind: 'none' },
    b_dec: sae.b_dec.map((value) => value / scale),
    residual_threshold: sae.residual_threshold / scale,
  };
}
