import type { Recipe } from './recipe.ts';

/** Latents of each group, in order: every fraction but the last rounded down, the last takes the rest. */
export function groupSizes({ dSae, groupFractions }: Pick<Recipe, 'dSae' | 'groupFractions'>): number[] {
  const sizes = groupFractions.slice(0, -1).map((fraction) => Math.floor(fraction * dSae));
  return [...sizes, dSae - sizes.reduce((sum, size) => sum + size, 0)];
}

/** The groups whose prefixes are reconstructed: one of all latents, except of a Matryoshka SAE. */
export function nestedGroups(recipe: Pick<Recipe, 'architecture' | 'dSae' | 'groupFractions'>): number[] {
  return recipe.architecture === 'matryoshka' ? groupSizes(recipe) : [recipe.dSae];
}
