/** InterpScore v0.0.1: a weighted sum of five components, with the probes that two of them rest on. */
import { declareSuite } from '../suite.ts';

export const interpScore = declareSuite({
  id: 'interpscore',
  title: 'InterpScore',
  about:
    'The composite of the reference release. Its probing component is a dense probe over all latents, whatever its name says, and its TPP is not SAEBench’s.',
  leads: true,
  definitions: {
    'l0_score@interpscore-0.0.1': {
      metric: 'l0_score',
      title: 'L0 score',
      short: 'L0 score',
      formula: 'exp(−|ln(L0 / 80)|) = min(L0/80, 80/L0); 0 when L0 ≤ 0',
      note: 'A preference for about 80 active latents, whatever the model’s width.',
      unit: '',
      direction: 'higher',
      digits: 3,
      range: [0, 1],
    },
    'probe_auc_dense@interpscore-0.0.1': {
      metric: 'sparse_probing',
      title: 'Dense probing AUROC (InterpScore’s “sparse_probing”)',
      short: 'dense probe',
      formula:
        'mean over tasks of the test AUROC of an L2 logistic regression (C = 1, balanced classes) on the token mean of z',
      note: 'It is a dense probe over all n latents, whatever InterpScore calls it. First 1,500 usable rows, CPython shuffle with seed 0, first 80 % train, texts cut at 256 tokens.',
      unit: '',
      direction: 'higher',
      digits: 4,
      range: [0, 1],
    },
    'tpp@interpscore-0.0.1': {
      metric: 'tpp',
      title: 'Targeted probe perturbation (InterpScore)',
      short: 'TPP (InterpScore)',
      formula:
        'clip((AUC − AUC_ablated) / max(AUC, 1e−8), 0, 1); the top ⌊0.005·n⌋ latents by |weight| set to 0',
      note: 'On the first 1,000 rows of the toxicity task. It is not SAEBench’s TPP.',
      unit: '',
      direction: 'higher',
      digits: 4,
      range: [0, 1],
    },
    'interpscore@0.0.1': {
      metric: 'interpscore',
      title: 'InterpScore v0.0.1',
      short: 'InterpScore',
      formula: '0.30 loss_recovered + 0.15 alive + 0.15 l0_score + 0.25 sparse_probing + 0.15 tpp',
      note: 'The composite of the reference release.',
      unit: '',
      direction: 'higher',
      digits: 4,
      range: [0, 1],
      headline: true,
    },
  },
  views: [
    {
      kind: 'measures',
      title: 'Components of InterpScore',
      ids: [
        'loss_recovered@interpscore-0.0.1',
        'alive@v1',
        'l0_score@interpscore-0.0.1',
        'probe_auc_dense@interpscore-0.0.1',
        'tpp@interpscore-0.0.1',
        'interpscore@0.0.1',
      ],
      total: 'interpscore@0.0.1',
    },
    {
      kind: 'table',
      key: 'probes',
      title: 'Dense probes',
      row: 'Task',
      columns: [
        {
          key: 'auroc',
          label: 'AUROC',
          definition: 'probe_auc_dense@interpscore-0.0.1',
          compared: true,
        },
        // The interval resamples the test texts of one split; these are of other splits of the same texts.
        { key: 'split_seeds', label: 'Seeds of the splits' },
        { key: 'split_aurocs', label: 'AUROC over splits' },
        { key: 'train_rows', label: 'Training rows' },
        { key: 'test_rows', label: 'Test rows' },
        { key: 'duplicates', label: 'In both' },
      ],
    },
    {
      kind: 'table',
      key: 'perturbation',
      title: 'Targeted probe perturbation (InterpScore)',
      row: 'Task',
      columns: [
        { key: 'ablated_latents', label: 'Latents set to zero' },
        { key: 'auroc', label: 'AUROC', definition: 'probe_auc_dense@interpscore-0.0.1' },
        {
          key: 'auroc_ablated',
          label: 'AUROC without them',
          definition: 'probe_auc_dense@interpscore-0.0.1',
        },
      ],
    },
  ],
});

/** The composite's components, in the order of its formula, with the definition each must carry. */
export const interpScoreComponents = {
  loss_recovered: { definition: 'loss_recovered@interpscore-0.0.1', weight: 0.3 },
  alive: { definition: 'alive@v1', weight: 0.15 },
  l0_score: { definition: 'l0_score@interpscore-0.0.1', weight: 0.15 },
  sparse_probing: { definition: 'probe_auc_dense@interpscore-0.0.1', weight: 0.25 },
  tpp: { definition: 'tpp@interpscore-0.0.1', weight: 0.15 },
} as const;

export type ComponentName = keyof typeof interpScoreComponents;

export const componentNames = Object.keys(interpScoreComponents) as [ComponentName, ...ComponentName[]];
