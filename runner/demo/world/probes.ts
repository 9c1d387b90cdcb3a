import { random, shuffle } from '../../math/random.ts';
import { courtesy } from './courtesy.ts';
import { opinion } from './opinion.ts';

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
