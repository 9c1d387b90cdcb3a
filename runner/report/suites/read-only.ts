/** Evaluations of SAEBench that are read from its result files and not run here. */
import type { Definition } from '../definition.ts';
import { declareSuite } from '../suite.ts';

/** What of a definition differs between them: all are scores from 0 to 1, and the higher the better. */
type Named = Pick<Definition, 'metric' | 'title' | 'short' | 'formula'>;

function readSuite<const Id extends string, const Ids extends string>({
  definitions,
  ...suite
}: {
  id: Id;
  title: string;
  about: string;
  definitions: Readonly<Record<Ids, Named>>;
}) {
  const ids = Object.keys(definitions) as Ids[];
  return declareSuite({
    ...suite,
    definitions: Object.fromEntries(ids.map((id) => [id, read(definitions[id])])) as Record<
      Ids,
      Omit<Definition, 'group'>
    >,
    views: [{ kind: 'measures', title: suite.title, ids }],
  });
}

function read(named: Named): Omit<Definition, 'group'> {
  return {
    ...named,
    note: 'Only ever read from result files of SAEBench; never measured here.',
    unit: '',
    direction: 'higher',
    digits: 4,
    range: [0, 1],
  };
}

export const autointerp = readSuite({
  id: 'autointerp',
  title: 'Automated interpretability',
  about: 'Whether a language model can tell a latent’s examples from its explanation of the latent.',
  definitions: {
    'autointerp@saebench': {
      metric: 'autointerp',
      title: 'Automated interpretability',
      short: 'autointerp',
      formula: 'share of examples that a language model judges rightly from its explanation of a latent',
    },
  },
});

export const ravel = readSuite({
  id: 'ravel',
  title: 'RAVEL',
  about: 'Whether changing an attribute’s latents changes that attribute and no other.',
  definitions: {
    'ravel_disentanglement@saebench': {
      metric: 'ravel_disentanglement',
      title: 'RAVEL, disentanglement',
      short: 'RAVEL',
      formula: '(cause + isolation) / 2',
    },
    'ravel_cause@saebench': {
      metric: 'ravel_cause',
      title: 'RAVEL, cause',
      short: 'RAVEL cause',
      formula: 'share of interventions on an attribute’s latents that change the attribute',
    },
    'ravel_isolation@saebench': {
      metric: 'ravel_isolation',
      title: 'RAVEL, isolation',
      short: 'RAVEL isolation',
      formula: 'share of interventions that leave the other attributes alone',
    },
  },
});

export const unlearning = readSuite({
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
    },
  },
});
