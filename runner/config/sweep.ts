/** Several SAEs a layer from one run: lists of recipe values whose combinations are all trained from one pass. */
import { z } from 'zod';
import { type Recipe, recipe } from '../train/recipe.ts';

/** SAEs of one run, all layers together. */
export const SAE_LIMIT = 256;

const shape = recipe.shape;

function values<T extends z.ZodType>(field: T, words: string) {
  return z.array(field).min(1).max(64).optional().describe(words);
}

export const sweep = z.strictObject({
  architecture: values(shape.architecture, 'architectures to train, as in ["topk","batchtopk"]'),
  dSae: values(shape.dSae, 'numbers of latents to train, as in [8192,32768]'),
  k: values(shape.k, 'sparsities to train, as in [16,32,64]'),
  kAux: values(shape.kAux, 'numbers of AuxK latents to train'),
  alphaAux: values(shape.alphaAux, 'weights of AuxK to train'),
  auxVariant: values(shape.auxVariant, 'forms of AuxK to train'),
  learningRate: values(shape.learningRate, 'learning rates to train'),
  seed: values(shape.seed, 'seeds to train'),
});

export type Sweep = z.infer<typeof sweep>;

type Axis = keyof Sweep;

/** How a value stands in the name of an SAE. */
const marks: Record<Axis, string> = {
  architecture: '',
  dSae: 'n',
  k: 'k',
  kAux: 'kaux',
  alphaAux: 'alpha',
  auxVariant: 'aux-',
  learningRate: 'lr',
  seed: 's',
};

export interface SweptRecipe {
  /** The values that set it apart, as in `_n8192_k32`; empty where there is one recipe. */
  suffix: string;
  recipe: Recipe;
}

/**
 * Every combination of the sweep's lists, in the order of its fields, each a whole recipe.
 *
 * @throws z.ZodError when a combination is no recipe, such as k above dSae
 */
export function sweptRecipes(base: Recipe, lists: Sweep): SweptRecipe[] {
  let combinations: Partial<Record<Axis, unknown>>[] = [{}];
  for (const axis of Object.keys(marks) as Axis[]) {
    const list = lists[axis];
    if (list === undefined) continue;
    combinations = combinations.flatMap((one) => list.map((value) => ({ ...one, [axis]: value })));
    if (combinations.length > SAE_LIMIT) break;
  }
  return combinations.map((one) => ({
    suffix: Object.entries(one)
      .filter(([axis]) => lists[axis as Axis]!.length > 1)
      .map(([axis, value]) => `_${marks[axis as Axis]}${String(value)}`)
      .join(''),
    recipe: recipe.parse({ ...base, ...one }),
  }));
}
