/** Probes on k latents of the last token, as sae-probes fits them (Kantamneni et al. 2025). */
import { declareSuite } from '../suite.ts';
import { probedRows, probingCurve } from './k-sparse.ts';

export const saeProbes = declareSuite({
  id: 'sae-probes',
  title: 'sae-probes',
  about:
    'Probes on k latents of the last token, over the 113 binary tasks of sae-probes. Of the sparse probings its variant was found the most reliable (Chanin 2026, arXiv 2605.18229).',
  definitions: {
    'probe_acc_k@sae-probes': {
      metric: 'probe_acc_k',
      title: 'k-sparse probing, accuracy (sae-probes)',
      short: 'k-sparse acc. (sae-probes)',
      formula:
        'test accuracy of a logistic regression on the k latents of largest mean difference, mean over the data sets of sae-probes',
      note: 'Latents of the last token, each divided by its mean where it is not 0 before they are ranked; min(n − 100, 1024) rows train, the rest test, both balanced; L1 penalty, C chosen by AUROC on the last fifth of the training rows, then fitted on all. Beside it the same rule on raw channels, and an L2 probe on all activations. Here solved to the optimum; sae-probes stops at 1000 iterations.',
      unit: '',
      direction: 'higher',
      digits: 4,
      range: [0, 1],
    },
    'probe_auc_k@sae-probes': {
      metric: 'probe_auc_k',
      title: 'k-sparse probing, AUROC (sae-probes)',
      short: 'k-sparse AUROC (sae-probes)',
      formula: 'the same probes’ test AUROC',
      note: 'It does not depend on where the probe puts its threshold.',
      unit: '',
      direction: 'higher',
      digits: 4,
      range: [0, 1],
    },
    'probe_f1_k@sae-probes': {
      metric: 'probe_f1_k',
      title: 'k-sparse probing, F1 (sae-probes)',
      short: 'k-sparse F1 (sae-probes)',
      formula:
        'the same probes’ F1 on the test rows, of either class as the positive one, weighted by their rows',
      note: 'scikit-learn’s weighted F1.',
      unit: '',
      direction: 'higher',
      digits: 4,
      range: [0, 1],
    },
  },
  views: [
    probingCurve('accuracy', 'sae-probes: accuracy', 'probe_acc_k@sae-probes'),
    probingCurve('auroc', 'sae-probes: AUROC', 'probe_auc_k@sae-probes'),
    probingCurve('f1', 'sae-probes: F1', 'probe_f1_k@sae-probes'),
    { kind: 'table', key: 'data_sets', title: 'Tasks of sae-probes', row: 'Task', columns: probedRows },
  ],
});
