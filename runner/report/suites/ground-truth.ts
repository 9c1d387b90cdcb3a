/** Recovery of known features: SAEs on a synthetic model, by the measures of SynthSAEBench (Chanin and Garriga-Alonso 2026). */
import { declareSuite } from '../suite.ts';

const share = { unit: '', digits: 4, range: [0, 1] } as const;
const better = { ...share, direction: 'higher' } as const;
const NEAREST = 'f(j) is the feature of largest |cos| to decoder row j.';
const COUNTED =
  'Over the evaluation’s samples; a latent fires where it is not 0, and where the ratio is undefined it counts as 0. As sae_lens.synthetic has it.';

const RECOVERY = [
  { key: 'cosine', label: '|cos|', column: 'Nearest latent, |cos|', definition: 'feature_cosine@v1' },
  { key: 'f1', label: 'F1', column: 'Best detector, F1', definition: 'feature_f1@v1' },
] as const;

export const groundTruth = declareSuite({
  id: 'ground-truth',
  title: 'Ground truth',
  leads: true,
  about:
    'The model is synthetic: its activations are sums of known features, so that it can be said which of them the SAE found. A random SAE and a permuted decoder show what chance gives, an oracle what one layer that knows the features can do.',
  definitions: {
    'mcc@synthsaebench': {
      metric: 'mcc',
      title: 'Mean correlation coefficient',
      short: 'MCC',
      formula:
        'mean |cos(W_dec row, feature)| over the one-to-one matching of latents and features of largest sum',
      note: 'Exact (Jonker and Volgenant 1987), over as many pairs as the smaller side has. It follows from the decoder alone: no sample decides it, so there is no interval.',
      ...better,
    },
    'uniqueness@synthsaebench': {
      metric: 'uniqueness',
      title: 'Uniqueness',
      short: 'unique',
      formula: 'number of distinct f(j) / number of latents',
      note: `${NEAREST} Below 1 latents share features. It follows from the decoder alone.`,
      ...better,
    },
    'precision@synthsaebench': {
      metric: 'precision',
      title: 'Precision of latents as detectors',
      short: 'precision',
      formula: 'mean over latents of TP / (TP + FP), latent j a detector of f(j)',
      note: `${NEAREST} ${COUNTED}`,
      ...better,
    },
    'recall@synthsaebench': {
      metric: 'recall',
      title: 'Recall of latents as detectors',
      short: 'recall',
      formula: 'mean over latents of TP / (TP + FN), latent j a detector of f(j)',
      note: `${NEAREST} ${COUNTED}`,
      ...better,
    },
    'f1@synthsaebench': {
      metric: 'f1',
      title: 'F1 of latents as detectors',
      short: 'F1',
      formula: 'mean over latents of 2 · precision · recall / (precision + recall)',
      note: `${NEAREST} ${COUNTED}`,
      ...better,
    },
    'accuracy@synthsaebench': {
      metric: 'accuracy',
      title: 'Accuracy of latents as detectors',
      short: 'accuracy',
      formula: 'mean over latents of (TP + TN) / samples, latent j a detector of f(j)',
      note: `${NEAREST} Features are rare, so that a latent that never fires has nearly 1.`,
      ...better,
    },
    'l0_true@synthsaebench': {
      metric: 'l0_true',
      title: 'True L0',
      short: 'true L0',
      formula: 'features that fire, mean over the evaluation’s samples',
      note: 'What L0 of an SAE that fires with the features would be.',
      unit: 'features',
      direction: 'neutral',
      digits: 2,
      range: [0, null],
    },
    'feature_cosine@v1': {
      metric: 'feature_cosine',
      title: 'Nearest latent of a feature',
      short: 'feature |cos|',
      formula: 'max_j |cos(W_dec row j, feature)|, mean over the features of a group',
      note: 'A group is a stretch of features in the order of their frequency, or those of one level of their trees.',
      ...better,
    },
    'feature_f1@v1': {
      metric: 'feature_f1',
      title: 'Best detector of a feature',
      short: 'feature F1',
      formula:
        'largest F1 of the latents j with f(j) = feature, 0 where there is none; mean over the features of a group',
      note: `${NEAREST} The same groups.`,
      ...better,
    },
    'feature_share@v1': {
      metric: 'feature_share',
      title: 'Features by their latents',
      short: 'features',
      formula: 'share of the features of a group that no latent, one, or several are nearest to',
      note: `${NEAREST} No latent: the feature is missed. One: matched. Several: it is split among them. The same groups.`,
      ...share,
      direction: 'neutral',
    },
  },
  views: [
    {
      kind: 'measures',
      title: 'Recovery of the true features',
      ids: [
        'mcc@synthsaebench',
        'f1@synthsaebench',
        'precision@synthsaebench',
        'recall@synthsaebench',
        'accuracy@synthsaebench',
        'uniqueness@synthsaebench',
        'l0_true@synthsaebench',
      ],
    },
    {
      kind: 'curve',
      key: 'frequency',
      title: 'Recovery against frequency',
      x: 'firings',
      xLabel: 'firings in a million samples',
      lines: RECOVERY,
      include: [0, 1],
      note: 'Lines: how near the nearest latent’s direction is, and how well the best detector fires with the feature; tenths of the features, rare ones first.',
    },
    {
      kind: 'curve',
      key: 'depth',
      title: 'Recovery against depth',
      x: 'level',
      xLabel: 'levels below the root of a tree',
      scale: 'linear',
      lines: RECOVERY,
      include: [0, 1],
      note: 'Lines: as above, over the features of trees. Roots are the most frequent features.',
    },
    {
      kind: 'curve',
      key: 'fates',
      title: 'Missed, matched and split features',
      x: 'firings',
      xLabel: 'firings in a million samples',
      lines: [
        { key: 'missed', label: 'missed', column: 'No latent', definition: 'feature_share@v1' },
        { key: 'matched', label: 'matched', column: 'One latent', definition: 'feature_share@v1' },
        { key: 'split', label: 'split', column: 'Several latents', definition: 'feature_share@v1' },
      ],
      include: [0, 1],
      note: 'Lines: shares of the features that no latent, one of their own, or several latents are nearest to; tenths of the features, rare ones first.',
    },
    {
      kind: 'table',
      key: 'references',
      title: 'Floors and ceiling',
      row: 'Reference',
      columns: [
        { key: 'mcc', label: 'MCC', definition: 'mcc@synthsaebench' },
        { key: 'f1', label: 'F1', definition: 'f1@synthsaebench' },
        { key: 'precision', label: 'Precision', definition: 'precision@synthsaebench' },
        { key: 'recall', label: 'Recall', definition: 'recall@synthsaebench' },
        { key: 'accuracy', label: 'Accuracy', definition: 'accuracy@synthsaebench' },
        { key: 'uniqueness', label: 'Uniqueness', definition: 'uniqueness@synthsaebench' },
      ],
    },
    {
      kind: 'table',
      key: 'features',
      title: 'Most split and most frequent missed features',
      row: 'Feature',
      columns: [
        { key: 'firings', label: 'Firings in a million samples' },
        { key: 'level', label: 'Level' },
        { key: 'cosine', label: 'Nearest |cos|' },
        { key: 'latents', label: 'Latents nearest to it' },
      ],
    },
  ],
});
