/** Targeted probe perturbation by SAEBench's rule. */
import { declareSuite, UNTRAINED_LINE } from '../suite.ts';
import { probedRows } from './k-sparse.ts';

/** Chanin 2026 ran TPP and SCR at their canonical settings. */
export const UNRELIABLE =
  'Reported unreliable at its canonical settings (Chanin 2026, arXiv 2605.18229): do not rank SAEs by it.';

const TPP = 'tpp@saebench-N';

export const tpp = declareSuite({
  id: 'tpp',
  title: 'Targeted probe perturbation (SAEBench)',
  about:
    'Sets to zero the latents most responsible for one concept’s probe, and sees how far that probe falls beyond the others.',
  definitions: {
    'tpp@saebench-N': {
      metric: 'tpp_n',
      title: 'Targeted probe perturbation (SAEBench)',
      short: 'TPP (SAEBench)',
      formula:
        'mean over classes c of [fall of probe c’s accuracy − mean fall of the others’] when the N latents of largest max(0, mean⁺_j − mean⁻_j)·(w_c·d_j) are set to 0: x′ = decode(z ablated) + (x − x̂)',
      note: 'Linear probes on the token mean of the activations, trained as SAEBench does (AdamW, 20 epochs of batches of 16, learning rate and L1 penalty 1e−3) but kept from the last epoch: SAEBench keeps the epoch best on the test rows. Padding is left out; SAEBench adds what the SAE decodes from it.',
      unit: '',
      direction: 'higher',
      digits: 4,
      range: [-1, 1],
      warning: UNRELIABLE,
    },
  },
  views: [
    {
      kind: 'curve',
      key: 'tpp',
      title: 'Targeted probe perturbation (SAEBench)',
      x: 'N',
      xLabel: 'latents set to zero (N)',
      lines: [
        { key: 'tpp', label: 'TPP', column: 'TPP (SAEBench)', definition: TPP },
        { key: 'intended', label: 'own', column: 'Fall of the class’s own probe', definition: TPP },
        { key: 'unintended', label: 'others', column: 'Mean fall of the others', definition: TPP },
        { key: UNTRAINED_LINE, label: 'untrained', column: 'TPP of an untrained SAE', definition: TPP },
      ],
      include: [0],
      note: 'TPP is the fall of the class’s own probe less the mean fall of the others; beside it that of an untrained SAE of the same shape and L0.',
    },
    {
      kind: 'table',
      key: 'data_sets',
      title: 'Data sets of TPP (SAEBench)',
      row: 'Data set',
      columns: [
        ...probedRows,
        { key: 'accuracy', label: 'Accuracy of the probes, untouched', definition: TPP },
      ],
    },
  ],
});
