/** Spurious correlation removal by SAEBench's rule. */
import { declareSuite } from '../suite.ts';
import { UNRELIABLE } from './tpp.ts';

const SCR = 'scr@saebench-N';

export const scr = declareSuite({
  id: 'scr',
  title: 'Spurious correlation removal',
  about:
    'A probe trained where two concepts always coincide leans on both. Sets to zero the latents that carry the unwanted one, and sees how much of its accuracy on the wanted one comes back.',
  definitions: {
    'scr@saebench-N': {
      metric: 'scr_n',
      title: 'Spurious correlation removal',
      short: 'SCR',
      formula:
        '(acc_after − acc_biased) / (acc_clean − acc_biased), the N latents of largest |(mean⁺_j − mean⁻_j)·(w·d_j)| for the unwanted concept’s probe w set to 0; 0 when the denominator is below 0.001',
      note: 'acc_biased is of a probe trained where both concepts coincide, tested where they do not; acc_clean of one trained without the coincidence. Of the two directions the one counts whose biased probe is worse. Probes and padding as for TPP.',
      unit: '',
      direction: 'higher',
      digits: 4,
      range: [null, null],
      warning: UNRELIABLE,
    },
  },
  views: [
    {
      kind: 'curve',
      key: 'scr',
      title: 'Spurious correlation removal',
      x: 'N',
      xLabel: 'latents set to zero (N)',
      lines: [{ key: 'scr', label: 'SCR', column: 'SCR', definition: SCR }],
      include: [0],
      note: 'Mean over the pairs; below 0 the probe got worse.',
    },
    {
      kind: 'table',
      key: 'pairs',
      title: 'Pairs of concepts',
      row: 'Pair',
      columns: [
        { key: 'kept', label: 'Kept' },
        { key: 'removed', label: 'Removed' },
        { key: 'accuracy_clean', label: 'Accuracy, clean probe', definition: SCR },
        { key: 'accuracy_biased', label: 'Accuracy, biased probe', definition: SCR },
        { key: 'train_rows', label: 'Training texts' },
        { key: 'test_rows', label: 'Test texts' },
        { key: 'duplicates', label: 'In both' },
      ],
    },
  ],
});
