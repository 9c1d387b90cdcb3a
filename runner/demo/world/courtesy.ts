import { type Random, shuffle } from '../../math/random.ts';
import { drawPeople, personSlot } from './cast.ts';
import remarks from './data/courtesy.json' with { type: 'json' };
import { SPOTS, TIMES, TOWNS, WORDS } from './lexicon.ts';
import { pickTwo } from './scene.ts';
import { chance, phrase, pick, type Scene, sentence, wordsSlot } from './template.ts';

/**
 * What one person (A) says to another (B): polite or rude by construction, and seldom by one word. Insults are quoted,
 * denied or turned on oneself; praise is denied or said in scorn; "please" and "thank you" stand on both sides.
 */
const { insults, praise, deeds, orders, situations, said, takenBack, stoodBy, more, reactions } = remarks;
const THINGS = remarks.things.split(' ');

/** What is said, in quotation marks, by kind; + polite, - rude. {insult}, {praise}: after "are"; {deed}, {order}. */
const SAID: readonly (readonly string[])[] = Object.values(said);

const VERBS = ['said', 'told {B.obj}', 'answered', 'cried', 'whispered'];

function courtesyScene(random: Random, polite: boolean): Scene {
  const [a, b, c] = drawPeople(random, 3);
  const [town] = pickTwo(random, TOWNS);
  const scene: Scene = {
    random,
    tense: 'past',
    good: polite,
    words: WORDS,
    focus: '',
    slots: new Map([
      ['A', personSlot(a!)],
      ['B', personSlot(b!)],
      ['C', personSlot(c!)],
      ['town', wordsSlot(town)],
      ['time', wordsSlot(pick(random, TIMES))],
      ['place', wordsSlot(pick(random, WORDS.place))],
      ['spot', wordsSlot(pick(random, SPOTS))],
      ['n', wordsSlot(pick(random, ['two', 'three', 'four', 'five', 'six']))],
      ['ordinal', wordsSlot(pick(random, ['second', 'third', 'fourth']))],
      ['thing', wordsSlot(pick(random, THINGS))],
    ]),
  };
  drawWords(scene);
  return scene;
}

/** The words that differ between the sides, drawn for the scene's side. */
function drawWords(scene: Scene): void {
  const { random, slots, good } = scene;
  const adjectives = praise.filter((word) => word !== 'a good friend');
  slots.set('insult', wordsSlot(pick(random, insults)));
  slots.set('praise', wordsSlot(pick(random, praise)));
  slots.set('praiseAdj', wordsSlot(pick(random, adjectives)));
  slots.set(
    'nothing',
    wordsSlot(pick(random, good ? ['all of this', 'everything'] : ['nothing', 'everything'])),
  );
  slots.set('deed', wordsSlot(phrase(scene, pick(random, good ? deeds.good : deeds.bad))));
  slots.set('order', wordsSlot(phrase(scene, pick(random, good ? orders.good : orders.bad))));
}

/** To the other side, with its words. */
function turn(scene: Scene): void {
  scene.good = !scene.good;
  drawWords(scene);
}

/** The kinds that can stand in a frame without confusion: plain words, deeds, conditions. */
const FRAMED: ReadonlySet<readonly string[]> = new Set([said.plain, said.deeds, said.conditions]);

/** What A says, in the end polite or rude as the scene is. */
function speech(scene: Scene, kind: readonly string[]): string {
  const { random } = scene;
  const template = pick(random, kind);
  const frame = random.next();
  if (!FRAMED.has(kind) || frame < 0.6) return sentence(scene, template);
  // Within a frame that takes the words back, so that they are the other side's, or that stands by them.
  const back = frame < 0.8;
  if (back) turn(scene);
  const words = ended(sentence(scene, template));
  if (back) turn(scene);
  scene.slots.set('words', wordsSlot(words));
  return sentence(scene, pick(random, back ? takenBack : stoodBy));
}

function ended(text: string): string {
  return /[.?!]$/.test(text) ? text : `${text}.`;
}

function exchange(scene: Scene): string[] {
  const { random } = scene;
  const told: string[] = [];
  if (chance(random, 0.85)) told.push(sentence(scene, pick(random, situations)));
  const kinds = pickTwo(random, SAID);
  const words = speech(scene, kinds[0]);
  told.push(`"${words}${/[?.]'?$/.test(words) ? '' : ','}" ${phrase(scene, `{A} ${pick(random, VERBS)}`)}.`);
  if (chance(random, 0.5)) {
    const further = speech(scene, kinds[1]);
    told.push(`"${/'$/.test(further) ? further : ended(further)}"`);
  } else if (chance(random, 0.4)) told.push(sentence(scene, pick(random, more)));
  return told;
}

/** What was said, without the answer: the text of a courtesy probe. */
export function courtesy(random: Random, polite: boolean): string {
  return exchange(courtesyScene(random, polite)).join(' ');
}

/** What was said and how it was taken: a text of the prose register. */
export function courtesyStory(random: Random): string {
  const scene = courtesyScene(random, chance(random, 0.5));
  const said = exchange(scene);
  const after = shuffle([...reactions], random).slice(0, 1 + random.integer(3));
  said.push(...after.map((template) => sentence(scene, template)));
  return said.join(' ');
}

/** What was said, by whom, for questions about it. */
export function heldCourtesy(random: Random): {
  text: string;
  polite: boolean;
  speaker: string;
  listener: string;
} {
  const polite = chance(random, 0.5);
  const scene = courtesyScene(random, polite);
  const text = exchange(scene).join(' ');
  return { text, polite, speaker: scene.slots.get('A')!.form(''), listener: scene.slots.get('B')!.form('') };
}
