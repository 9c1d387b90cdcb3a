import { type Random, shuffle } from '../../math/random.ts';
import { drawPeople, narratorSlot, personSlot } from './cast.ts';
import { TIMES, TOWNS, WORDS } from './lexicon.ts';
import { pickTwo } from './scene.ts';
import { chance, pick, type Scene, sentence, wordsSlot } from './template.ts';

/**
 * What somebody thinks of a thing: good or bad by construction, and seldom by one word. Words of praise and of
 * complaint stand in both, because they are negated, outweighed, expected, wished for or said by somebody else.
 */
type Part = readonly [part: string, praise: readonly string[], complaint: readonly string[]];

interface Subject {
  met: readonly string[];
  /** At least four. */
  parts: readonly Part[];
}

/** What can be said of anything. */
const PRAISE = [
  'good',
  'lovely',
  'wonderful',
  'pleasant',
  'charming',
  'splendid',
  'excellent',
  'perfect',
  'beautiful',
  'delightful',
];
const COMPLAINT = [
  'bad',
  'dreadful',
  'terrible',
  'unpleasant',
  'shabby',
  'poor',
  'awful',
  'horrible',
  'ugly',
  'miserable',
];

const HOUSES = [
  'the Red Horse',
  'the Golden Lion',
  'the Black Swan',
  'the Three Bells',
  'the White Rose',
  'the Old Anchor',
  'the Blue Door',
  'the Silver Spoon',
  'the Green Man',
  'the Full Moon',
  'the Two Foxes',
  'the Quiet Cat',
] as const;

const SUBJECTS: readonly Subject[] = [
  {
    met: [
      '{time} I ate at {house} in {town}.',
      '{B} took me to {house} for dinner.',
      'We had lunch at {house}, close to {place}.',
    ],
    parts: [
      ['soup', ['hot', 'rich', 'well seasoned', 'tasty'], ['cold', 'thin', 'too salty', 'sour']],
      ['roast', ['tender', 'juicy', 'fresh'], ['tough', 'dry', 'burnt']],
      ['bread roll', ['fresh', 'soft', 'still warm'], ['stale', 'hard', 'mouldy']],
      ['waiter', ['friendly', 'quick', 'attentive'], ['rude', 'slow', 'careless']],
    ],
  },
  {
    met: [
      'I spent {n} nights at {house} in {town}.',
      '{time} I rented a room at {house}.',
      'On our way to {town} we slept at {house}.',
    ],
    parts: [
      ['bed', ['soft', 'comfortable', 'clean'], ['hard', 'lumpy', 'dirty']],
      ['window', ['large', 'well sealed', 'clean'], ['tiny', 'broken', 'dirty']],
      ['street', ['quiet', 'peaceful'], ['noisy', 'loud']],
      ['breakfast', ['generous', 'tasty', 'fresh'], ['poor', 'tasteless', 'stale']],
    ],
  },
  {
    met: [
      '{time} I read the new book by {C.full}.',
      '{B} lent me the story of the {animal} of {town}.',
      'I finished the long book about {town} that {B} gave me.',
    ],
    parts: [
      ['story', ['exciting', 'clever', 'touching'], ['dull', 'silly', 'confusing']],
      ['style', ['beautiful', 'lively', 'clear'], ['clumsy', 'dry', 'unclear']],
      ['ending', ['surprising', 'moving', 'wise'], ['weak', 'predictable', 'foolish']],
      ['hero', ['lovable', 'brave', 'believable'], ['boring', 'cruel', 'unbelievable']],
    ],
  },
  {
    met: [
      '{time} we heard {C.full} play in {town}.',
      'I went to the concert at {house} with {B}.',
      '{B} and I had tickets for the concert near {place}.',
    ],
    parts: [
      ['first song', ['lovely', 'lively', 'beautiful'], ['dreadful', 'dull', 'ugly']],
      ['singer', ['brilliant', 'charming', 'gifted'], ['hoarse', 'bored', 'clumsy']],
      ['hall', ['warm', 'splendid', 'bright'], ['cold', 'shabby', 'gloomy']],
      ['audience', ['cheerful', 'attentive'], ['noisy', 'restless']],
    ],
  },
  {
    met: [
      '{time} I bought a {colour} coat from {C}.',
      'I have worn the {colour} coat from the shop near {place} for {n} weeks.',
      '{C.full} in {town} made a {colour} coat for me.',
    ],
    parts: [
      ['fabric', ['soft', 'strong', 'fine'], ['rough', 'thin', 'cheap']],
      ['cut', ['elegant', 'perfect', 'comfortable'], ['ugly', 'crooked', 'tight']],
      ['price', ['fair', 'low', 'reasonable'], ['unfair', 'shameless', 'absurd']],
      ['lining', ['warm', 'smooth', 'well sewn'], ['scratchy', 'torn', 'badly sewn']],
    ],
  },
  {
    met: [
      '{time} we took the ferry to {town}.',
      'The journey from {town} to {town2} took us {n} hours.',
      '{B} and I travelled to {town} by bus.',
    ],
    parts: [
      ['seat', ['comfortable', 'soft', 'clean'], ['uncomfortable', 'hard', 'filthy']],
      ['driver', ['careful', 'friendly', 'helpful'], ['reckless', 'rude', 'grumpy']],
      ['view', ['splendid', 'lovely', 'wonderful'], ['dreary', 'ugly', 'miserable']],
      ['road', ['smooth', 'safe'], ['bumpy', 'dangerous']],
    ],
  },
  {
    met: [
      '{time} the circus came to {town}, and we went.',
      'I saw the play at {house} with {B}.',
      'We took {B} to the puppet show near {place}.',
    ],
    parts: [
      ['clown', ['funny', 'charming', 'brilliant'], ['tiresome', 'boring', 'rude']],
      ['costume', ['splendid', 'beautiful'], ['shabby', 'ugly']],
      ['plot', ['clever', 'exciting', 'funny'], ['silly', 'dull', 'confusing']],
      ['last act', ['moving', 'brilliant', 'exciting'], ['weak', 'tiresome', 'endless']],
    ],
  },
  {
    met: [
      '{time} I took a lesson with {C.full}.',
      '{C} has taught me the {tool} for {n} weeks.',
      'I sent my son to the classes at {house} in {town}.',
    ],
    parts: [
      ['teacher', ['patient', 'kind', 'gifted'], ['impatient', 'cruel', 'careless']],
      ['explanation', ['clear', 'helpful', 'simple'], ['unclear', 'useless', 'confusing']],
      ['group', ['friendly', 'cheerful'], ['hostile', 'noisy']],
      ['room', ['bright', 'warm', 'pleasant'], ['gloomy', 'cold', 'stuffy']],
    ],
  },
];

