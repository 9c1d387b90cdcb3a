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
