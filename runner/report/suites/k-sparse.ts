/** k-sparse probing: how well k single latents tell a concept (Gurnee et al. 2023; SAEBench's sparse_probing). */
import { type CurveView, declareSuite, type TableView, UNTRAINED_LINE } from '../suite.ts';

/**
 * The probe on k latents, beside the same rule on k raw channels of the activations and a probe on all of them.
 *
 * @param untrained whether the same rule is tried on an untrained SAE too
 */
export function probingCurve(
  key: string,
  title: string,
  definition: string,
  { untrained = false }: { untrained?: boolean } = {},
): CurveView {
  return {
    kind: 'curve',
    key,
    title,
    x: 'k',
    xLabel: 'latents or channels (k)',
    lines: [
      { key: 'sae', label: 'SAE', column: 'SAE latents', definition },
      { key: 'channels', label: 'channels', column: 'Channels', definition },
      { key: 'ceiling', label: 'whole', column: 'All channels', definition },
      ...(untrained
        ? [{ key: UNTRAINED_LINE, label: 'untrained', column: 'Untrained SAE', definition }]
        : []),
    ],
    include: [0.5],
    note: `Lines: the SAE’s latents, raw channels of the activations, a probe on all of them${untrained ? ', and the latents of an untrained SAE of the same shape and L0' : ''}.`,
  };
}

/** What was probed, and on how many texts of it. */
export const probedRows = [
  { key: 'classes', label: 'Classes' },
  { key: 'train_rows', label: 'Training texts per task' },
  { key: 'test_rows', label: 'Test texts per task' },
  { key: 'duplicates', label: 'In both' },
] as const satisfies TableView['columns'];

export const kSparse = declareSuite({
  id: 'k-sparse',
  title: 'k-sparse probing',
  about:
    'A probe may read only the k latents that differ most between a class and the rest. A dictionary is of use where few of its latents do better than as many raw channels of the activations; a probe on all activations stands beside as a reference, which may be beaten.',
  definitions: {
    'probe_acc_k@saebench': {
      metric: 'probe_acc_k',
      title: 'k-sparse probing, accuracy',
      short: 'k-sparse acc.',
      formula:
        'test accuracy of an L2 logistic regression (C = 1) on the k latents of largest |mean⁺ − mean⁻| in the training rows; mean over classes, then data sets',
      note: 'Balanced one-against-the-rest tasks on the token mean of z, special tokens left out, texts cut at 128 tokens. Always beside it: the same rule on raw channels, and a probe on all activations as reference.',
      unit: '',
      direction: 'higher',
      digits: 4,
      range: [0, 1],
    },
    'probe_auc_k@saebench': {
      metric: 'probe_auc_k',
      title: 'k-sparse probing, AUROC',
      short: 'k-sparse AUROC',
      formula: 'the same probes’ test AUROC',
      note: 'SAEBench gives the accuracy alone; AUROC does not depend on where the probe puts its threshold.',
      unit: '',
      direction: 'higher',
      digits: 4,
      range: [0, 1],
    },
  },
  views: [
    probingCurve('accuracy', 'k-sparse probing: accuracy', 'probe_acc_k@saebench', { untrained: true }),
    probingCurve('auroc', 'k-sparse probing: AUROC', 'probe_auc_k@saebench', { untrained: true }),
    { kind: 'table', key: 'data_sets', title: 'Data sets probed', row: 'Data set', columns: probedRows },
  ],
});