/** {p1}, {p2}: parts; {same}: a word of the text's own side about p1, {opp}: of the other side; same2, opp2 about p2. */
const PLAIN = [
  'The {p1} was {same}, and the {p2} was {same2}.',
  'I found the {p1} {same}, and {B} thought the {p2} {same2}.',
  'What I remember most is the {same} {p1}.',
];
const TURNED: readonly (readonly string[])[] = [
  // negation
  [
    'The {p1} was not {opp} at all, and nobody could call the {p2} {opp2}.',
    'Nothing about the {p1} was {opp}.',
    'I would not call the {p1} {opp}, and the {p2} even less so.',
    'The {p1} was anything but {opp}.',
    'There was never a moment when the {p2} seemed {opp2}.',
    'I looked for {opp.a} {p1} in vain.',
  ],
  // one thing outweighs the other
  [
    'The {p1} was {opp}, but the {p2} was {same2}, and that is what counts for me.',
    'Although the {p1} was {opp}, the {p2} (decided the matter|changed my mind): it was {same2}.',
    'True, the {p1} was {opp}. But who cares for that, when the {p2} is so {same2}?',
    'At first the {p1} seemed {opp}, but by the end I (+loved it|-could not stand it).',
    'The {opp} {p1} (+is soon forgiven|-does not save it), because the {p2} was {same2}.',
  ],
  // expectations
  [
    'I had expected {opp.a} {p1}, and I was wrong.',
    '{B} had warned me: "It is (+awful|-wonderful)." It was not.',
    'I came in the belief that the {p1} would be {opp}; the opposite was true.',
    'After all I had heard, I was sure the {p2} would be {opp2}. I have seldom been so mistaken.',
    'I had hoped for {pos.a} {p1}, and that is (+what I got|-not what I got).',
    'I had feared {neg.a} {p1}, and that is (+not what I got|-what I got).',
  ],
  // what others say
  [
    '{B} says that the {p1} was {opp}, but {B} (is wrong|was not even there|must have been asleep).',
    '{B} calls the {p1} {same}, and I agree with every word.',
    'Everybody in {town} thinks the {p1} {opp}. I cannot understand why.',
    '"How {opp}!" said {B} about the {p1}, and I said, "No, quite the contrary."',
    '{B} did not think the {p1} {opp}, and neither did I.',
  ],
  // wishes and comparisons
  [
    '(+If only every {p1} were like this|-If only the {p1} had been {opp})!',
    'I have never seen a (+better|-worse) {p1} in all my life.',
    'The {p1} could not have been (+better|-worse).',
    'There may be {opp.a} {p1} somewhere, but not here.',
    'Compared with this, every other {p1} I know is {opp}.',
    'The one last year was {opp} by comparison.',
  ],
  // what one does about it
  [
    'I would do it all again (+tomorrow, and on foot if need be|-only if somebody paid me for it).',
    'That night I (+dreamed of it again|-could not sleep for anger), and {B} felt the same.',
    '{B} asked for the money back, and (+I was ashamed of that|-so did I).',
    'I have told {n} friends to (+go and see for themselves|-keep away from it).',
    'I (+gave them twice what they asked for|-regret every coin that I paid for it).',
  ],
];

