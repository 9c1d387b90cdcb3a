/**
 * Which metric deserves belief? SAEs on a synthetic model, whose features are known: what each metric of the report has to do
 * with how many of them an SAE found. metric-study.json is written by `npm run study -- --write`; the site reads it here.
 */
import { z } from 'zod';
import written from './metric-study.json' with { type: 'json' };

const figure = z.strictObject({ value: z.number(), interval: z.tuple([z.number(), z.number()]) }).nullable();

const metricFigures = z.strictObject({
  definition: z.string(),
  /** Latents of a probe, or set to zero; null of a metric without. */
  at: z.int().positive().nullable(),
  /** Spearman's rank correlation with F1 and with MCC, over all SAEs and with L0 and width held equal. */
  f1: figure,
  mcc: figure,
  f1_equal_l0: figure,
  mcc_equal_l0: figure,
  /** Probability that more training has the larger value, of another seed. */
  power: figure,
  /** Standard deviations by that over all SAEs. */
  seed_noise: z.number().nullable(),
  evaluation_noise: z.number().nullable(),
});

const schema = z.strictObject({
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

export type MetricStudy = z.infer<typeof schema>;
export type StudiedMetric = MetricStudy['metrics'][number];

export const metricStudy: MetricStudy = schema.parse(written);

/** What synthetic data cannot say anything about: losses of the language model, and its words. */
const OF_LANGUAGE_MODELS = /^(loss_|kl_|absorption_|split_latents|interpscore@)/;

/** One line on a definition; null where the study has nothing to say. */
export function studyLine(definition: string): string | null {
  if (OF_LANGUAGE_MODELS.test(definition))
    return 'Held to true features: not possible, it needs a language model.';
  const found = metricStudy.metrics.filter((each) => each.definition === definition);
  const told = found.flatMap(({ at, mcc_equal_l0: mcc, f1_equal_l0: f1 }) => {
    if (mcc === null || f1 === null) return [];
    return [`${at === null ? '' : `at ${at} `}${rounded(mcc.value)} with MCC, ${rounded(f1.value)} with F1`];
  });
  return told.length === 0
    ? null
    : `Held to true features (synthetic model, equal L0 and width): rank correlation ${told.join('; ')}.`;
}

const rounded = (value: number): string => value.toFixed(2).replace('-', '−');
