import cooking from './data/topics/cooking.json' with { type: 'json' };
import farm from './data/topics/farm.json' with { type: 'json' };
import games from './data/topics/games.json' with { type: 'json' };
import garden from './data/topics/garden.json' with { type: 'json' };
import harbour from './data/topics/harbour.json' with { type: 'json' };
import illness from './data/topics/illness.json' with { type: 'json' };
import letters from './data/topics/letters.json' with { type: 'json' };
import market from './data/topics/market.json' with { type: 'json' };
import music from './data/topics/music.json' with { type: 'json' };
import repair from './data/topics/repair.json' with { type: 'json' };
import school from './data/topics/school.json' with { type: 'json' };
import storm from './data/topics/storm.json' with { type: 'json' };
import theft from './data/topics/theft.json' with { type: 'json' };
import travel from './data/topics/travel.json' with { type: 'json' };

/** What a story can be about: the words of a topic and the sentences its events are told in. */
export interface Topic {
  name: string;
  places: readonly string[];
  /** Nouns for T, the thing the story follows, and adjectives that suit all of them. */
  things: readonly string[];
  adjectives: readonly string[];
  /** Plural nouns for G, what is counted. */
  goods: readonly string[];
  /** Sentences that say what A is after. */
  wants: readonly string[];
  /** Events in their order; each is told in one of its ways. */
  steps: readonly (readonly string[])[];
  /** What goes wrong, why, and how it is put right or not. */
  troubles: readonly Trouble[];
  ends: { good: readonly string[]; bad: readonly string[] };
}

export interface Trouble {
  trouble: readonly string[];
  because: readonly string[];
  good: readonly string[];
  bad: readonly string[];
}

/** Their order decides what is drawn. */
export const TOPICS: readonly Topic[] = [
  market,
  harbour,
  garden,
  school,
  cooking,
  music,
  repair,
  travel,
  illness,
  games,
  letters,
  farm,
  theft,
  storm,
];
