/** Absorption of first letters (Chanin et al. 2024). */
import { declareSuite } from '../suite.ts';

export const absorption = declareSuite({
  id: 'absorption',
  title: 'Absorption',
  about:
    'Whether a latent for a word’s first letter is silent where a more specific latent fires. Only words count whose letter a probe on the activations finds, and only letters that it finds well.',
  definitions: {
    'absorption_fraction@saebench-0.6': {
      metric: 'absorption_fraction',
      title: 'Absorption, fraction (SAEBench 0.6)',
      short: 'absorption (0.6)',
      formula:
        'mean over first letters, of the mean over words, of A / (A + M): M what the letter’s latents carry along its probe, A what the three strongest others of cosine ≥ 0.1 carry, at most x·u − M; 0 where A < 0.4 x·u, 1 where M ≤ 0',
      note: 'u is the unit vector along the letter’s probe on the activations. The letter’s latents are those of largest weight in a sparse probe, as many as raise F1 by more than 0.03 each. Test words that the probe finds, letters of F1 > 0.6, 20 of which are needed. Words are drawn and probes begin by seeds of this program.',
      unit: '',
      direction: 'lower',
      digits: 4,
      range: [0, 1],
    },
    'absorption_fraction@saebench-0.3': {
      metric: 'absorption_fraction',
      title: 'Absorption, fraction (SAEBench 0.3)',
      short: 'absorption (0.3)',
      formula:
        'mean over first letters, of the mean over words, of (T − M) / T: M what the letter’s latents carry along its probe, T what all latents do; 0 where M ≥ x·u or T ≤ 0',
      note: 'The rule of SAEBench 0.3 on the same words: it counts whatever other latents carry, and is larger.',
      unit: '',
      direction: 'lower',
      digits: 4,
      range: [0, 1],
    },
    'absorption_fraction@saebench': {
      metric: 'absorption_fraction',
      title: 'Absorption, fraction',
      short: 'absorption',
      formula: 'mean over first letters of the share of the probe’s projection that absorbing latents carry',
      note: 'Read from result files of SAEBench, which do not say by which of its two rules; measured here under an id for each.',
      unit: '',
      direction: 'lower',
      digits: 4,
      range: [0, 1],
    },
    'absorption_full@saebench': {
      metric: 'absorption_full',
      title: 'Absorption, full',
      short: 'full absorption',
      formula:
        'mean over first letters of the share of words whose letter’s latents are all silent and one absorbing latent carries it',
      note: 'The latent that carries most along the probe, of cosine ≥ 0.025, carries at least 0.4 of x·u.',
      unit: '',
      direction: 'lower',
      digits: 4,
      range: [0, 1],
    },
    'split_latents@saebench': {
      metric: 'split_latents',
      title: 'Split latents',
      short: 'split latents',
      formula: 'mean over first letters of the number of latents a letter is split into',
      note: 'As many as raise the F1 of a probe on them by more than 0.03 each.',
      unit: 'latents',
      direction: 'lower',
      digits: 2,
      range: [0, null],
    },
  },
  views: [
    {
      kind: 'measures',
      title: 'Absorption of first letters',
      ids: [
        'absorption_fraction@saebench-0.6',
        'absorption_fraction@saebench-0.3',
        'absorption_fraction@saebench',
        'absorption_full@saebench',
        'split_latents@saebench',
      ],
    },
    {
      kind: 'table',
      key: 'letters',
      title: 'First letters',
      row: 'Letter',
      columns: [
        { key: 'words', label: 'Words' },
        { key: 'probe_f1', label: 'F1 of the activations’ probe' },
        { key: 'latent_f1', label: 'F1 of one latent' },
        { key: 'split', label: 'Latents' },
        {
          key: 'fraction',
          label: 'Fraction (0.6)',
          definition: 'absorption_fraction@saebench-0.6',
          compared: true,
        },
        { key: 'earlier', label: 'Fraction (0.3)', definition: 'absorption_fraction@saebench-0.3' },
        { key: 'full', label: 'Full', definition: 'absorption_full@saebench', compared: true },
        { key: 'full_words', label: 'Words absorbed in full' },
      ],
    },
  ],
});
