/** The hierarchy of a synthetic model's features: a child fires only with its parent, of exclusive children one. */
import { z } from 'zod';
import { MalformedError } from '../errors.ts';
import { cpythonRandom } from '../math/cpython-random.ts';
import type { Hierarchy } from './config.ts';

/** Nodes that organise others may have no feature of their own. */
export interface TreeNode {
  feature_index: number | null;
  mutually_exclusive_children: boolean;
  scale_children_by_parent: boolean;
  feature_id: string | null;
  children: TreeNode[];
}

const node: z.ZodType<TreeNode> = z.lazy(() =>
  z.strictObject({
    feature_index: z.int().nonnegative().nullable(),
    mutually_exclusive_children: z.boolean().default(false),
    scale_children_by_parent: z.boolean().default(false),
    feature_id: z.string().max(1_000).nullable().default(null),
    children: z.array(node).max(65_536).default([]),
  }),
);

/** `hierarchy.json`. */
export const treeFile = z.strictObject({ roots: z.array(node).max(65_536) });

/** The trees as arrays over features. */
export interface Forest {
  /** Feature above, −1 for none, [features]. */
  parent: Int32Array;
  /** Levels below the root, −1 for a feature of no tree, [features]. */
  depth: Int32Array;
  /** Whether its magnitude follows its parent's, [features]. */
  scaled: Uint8Array;
  /** Number of the group of which one may fire, −1 for none, [features]. */
  group: Int32Array;
}

/** @throws MalformedError for a feature that is not there or stands in two places */
export function forestOf(roots: readonly TreeNode[], features: number, thing: string): Forest {
  const forest: Forest = {
    parent: new Int32Array(features).fill(-1),
    depth: new Int32Array(features).fill(-1),
    scaled: new Uint8Array(features),
    group: new Int32Array(features).fill(-1),
  };
  let groups = 0;
  const queue = roots.map((each) => ({ each, above: -1, level: 0, scaled: false }));
  for (let next = 0; next < queue.length; next++) {
    const { each, above, level, scaled } = queue[next]!;
    const own = each.feature_index;
    if (own !== null) {
      if (own >= features || forest.depth[own]! >= 0) {
        throw new MalformedError({
          thing,
          found: `feature ${own}${own < features ? ' twice' : ''}`,
          expected: `each of ${features} features once at most`,
          next: 'Save the model again.',
        });
      }
      forest.parent[own] = above;
      forest.depth[own] = level;
      forest.scaled[own] = scaled ? 1 : 0;
    }
    const exclusive = each.children.flatMap(({ feature_index }) => feature_index ?? []);
    if (each.mutually_exclusive_children && exclusive.length > 1) {
      for (const feature of exclusive) forest.group[feature] = groups;
      groups++;
    }
    for (const child of each.children) {
      queue.push({
        each: child,
        above: own ?? above,
        level: level + 1,
        scaled: each.scale_children_by_parent,
      });
    }
  }
  return forest;
}

/** Complete trees level by level, over the features in order, until there are no more. */
export function growTrees(features: number, given: Hierarchy, seed: number): TreeNode[] {
  const stream = cpythonRandom(seed);
  let used = 0;
  const grown = (count: number): TreeNode[] =>
    Array.from({ length: Math.min(count, features - used) }, () => ({
      feature_index: used++,
      mutually_exclusive_children: false,
      scale_children_by_parent: false,
      feature_id: null,
      children: [],
    }));
  const { branching_factor: branching } = given;
  const children = (): number => {
    if (typeof branching === 'number') return branching;
    const [least, most] = branching;
    return least + stream.randbelow(most - least + 1);
  };
  const roots = grown(given.total_root_nodes);
  const parents: { each: TreeNode; depth: number }[] = [];
  let level = roots;
  for (let depth = 0; depth < given.max_depth; depth++) {
    for (const each of level) {
      each.children = grown(children());
      each.scale_children_by_parent = given.scale_children_by_parent;
      parents.push({ each, depth });
    }
    level = level.flatMap((each) => each.children);
  }
  const eligible = parents.filter(
    ({ each, depth }) =>
      depth >= given.mutually_exclusive_min_depth &&
      depth <= (given.mutually_exclusive_max_depth ?? Number.POSITIVE_INFINITY) &&
      each.children.length > 1,
  );
  const chosen = Math.trunc(eligible.length * given.mutually_exclusive_portion);
  for (const { each } of stream.shuffle(eligible).slice(0, chosen)) each.mutually_exclusive_children = true;
  return roots;
}

/**
 * Probabilities at which features are drawn so that they fire about as often as `base` says: a child's is that under its
 * parent, raised for the siblings that it is expected to give way to. Never above 1.
 */
export function compensated(base: Float64Array, { parent, group }: Forest): Float64Array {
  const siblings = new Map<number, number>();
  group.forEach((number, feature) => {
    if (number >= 0) siblings.set(number, (siblings.get(number) ?? 0) + base[feature]!);
  });
  return base.map((probability, feature) => {
    const above = parent[feature]! < 0 ? 1 : base[parent[feature]!]!;
    const others = group[feature]! < 0 ? 0 : siblings.get(group[feature]!)! - probability;
    return Math.min(1, (probability / above) * (1 + Math.max(0, others) / above));
  });
}
