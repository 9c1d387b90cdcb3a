/** `synthetic_model_config.json` of SAELens' synthetic models: what a model is generated from. */
import { z } from 'zod';

/** Four times the benchmark's features and ten times its width. */
const MOST_FEATURES = 65_536;
const MOST_DIMENSIONS = 8_192;
const MOST_RANK = 1_024;

const probability = z.number().gt(0).max(1);
const finite = z.number().min(-1e6).max(1e6);
const positive = z.number().gt(0).max(1e6);

/** In descending order for all but `random`. */
const firing = z.discriminatedUnion('generator_name', [
  z.strictObject({
    generator_name: z.literal('zipfian'),
    exponent: positive,
    max_prob: probability,
    min_prob: probability,
  }),
  z.strictObject({ generator_name: z.literal('linear'), max_prob: probability, min_prob: probability }),
  z.strictObject({ generator_name: z.literal('random'), max_prob: probability, min_prob: probability }),
  z.strictObject({ generator_name: z.literal('constant'), probability }),
]);

/** A mean or standard deviation for each feature; a number is the same for all. */
const magnitude = z.union([
  finite,
  z.discriminatedUnion('generator_name', [
    z.strictObject({ generator_name: z.literal('constant'), value: finite }),
    z.strictObject({ generator_name: z.literal('linear'), start: positive, end: positive }),
    z.strictObject({ generator_name: z.literal('exponential'), start: positive, end: positive }),
    z.strictObject({
      generator_name: z.literal('folded_normal'),
      mean: finite,
      std: positive,
      min_value: z.number().nonnegative().nullable(),
      max_value: z.number().gt(0).nullable(),
    }),
  ]),
]);

const seed = z
  .int()
  .nonnegative()
  .max(2 ** 31)
  .nullable();

const branching = z.int().min(2).max(MOST_FEATURES);

const hierarchy = z.strictObject({
  total_root_nodes: z.int().min(1).max(MOST_FEATURES),
  branching_factor: z.union([branching, z.tuple([branching, branching])]),
  /** Levels below the roots. */
  max_depth: z.int().min(1).max(16),
  mutually_exclusive_portion: z.number().min(0).max(1),
  mutually_exclusive_min_depth: z.int().nonnegative(),
  mutually_exclusive_max_depth: z.int().nonnegative().nullable(),
  /** Raises the probabilities of children for what parents and siblings take from them. */
  compensate_probabilities: z.boolean(),
  /** A child's magnitude is multiplied by its parent's over the parent's mean. */
  scale_children_by_parent: z.boolean().default(false),
});

export const syntheticConfig = z.strictObject({
  num_features: z.int().min(16).max(MOST_FEATURES),
  hidden_dim: z.int().min(1).max(MOST_DIMENSIONS),
  firing_probability: firing,
  hierarchy: hierarchy.nullable(),
  orthogonalization: z
    .strictObject({
      num_steps: z.int().nonnegative().max(10_000),
      lr: positive,
      chunk_size: z.int().positive(),
    })
    .nullable(),
  correlation: z
    .strictObject({
      rank: z.int().positive().max(MOST_RANK),
      correlation_scale: z.number().nonnegative().max(10),
      seed,
    })
    .nullable(),
  std_firing_magnitudes: magnitude,
  mean_firing_magnitudes: magnitude,
  /** Norm of the bias; true is 1. */
  bias: z.union([z.boolean(), finite]),
  dtype: z.enum(['float32', 'float16', 'bfloat16', 'float64']),
  seed,
});

export type SyntheticConfig = z.infer<typeof syntheticConfig>;
export type Magnitude = z.infer<typeof magnitude>;
export type Hierarchy = z.infer<typeof hierarchy>;
