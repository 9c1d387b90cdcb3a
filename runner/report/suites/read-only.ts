/** Evaluations of SAEBench that are read from its result files and not run here. */
import { declareSuite } from '../suite.ts';

export const autointerp = declareSuite({
  id: 'autointerp',
  title: 'Automated interpretability',
  about: 'Whether a language model can tell a latent’s examples from its explanation of the latent.',
  definitions: {
    'autointerp@saebench': {
      metric: 'autointerp',
      title: 'Automated interpretability',
      short: 'autointerp',
      formula: 'share of examples that a language model judges rightly from its explanation of a latent',
      note: 'Only ever read from result files of SAEBench; never measured here.',
      unit: '',
      direction: 'higher',
      digits: 4,
      range: [0, 1],
    },
  },
  views: [
    {
      kind: 'measures',
      title: 'Automated interpretability',
      ids: ['autointerp@saebench'],
    },
  ],
});

export const ravel = declareSuite({
  id: 'ravel',
  title: 'RAVEL',
  about: 'Whether changing an attribute’s latents changes that attribute and no other.',
  definitions: {
    'ravel_disentanglement@saebench': {
      metric: 'ravel_disentanglement',
      title: 'RAVEL, disentanglement',
      short: 'RAVEL',
      formula: '(cause + isolation) / 2',
      note: 'Only ever read from result files of SAEBench; never measured here.',
      unit: '',
      direction: 'higher',
      digits: 4,
      range: [0, 1],
    },
    'ravel_cause@saebench': {
      metric: 'ravel_cause',
      title: 'RAVEL, cause',
      short: 'RAVEL cause',
      formula: 'share of interventions on an attribute’s latents that change the attribute',
      note: 'Only ever read from result files of SAEBench; never measured here.',
      unit: '',
      direction: 'higher',
      digits: 4,
      range: [0, 1],
    },
    'ravel_isolation@saebench': {
      metric: 'ravel_isolation',
      title: 'RAVEL, isolation',
      short: 'RAVEL isolation',
      formula: 'share of interventions that leave the other attributes alone',
      note: 'Only ever read from result files of SAEBench; never measured here.',
      unit: '',
      direction: 'higher',
      digits: 4,
      range: [0, 1],
    },
  },
  views: [
    {
      kind: 'measures',
      title: 'RAVEL',
      ids: ['ravel_disentanglement@saebench', 'ravel_cause@saebench', 'ravel_isolation@saebench'],
    },
  ],
});

export const unlearning = declareSuite({
  id: 'unlearning',
  title: 'Unlearning',
  about: 'Whether dangerous knowledge can be removed through single latents, the rest left as it is.',
  definitions: {
    'unlearning@saebench': {
      metric: 'unlearning',
      title: 'Unlearning',
      short: 'unlearning',
      formula:
        '1 − lowest accuracy on the dangerous questions over the settings that keep 99 % of the others’',
      note: 'Only ever read from result files of SAEBench; never measured here.',
      unit: '',
      direction: 'higher',
      digits: 4,
      range: [0, 1],
    },
  },
  views: [
    {
      kind: 'measures',
      title: 'Unlearning',
      ids: ['unlearning@saebench'],
    },
  ],
});
