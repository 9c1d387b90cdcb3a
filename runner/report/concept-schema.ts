/** Of a record, what the suites that follow SAEBench found: k-sparse probing, TPP and SCR. */
import { z } from 'zod';
import { count, measure, name, text } from './measure.ts';

/** Rows of one task of a probe set: both classes together, as many of each; null where a file of others does not count them. */
const conceptRows = {
  name,
  data: text,
  train_rows: count.nullable(),
  test_rows: count.nullable(),
  /** Test texts that also stand in the training rows. */
  duplicates: count.nullable(),
};

/** The probe on k latents, beside the same rule on k raw residual channels. */
const kSparsePoint = z.strictObject({
  k: z.int().positive(),
  accuracy: measure,
  auroc: measure,
  baseline_accuracy: measure,
  baseline_auroc: measure,
});
const kSparseCeiling = z.strictObject({ accuracy: measure, auroc: measure });

/** k-sparse probing: accuracy and AUROC over k. The ceiling is a probe on the whole residual. */
export const kSparse = z.strictObject({
  definitions: z.strictObject({
    accuracy: z.enum(['probe_acc_k@saebench', 'probe_acc_k@sae-probes']),
    auroc: z.enum(['probe_auc_k@saebench', 'probe_auc_k@sae-probes']),
  }),
  /** Mean over the data sets. */
  points: z.array(kSparsePoint),
  ceiling: kSparseCeiling,
  data_sets: z.array(
    z.strictObject({
      ...conceptRows,
      classes: z.array(name),
      /** Mean over the classes. */
      points: z.array(kSparsePoint),
      ceiling: kSparseCeiling,
    }),
  ),
});

/** `value` is `intended` (the probed class's fall) less `unintended` (the others' mean fall). */
const tppPoint = z.strictObject({
  n: z.int().positive(),
  value: measure,
  intended: measure,
  unintended: measure,
});

export const tppSaeBench = z.strictObject({
  definition: z.literal('tpp@saebench-N'),
  /** Mean over the data sets. */
  points: z.array(tppPoint),
  data_sets: z.array(
    z.strictObject({
      ...conceptRows,
      classes: z.array(name),
      /** Of the probes on the untouched residual, mean over the classes. */
      accuracy: measure,
      points: z.array(tppPoint),
    }),
  ),
});

export const scrSaeBench = z.strictObject({
  definition: z.literal('scr@saebench-N'),
  /** Mean over the pairs. */
  points: z.array(z.strictObject({ n: z.int().positive(), value: measure })),
  pairs: z.array(
    z.strictObject({
      ...conceptRows,
      /** The concept kept and the concept removed, in the direction that counts; null where a file of others does not say. */
      kept: name.nullable(),
      removed: name.nullable(),
      accuracy_clean: measure,
      accuracy_biased: measure,
      points: z.array(z.strictObject({ n: z.int().positive(), value: measure })),
    }),
  ),
});

export type KSparse = z.infer<typeof kSparse>;
export type KSparsePoint = z.infer<typeof kSparsePoint>;
export type TppSaeBench = z.infer<typeof tppSaeBench>;
export type TppPoint = z.infer<typeof tppPoint>;
export type ScrSaeBench = z.infer<typeof scrSaeBench>;
