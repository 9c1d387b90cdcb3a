import type { Random } from '../../math/random.ts';
import { drawPeople, drawRelation, narratorSlot, type Person, personSlot } from './cast.ts';
import { inWords, singular, withArticle } from './grammar.ts';
import { SPOTS, TIMES, TOWNS, WEATHERS, type Weather, WORDS } from './lexicon.ts';
import { chance, pick, type Scene, type Slot, wordsSlot } from './template.ts';
import { TOPICS, type Topic } from './topics.ts';

/** A scene with its people, its topic and what the sentences of a story refer to. */
export interface StoryScene extends Scene {
  topic: Topic;
  people: { A: Person; B: Person; C: Person };
  narrated: boolean;
  relation: string;
  weather: Weather;
  time: string;
}

const DISHES: readonly (readonly [string, string])[] = [
  ['a bowl of stew', 'stew'],
  ['apple cake', 'cake'],
  ['bread and cheese', 'bread'],
  ['fried fish', 'fish'],
  ['pea soup', 'soup'],
  ['pancakes', 'pancakes'],
  ['plum jam', 'jam'],
  ['porridge', 'porridge'],
  ['roast potatoes', 'potatoes'],
  ['a pot of goulash', 'goulash'],
  ['lemon pie', 'pie'],
  ['onion soup', 'soup'],
];
const BEASTS = ['cow', 'sheep', 'goat', 'pony', 'donkey'] as const;

export function thingSlot(noun: string, adjective: string): Slot {
  return {
    person: false,
    agreement: 'third',
    form(form) {
      if (form === 'a') return withArticle(`${adjective} ${noun}`);
      if (form === 'noun') return noun;
      if (form === 'full') return `the ${adjective} ${noun}`;
      return `the ${noun}`;
    },
  };
}

export function goodsSlot(goods: string): Slot {
  return { person: false, agreement: 'plural', form: (form) => (form === 'one' ? singular(goods) : goods) };
}

/** Two different items of a list. */
export function pickTwo<T>(random: Random, items: readonly T[]): [T, T] {
  const first = random.integer(items.length);
  const second = (first + 1 + random.integer(items.length - 1)) % items.length;
  return [items[first]!, items[second]!];
}

export interface SceneOptions {
  thirdPerson?: boolean;
  /** Fixed instead of drawn. */
  topic?: Topic;
  narrated?: boolean;
}

/** A scene's facts, drawn from `random` where they are not given. */
export function drawScene(random: Random, options: SceneOptions = {}): StoryScene {
  const topic = options.topic ?? pick(random, TOPICS);
  const [a, b, c] = drawPeople(random, 3) as [Person, Person, Person];
  const narrated = options.narrated ?? (!options.thirdPerson && chance(random, 0.25));
  const [town, town2] = pickTwo(random, TOWNS);
  const n = 4 + random.integer(9);
  const m = 2 + random.integer(n - 3);
  const [dish, dish2] = pick(random, DISHES);
  const slots = new Map<string, Slot>([
    ['A', narrated ? narratorSlot() : personSlot(a)],
    ['B', personSlot(b)],
    ['C', personSlot(c)],
    ['T', thingSlot(pick(random, topic.things), pick(random, topic.adjectives))],
    ['P', wordsSlot(pick(random, topic.places))],
    ['G', goodsSlot(pick(random, topic.goods))],
    ['town', wordsSlot(town)],
    ['town2', wordsSlot(town2)],
    ['n', wordsSlot(inWords(n))],
    ['m', wordsSlot(inWords(m))],
    ['r', wordsSlot(inWords(n - m))],
    ['spot', wordsSlot(pick(random, SPOTS))],
    ['food', wordsSlot(dish)],
    ['food2', wordsSlot(dish2)],
    ['beast', wordsSlot(pick(random, BEASTS))],
  ]);
  return {
    random,
    tense: chance(random, 0.82) ? 'past' : 'present',
    good: chance(random, 0.5),
    slots,
    words: WORDS,
    focus: '',
    topic,
    people: { A: a, B: b, C: c },
    narrated,
    relation: drawRelation(random, a, b),
    weather: pick(random, WEATHERS),
    time: pick(random, TIMES),
  };
}
