/** k-sparse probing on the data sets of sae-probes (Kantamneni et al. 2025). */
import { declareSuite } from '../suite.ts';
import { probedRows, probingCurve } from './k-sparse.ts';

export const saeProbes = declareSuite({
  id: 'sae-probes',
  title: 'sae-probes',
  about: 'Probes on k latents of the last token, over the binary tasks of sae-probes.',
  definitions: {
    'probe_acc_k@sae-probes': {
      metric: 'probe_acc_k',
      title: 'k-sparse probing, accuracy (sae-probes)',
      short: 'k-sparse acc. (sae-probes)',
      formula:
        'test accuracy of a logistic regression on the k latents of largest mean difference, mean over the data sets of sae-probes',
      note: 'Other data sets and another search of the penalty than SAEBench’s own probing. Only ever read from result files of SAEBench; never measured here.',
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
      note: 'Only ever read from result files of SAEBench; never measured here.',
      unit: '',
      direction: 'higher',
      digits: 4,
      range: [0, 1],
    },
  },
  views: [
    probingCurve('accuracy', 'sae-probes: accuracy', 'probe_acc_k@sae-probes'),
    probingCurve('auroc', 'sae-probes: AUROC', 'probe_auc_k@sae-probes'),
    { kind: 'table', key: 'data_sets', title: 'Tasks of sae-probes', row: 'Task', columns: probedRows },
  ],
});
