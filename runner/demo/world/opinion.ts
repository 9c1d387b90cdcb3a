import { type Random, shuffle } from '../../math/random.ts';
import { drawPeople, narratorSlot, personSlot } from './cast.ts';
import opinions from './data/opinion.json' with { type: 'json' };
import { TIMES, TOWNS, WORDS } from './lexicon.ts';
import { pickTwo } from './scene.ts';
import { chance, pick, type Scene, sentence, wordsSlot } from './template.ts';

/**
 * What somebody thinks of a thing: good or bad by construction, and seldom by one word. Words of praise and of
 * complaint stand in both, because they are negated, outweighed, expected, wished for or said by somebody else.
 */
interface Part {
  part: string;
  praise: readonly string[];
  complaint: readonly string[];
}

interface Subject {
  met: readonly string[];
  /** At least four. */
  parts: readonly Part[];
}

const SUBJECTS: readonly Subject[] = opinions.subjects;

/** {p1}, {p2}: parts; {same}: a word of the text's own side about p1, {opp}: of the other side; same2, opp2 about p2. */
const { plain } = opinions;
const TURNED: readonly (readonly string[])[] = Object.values(opinions.turned);

/** An opinion of 12 to 60 tokens. `scene.good` is its side. */
function opinionIn(scene: Scene, plainShare: number): string {
  const { random } = scene;
  const kinds = pickTwo(random, TURNED);
  const sentences = kinds.map((kind) => pick(random, chance(random, plainShare) ? plain : kind));
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
  const praise = pick(scene.random, common ? opinions.praise : part.praise);
  const complaint = pick(scene.random, common ? opinions.complaint : part.complaint);
  scene.slots.set(`p${number}`, wordsSlot(part.part));
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
      ['house', wordsSlot(pick(random, opinions.houses))],
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
  const after = shuffle([...opinions.consequences], random).slice(0, 1 + random.integer(4));
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