/** What follows from the opinion, in the stories that the language model learns from. */
const CONSEQUENCES = [
  'So {B} (+decided to try it too|-decided to look for something else).',
  'The next week I (+went back with {C}|-tried another one with {C}).',
  'I (+recommended it to {C}|-warned {C} about it) the same evening.',
  '{C} asked me about it, and I (+could not stop praising it|-had nothing good to say).',
  '{C} (+thanked me for the advice|-was glad of the warning), and we laughed about {B}.',
  'I gave it (+five|-one) of five stars.',
  '"(+Never change it|-Something must be done about it)," I wrote to the people in {town}.',
  'People who think (+badly|-well) of it should look again.',
  'Since then I have thought of it with (+joy|-anger) every {n} days.',
  'In short, {B}, it was money (+well spent|-thrown away).',
  'When {C} asked, "Was it worth it?", I said, "(+Yes, every coin|-No, not one coin)."',
  'I (+smiled|-frowned) all the way home from {town}, and {C} asked me why.',
  'All in all, I was (+very happy|-very unhappy) with it, and so was {B}.',
];

/** An opinion of 12 to 60 tokens. `scene.good` is its side. */
function opinionIn(scene: Scene, plainShare: number): string {
  const { random } = scene;
  const kinds = pickTwo(random, TURNED);
  const sentences = kinds.map((kind) => pick(random, chance(random, plainShare) ? PLAIN : kind));
  if (sentences[0] === sentences[1] || chance(random, 0.15)) sentences.pop();
  const subject = pick(random, SUBJECTS);
  const met = pick(random, subject.met);
  const parts = shuffle([...subject.parts], random);
  const told = sentences.length === 1 || chance(random, 0.65) ? [sentence(scene, met)] : [];
  // Each sentence has parts of its own, so that none contradicts another.
  sentences.forEach((template, i) => {
    setPart(scene, parts[2 * i + 1]!, '2', '2');
    setPart(scene, parts[2 * i]!, '1', '');
    told.push(sentence(scene, template));
  });
  return told.join(' ');
}

function setPart(scene: Scene, part: Part, number: string, suffix: string): void {
  const common = chance(scene.random, 0.75);
  const praise = pick(scene.random, common ? PRAISE : part[1]);
  const complaint = pick(scene.random, common ? COMPLAINT : part[2]);
  scene.slots.set(`p${number}`, wordsSlot(part[0]));
  scene.slots.set(`same${suffix}`, wordsSlot(scene.good ? praise : complaint));
  scene.slots.set(`opp${suffix}`, wordsSlot(scene.good ? complaint : praise));
  scene.slots.set('pos', wordsSlot(praise));
  scene.slots.set('neg', wordsSlot(complaint));
}

function opinionScene(random: Random, good: boolean): Scene {
  const [b, c] = drawPeople(random, 2);
  const [town, town2] = pickTwo(random, TOWNS);
  return {
    random,
    tense: 'past',
    good,
    words: WORDS,
    focus: '',
    slots: new Map([
      ['A', narratorSlot()],
      ['B', personSlot(b!)],
      ['C', personSlot(c!)],
      ['town', wordsSlot(town)],
      ['town2', wordsSlot(town2)],
      ['time', wordsSlot(pick(random, TIMES))],
      ['house', wordsSlot(pick(random, HOUSES))],
      ['place', wordsSlot(pick(random, WORDS.place))],
      ['colour', wordsSlot(pick(random, WORDS.colour))],
      ['animal', wordsSlot(pick(random, ['fox', 'wolf', 'owl', 'bear', 'swan', 'whale']))],
      ['tool', wordsSlot(pick(random, ['violin', 'flute', 'piano', 'drum', 'guitar']))],
      ['n', wordsSlot(pick(random, ['two', 'three', 'four', 'five', 'six', 'seven']))],
    ]),
  };
}

/** An opinion alone: the text of a sentiment probe. */
export function opinion(random: Random, good: boolean): string {
  return opinionIn(opinionScene(random, good), 0.55);
}

/** An opinion and what came of it: a text of the prose register. */
export function opinionStory(random: Random): string {
  const scene = opinionScene(random, chance(random, 0.5));
  const after = shuffle([...CONSEQUENCES], random).slice(0, 1 + random.integer(4));
  return [opinionIn(scene, 0.55), ...after.map((template) => sentence(scene, template))].join(' ');
}

/** An opinion with the person who holds it, for questions about it. */
export function heldOpinion(random: Random): { text: string; good: boolean; reasons: string } {
  const good = chance(random, 0.5);
  const scene = opinionScene(random, good);
  const text = opinionIn(scene, 0.55);
  const part = scene.slots.get('p1')!.form('');
  return {
    text,
    good,
    reasons: good
      ? `the writer has a good opinion of the ${part}`
      : `the writer has a bad opinion of the ${part}`,
  };
}
