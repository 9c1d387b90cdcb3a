/** Several SAEs per layer from one run: lists of recipe values whose combinations are all trained from one pass. */
import { z } from 'zod';
import { applies, architectureOf, architectures, type OwnSetting } from '../train/architectures/index.ts';
import { type Recipe, recipe } from '../train/recipe.ts';

/** SAEs of one run, all layers together. */
export const SAE_LIMIT = 256;

/** How a value stands in the name of an SAE: of settings that every architecture has, and of their own. */
const before = { architecture: '', dSae: 'n' } as const;
const after = { learningRate: 'lr', seed: 's' } as const;
const own = Object.assign({}, ...architectures.map((each) => each.marks)) as { [K in OwnSetting]?: string };
const marks: Readonly<Partial<Record<keyof Recipe, string>>> = { ...before, ...own, ...after };

type Axis = keyof typeof before | keyof typeof after | OwnSetting;
const axes = Object.keys(marks) as Axis[];

type Lists = { [K in Axis]: z.ZodOptional<z.ZodArray<(typeof recipe.shape)[K]>> };

export const sweep = z.strictObject(
  Object.fromEntries(
    axes.map((axis) => {
      const list = z.array(recipe.shape[axis]).min(1).max(64).optional();
      return [axis, list.describe(`values of sae.${axis} to train, as a list`)];
    }),
  ) as Lists,
);

export type Sweep = z.infer<typeof sweep>;

export interface SweptRecipe {
  /** The values that set it apart, as in `_n8192_k32`; empty where there is one recipe. */
  suffix: string;
  recipe: Recipe;
}

/** The architectures that are trained. */
export function sweptArchitectures(
  base: Pick<Recipe, 'architecture'>,
  lists: Sweep,
): Recipe['architecture'][] {
  return lists.architecture ?? [base.architecture];
}

/** Of each architecture the setting that says how sparse its SAEs are, such as k. */
export function sparsitySettingsOf(names: readonly Recipe['architecture'][]): OwnSetting[] {
  const first = names.flatMap((architecture) =>
    Object.keys(architectureOf({ architecture }).marks).slice(0, 1),
  );
  return [...new Set(first)] as OwnSetting[];
}

/**
 * Every combination of the sweep's lists, in the order of its fields, each a whole recipe. Lists of settings that mean
 * nothing to an architecture are none to it: topk with two k beside jumprelu makes three recipes.
 *
 * @throws z.ZodError when a combination is no recipe, such as k above dSae
 */
export function sweptRecipes(base: Recipe, lists: Sweep): SweptRecipe[] {
  const swept: SweptRecipe[] = [];
  for (const architecture of sweptArchitectures(base, lists)) {
    let combinations: Partial<Record<Axis, unknown>>[] = [{ architecture }];
    for (const axis of axes) {
      const list = lists[axis];
      if (axis === 'architecture' || list === undefined || !applies(axis, architecture)) continue;
      combinations = combinations.flatMap((one) => list.map((value) => ({ ...one, [axis]: value })));
      if (combinations.length > SAE_LIMIT) break;
    }
    for (const one of combinations)
      swept.push({ suffix: suffixOf(one, lists), recipe: recipe.parse({ ...base, ...one }) });
  }
  return swept;
}

function suffixOf(combination: Partial<Record<Axis, unknown>>, lists: Sweep): string {
  return Object.entries(combination)
    .filter(([axis]) => (lists[axis as Axis]?.length ?? 0) > 1)
    .map(([axis, value]) => `_${marks[axis as Axis]}${String(value)}`)
    .join('');
}
