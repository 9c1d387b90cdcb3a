/** The probe sets of the embedded small world. */
import { PROBE_TOPICS, type ProbeName, probeSet, type TopicRow, topicSet } from '../demo/index.ts';
import { checkClasses, type ProbeDemand, type ProbeRow, type ProbeSet } from './probe-sets.ts';

const BINARY: Readonly<Record<ProbeName, { data: string; classes: readonly [string, string] }>> = {
  toxicity: {
    data: 'small world: rude or polite remarks (stands in for SetFit/toxic_conversations)',
    classes: ['polite', 'rude'],
  },
  sentiment: {
    data: 'small world: reviews that praise or blame (stands in for sst2)',
    classes: ['blame', 'praise'],
  },
};

export const DEMO_PROBES = ['toxicity', 'sentiment', 'topic'] as const;

export const DEMO_CLASSES: Readonly<Record<(typeof DEMO_PROBES)[number], readonly string[]>> = {
  toxicity: BINARY.toxicity.classes,
  sentiment: BINARY.sentiment.classes,
  topic: PROBE_TOPICS,
};

/** A set of the small world; balanced by construction, without texts that stand in both parts. */
export function demoProbeSet(
  name: (typeof DEMO_PROBES)[number],
  seed: number,
  demand: ProbeDemand,
): ProbeSet {
  return checkClasses(name === 'topic' ? topics(seed, demand) : binary(name, seed, demand));
}

function binary(name: ProbeName, seed: number, demand: ProbeDemand): ProbeSet {
  const { data, classes } = BINARY[name];
  const [train, test] =
    demand.kind === 'first' ? [demand.rows, 0] : [2 * demand.trainPerClass, 2 * demand.testPerClass];
  const first: ProbeRow[] = probeSet(name, seed, train);
  const seen = new Set(first.map(({ text }) => text));
  const second: ProbeRow[] = test === 0 ? [] : probeSet(name, seed + TEST_SEED, test);
  const kept = second.filter(({ text }) => !seen.has(text));
  return {
    name,
    data,
    classes,
    attribute: null,
    train: first,
    test: kept,
    removed: { duplicates: second.length - kept.length, unused: 0 },
  };
}

/** Test parts are drawn under a seed of their own, far from those that users choose. */
const TEST_SEED = 2 ** 31;

function topics(seed: number, demand: ProbeDemand): ProbeSet {
  const classes = PROBE_TOPICS.length;
  const [train, test] =
    demand.kind === 'first'
      ? [demand.rows, 0]
      : [classes * demand.trainPerClass, classes * demand.testPerClass];
  const first = topicSet('train', seed, train);
  const second = topicSet('test', seed, test, new Set(first.map(({ text }) => text)));
  const row = ({ text, topic, narrated }: TopicRow): ProbeRow => ({
    text,
    label: topic,
    attribute: narrated,
  });
  return {
    name: 'topic',
    data: 'small world: stories by topic, told in the first or the third person',
    classes: PROBE_TOPICS,
    attribute: { name: 'teller', values: ['third person', 'first person'] },
    train: first.map(row),
    test: second.map(row),
    removed: { duplicates: 0, unused: 0 },
  };
}
