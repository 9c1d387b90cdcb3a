/** Experts of groups beside one that every token goes to, as DeepSeek has them and GLM-4.5 after it. */
import { z } from 'zod';
import { type Choice, experts } from '../blocks/experts.ts';
import { gatedMlp } from '../blocks/mlp.ts';
import type { Checkpoint } from '../checkpoint.ts';
import { type BlockParts, checkExperts, type Decoder } from './decoder.ts';
import { size } from './family.ts';
import { unsupported } from './keys.ts';

/** Keys of DeepSeek-V3's router and of its experts. */
export const ratedFields = {
  first_k_dense_replace: z.int().default(3),
  n_shared_experts: size.default(1),
  n_routed_experts: size.default(256),
  num_experts_per_tok: size.default(8),
  moe_intermediate_size: size.default(2048),
  routed_scaling_factor: z.number().default(2.5),
  norm_topk_prob: z.boolean().nullable().default(true),
  n_group: size.default(8),
  topk_group: size.default(4),
};

/** How tokens are sent to experts, by the name of the router. */
export type ChoiceOf = (router: string) => Choice;

/** By sigmoids and a bias that the shares do not have. */
export function ratedChoice(config: z.output<z.ZodObject<typeof ratedFields>>): ChoiceOf {
  return (router) => ({
    chosen: config.num_experts_per_tok,
    normalise: config.norm_topk_prob ?? false,
    sigmoid: true,
    bias: { name: `${router}.e_score_correction_bias`, count: config.n_routed_experts },
    gain: config.routed_scaling_factor,
    groups: { count: config.n_group, kept: config.topk_group, rated: 2, others: -1e30 },
  });
}

export interface ExpertSizes {
  n_routed_experts: number;
  n_shared_experts: number;
  moe_intermediate_size: number;
  first_k_dense_replace: number;
  mlp_bias?: boolean;
}

/** @throws UserError for groups that experts cannot be shared between, or that hold too few of them */
export function groupedExperts(
  checkpoint: Checkpoint,
  config: ExpertSizes,
  { width, inner, activation }: Decoder,
  choice: ChoiceOf,
): NonNullable<BlockParts['mlp']> {
  const { n_routed_experts: count, moe_intermediate_size: each, mlp_bias: bias = false } = config;
  const { chosen, groups, sigmoid = false } = choice('');
  checkExperts(checkpoint, chosen, count);
  if (groups !== undefined && count % groups.count !== 0)
    throw unsupported(
      checkpoint,
      'n_group',
      `${groups.count} groups of ${count} experts`,
      'groups of one size',
    );
  if (groups !== undefined && groups.kept > groups.count)
    throw unsupported(checkpoint, 'topk_group', `${groups.kept}`, `at most the ${groups.count} of n_group`);
  if (groups !== undefined && count / groups.count < groups.rated)
    throw unsupported(checkpoint, 'n_group', `${groups.count} of ${count} experts`, 'two experts in each');
  const within = groups === undefined ? count : (groups.kept * count) / groups.count;
  if (sigmoid && chosen > within) {
    throw unsupported(checkpoint, 'topk_group', `${chosen} of ${within} experts`, `at most ${within}`);
  }
  return (build, x, at, index) => {
    const here = `${at}.mlp`;
    if (index < config.first_k_dense_replace) {
      return gatedMlp(build, x, here, { width, inner, activation, bias });
    }
    const mixed = experts(build, x, {
      width,
      count,
      router: `${here}.gate`,
      ...choice(`${here}.gate`),
      expert: (rows, expert) =>
        gatedMlp(build, rows, `${here}.experts.${expert}`, { width, inner: each, activation }),
    });
    const shared = gatedMlp(build, x, `${here}.shared_experts`, {
      width,
      inner: each * config.n_shared_experts,
      activation,
      bias,
    });
    return build.graph.node('Add', [mixed, shared]);
  };
}
