import { random, shuffle } from '../../math/random.ts';
import { courtesy } from './courtesy.ts';
import { opinion } from './opinion.ts';
import { story } from './story.ts';
import { TOPICS } from './topics.ts';

export interface ProbeRow {
  text: string;
  label: 0 | 1;
}

export type ProbeName = 'sentiment' | 'toxicity';

/** Signs counted as words; texts have about 12 to 60 tokens. */
const FEWEST_WORDS = 12;
const MOST_WORDS = 50;

/**
 * A labelled data set: `count` different texts, half of each label (one more 0 when odd), in random order.
 * sentiment: 1 is praise. toxicity: 1 is rude, 0 polite; rudeness stands in for toxicity.
 * Labels are exact: the text is built from its label.
 */
export function probeSet(name: ProbeName, seed: number, count: number): ProbeRow[] {
  const labels = shuffle(
    Array.from({ length: count }, (_, i): 0 | 1 => (i % 2 === 0 ? 0 : 1)),
    random('probe order', name, seed),
  );
  const seen = new Set<string>();
  return labels.map((label, i) => {
    for (let attempt = 0; ; attempt++) {
      const stream = random('probe', name, seed, i, attempt);
      const text = name === 'sentiment' ? opinion(stream, label === 1) : courtesy(stream, label === 0);
      const words = text.match(/\p{L}+|[^\p{L}\s]/gu)?.length ?? 0;
      if (seen.has(text) || words < FEWEST_WORDS || words > MOST_WORDS) continue;
      seen.add(text);
      return { text, label };
    }
  });
}

/** The topics of the topic set: class c is the c-th. */
export const PROBE_TOPICS = ['harbour', 'school', 'cooking', 'music', 'travel'] as const;

export interface TopicRow {
  text: string;
  /** Index into PROBE_TOPICS. */
  topic: number;
  /** 1 when the teller is one of the people in the story. */
  narrated: 0 | 1;
}

/**
 * A data set of several classes: `count` different stories, their topics and tellers in turn before the order is
 * shuffled, so that every topic has as many stories in the first person as in the third (within one).
 * The parts, such as train and test, of one seed share no text.
 */
export function topicSet(part: string, seed: number, count: number, other: ReadonlySet<string> = new Set()) {
  const order = shuffle(
    Array.from({ length: count }, (_, i) => i),
    random('probe order', 'topic', part, seed),
  );
  const topics = PROBE_TOPICS.map((name) => TOPICS.find((topic) => topic.name === name)!);
  const seen = new Set(other);
  return order.map((number, i): TopicRow => {
    const topic = number % topics.length;
    const narrated = Math.floor(number / topics.length) % 2 === 0 ? 0 : 1;
    for (let attempt = 0; ; attempt++) {
      const stream = random('probe', 'topic', part, seed, i, attempt);
      const text = story(stream, { topic: topics[topic]!, narrated: narrated === 1 });
      if (seen.has(text)) continue;
      seen.add(text);
      return { text, topic, narrated };
    }
  });
}
