/**
 * Which metric deserves belief? SAEs on a synthetic model, whose features are known: what each metric of the report has to do
 * with how many of them an SAE found. Made by `npm run study -- --write`, read by the methodology page.
 */
import { z } from 'zod';

const figure = z.strictObject({ value: z.number(), interval: z.tuple([z.number(), z.number()]) }).nullable();

const metricFigures = z.strictObject({
  definition: z.string(),
  /** Latents of a probe, or set to zero. */
  at: z.int().positive().nullable(),
  count: z.int(),
  f1: figure,
  mcc: figure,
  f1_equal_l0: figure,
  mcc_equal_l0: figure,
  power: figure,
  seed_noise: z.number().nullable(),
  evaluation_noise: z.number().nullable(),
});

export const metricStudy = z.strictObject({
  features: z.int(),
  d: z.int(),
  widths: z.array(z.int()),
  /** Samples of training. */
  lengths: z.array(z.int()),
  /** Of an evaluation. */
  samples: z.int(),
  configurations: z.int(),
  seeds: z.int(),
  evaluation_seeds: z.int(),
  saes: z.int(),
  metrics: z.array(metricFigures),
});

export type MetricStudy = z.infer<typeof metricStudy>;
