/** Absorption of first letters (Chanin et al. 2024). */
import { declareSuite } from '../suite.ts';

export const absorption = declareSuite({
  id: 'absorption',
  title: 'Absorption',
  about: 'Whether a latent for a word’s first letter is silent where a more specific latent fires.',
  definitions: {
    'absorption_fraction@saebench': {
      metric: 'absorption_fraction',
      title: 'Absorption, fraction',
      short: 'absorption',
      formula: 'mean over first letters of the share of the probe’s projection that absorbing latents carry',
      note: 'Whether a latent for a letter is silent where a more specific one fires. Only ever read from result files of SAEBench; never measured here.',
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
      note: 'Only ever read from result files of SAEBench; never measured here.',
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
      note: 'Only ever read from result files of SAEBench; never measured here.',
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
      ids: ['absorption_fraction@saebench', 'absorption_full@saebench', 'split_latents@saebench'],
    },
  ],
});
