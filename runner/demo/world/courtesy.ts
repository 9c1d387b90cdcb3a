import { type Random, shuffle } from '../../math/random.ts';
import { drawPeople, personSlot } from './cast.ts';
import { SPOTS, TIMES, TOWNS, WORDS } from './lexicon.ts';
import { pickTwo } from './scene.ts';
import { chance, phrase, pick, type Scene, sentence, wordsSlot } from './template.ts';

/**
 * What one person (A) says to another (B): polite or rude by construction, and seldom by one word. Insults are quoted,
 * denied or turned on oneself; praise is denied or said in scorn; "please" and "thank you" stand on both sides.
 */
const INSULTS = [
  'a fool',
  'lazy',
  'stupid',
  'a liar',
  'useless',
  'a coward',
  'clumsy',
  'an idiot',
  'a thief',
  'selfish',
];
const PRAISE = [
  'clever',
  'kind',
  'honest',
  'brave',
  'hard-working',
  'a good friend',
  'generous',
  'wise',
  'helpful',
  'fair',
];
const GOOD_DEEDS = [
  'bring back the {thing}',
  'wait for me in the rain',
  'carry the {thing} up the hill',
  'mend the {thing} without being asked',
  'lend me the {thing} for so long',
  'think of {C.obj} as well',
  'keep the {thing} safe for me',
];
const BAD_DEEDS = [
  'break the {thing}',
  'let me wait in the rain',
  'drop the {thing} down the hill',
  'leave the {thing} out in the snow',
  'keep the {thing} for so long without asking',
  'laugh at {C.obj} in front of everybody',
  'lose the {thing} that I lent you',
];
const GOOD_ORDERS = [
  'sit down with us and have some soup',
  'take the {thing} for as long as you need it',
  'let me help you with the {thing}',
  'come in and warm your hands',
  'tell me when you are tired',
  'leave the heavy {thing} to me',
  'stay for dinner, there is enough for everybody',
];
const BAD_ORDERS = [
  'sit down and shut your mouth',
  'take the {thing} and disappear',
  'let go of the {thing} with your dirty hands',
  'go out and stay in the cold',
  'tell somebody who cares',
  'leave me alone with your {thing}',
  'go home, there is nothing here for the likes of you',
];

const SITUATIONS = [
  '{time} {A} met {B.obj} at {place}.',
  '{A} and {B} stood in line at {place} in {town}.',
  '{B} came late to {place}, and {A} had waited for {n} hours.',
  '{A} wanted to borrow the {thing} from {B.obj}.',
  '{B} had broken the {thing} that {A} had lent to {B.him}.',
  '{B} asked {A.obj} for the way to {town}.',
  '{B} dropped the {thing} in front of {A.obj}.',
  '{A} worked in the same house as {B}.',
];

/** What is said, in quotation marks, by kind; + polite, - rude. {insult}, {praise}: after "are"; {deed}, {order}. */
const SAID: readonly (readonly string[])[] = [
  // plain
  [
    '(Would you please|Please|{B}, please|Now) {order}',
    'Do you want to know what I think? (You should|You may|I ask you to) {order}',
    '{order}, and (do not be shy|be quick about it|do it soon)',
    'You are (+{praise}|-{insult}), and everybody in {town} knows it',
    '(+I am sorry, I cannot come, but thank you for asking|-I cannot come, and I am not sorry about it)',
  ],
  // what somebody else says
  [
    '{C} says that you are {insult}, (+and that is a lie|+but I told {C.him} to be ashamed|-and for once I agree with {C.obj}|-and {C} is right)',
    '{C} says that you are {praise}, (-and that is a lie|-but {C} must be blind|+and for once I agree with {C.obj}|+and {C} is right)',
    '{C} told me to call you {insult}, (+but I would never do that|-and I could not agree more)',
    'Who said that you are (+{insult}|-{praise})? (It was not me|I did not|It must be a joke)',
  ],
  // denial
  [
    'You are (not|certainly not|anything but) (+{insult}|-{praise})',
    'Nobody in {town} would call you (+{insult}|-{praise})',
    'I have never heard of anyone less (+selfish|+lazy|+stupid|-generous|-helpful|-clever) than you',
    'I thought that you were (+{insult}, and I was wrong|-{praise}, and I was wrong)',
    'I do not (+blame|+hate|-like|-trust) you, {B}, whatever {C} says',
  ],
  // about oneself
  [
    'I am {insult}, (+not you, and I ask you to forgive me|-says {C}, but look at yourself)',
    'I have been {insult} to say such things to you; (+I take them back|-I should have said worse)',
    'Please forgive me (+for what I said about you|-if I do not laugh at you today)',
    'I am {praise}, (+and I learned it from you|-and you could learn it from me, but you never will)',
    'I was (+rude|-nice) to you yesterday, and I am sorry for it',
  ],
  // deeds
  [
    'How {praiseAdj} of you to {deed}',
    'Thank you for {nothing}, {B}; (it is just like you to|only you would) {deed}',
    'It was {praiseAdj} of you to {deed}, and I will tell {C.obj} about it',
    'Of course it had to be you, {B}, to {deed}',
  ],
  // conditions
  [
    'If you were {praise}, (-you would not {deed}|+as I know you are, you would sit down now and let me thank you)',
    'If I thought that you were {insult}, (+I would not have asked you|-I would say so, and I do)',
    'There is (+always|-never) a place for you at my table',
    'You may (+always|-never) come back and ask me (for the {thing}|again)',
    'I would rather lose the {thing} than (+see you sad|-see you again)',
  ],
];
const VERBS = ['said', 'told {B.obj}', 'answered', 'cried', 'whispered'];
const MORE = [
  '{A} looked at {B.obj} and (waited|said nothing more|went on).',
  'It was already the {ordinal} time that day.',
  '{C} heard every word of it.',
  '{A} (+held the door open for {B.obj}|-let the door fall shut in front of {B.obj}).',
];
const REACTIONS = [
  '{B} (+smiled and thanked {A.obj}|-turned red and walked away).',
  '{B} (+felt at home at once|-felt the tears come).',
  '"(+You are very kind|-How dare you speak to me like that)," {B} said.',
  'Nobody had ever been so (+polite|-rude) to {B.obj}.',
  'After that they (+were good friends|-did not speak for {n} weeks).',
  '{C} heard it and thought: what (+good|-bad) manners.',
  '{B} (+gladly did so|-did nothing of the kind).',
  '{B} (+shook {A.poss} hand|-slammed the door).',
  'On the way home {B} was (+happy|-sad) and told {C.obj} why.',
  '"One should always speak (+like|-otherwise than) that," {C} said to {B.obj}.',
  'From then on {B} (+looked forward to seeing|-kept out of the way of) {A.obj}.',
];

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
      [
        'thing',
        wordsSlot(
          pick(random, [
            'ladder',
            'basket',
            'lamp',
            'cart',
            'bucket',
            'clock',
            'chair',
            'boat',
            'umbrella',
            'coat',
            'hammer',
            'cake',
            'letter',
            'bicycle',
          ]),
        ),
      ],
    ]),
  };
  drawWords(scene);
  return scene;
}

/** The words that differ between the sides, drawn for the scene's side. */
function drawWords(scene: Scene): void {
  const { random, slots, good } = scene;
  const adjectives = PRAISE.filter((word) => word !== 'a good friend');
  slots.set('insult', wordsSlot(pick(random, INSULTS)));
  slots.set('praise', wordsSlot(pick(random, PRAISE)));
  slots.set('praiseAdj', wordsSlot(pick(random, adjectives)));
  slots.set(
    'nothing',
    wordsSlot(pick(random, good ? ['all of this', 'everything'] : ['nothing', 'everything'])),
  );
  slots.set('deed', wordsSlot(phrase(scene, pick(random, good ? GOOD_DEEDS : BAD_DEEDS))));
  slots.set('order', wordsSlot(phrase(scene, pick(random, good ? GOOD_ORDERS : BAD_ORDERS))));
}

/** To the other side, with its words. */
function turn(scene: Scene): void {
  scene.good = !scene.good;
  drawWords(scene);
}

/** Words of one side within a frame that takes them back, or that stands by them. */
const TAKEN_BACK = [
  "It is not true what {C} says: '{words}'",
  "{C} told me to say, '{words}' I will not say it",
  "Yesterday I said, '{words}' Today I take it back",
  "Others may say, '{words}' I say the opposite",
  "Do not think that I would ever say, '{words}'",
  "'{words}' Only {C} could say that to you, not I",
];
const STOOD_BY = [
  "It is true what {C} says: '{words}'",
  "{C} told me to say, '{words}' I will say it again",
  "Yesterday I said, '{words}' Today I do not take it back",
  "Others may say the opposite. I say, '{words}'",
  "Do not think that I would not say, '{words}'",
  "'{words}' Not only {C} could say that to you, but I too",
];

/** The kinds that can stand in a frame without confusion: plain words, deeds, conditions. */
const FRAMED: ReadonlySet<readonly string[] | undefined> = new Set([SAID[0], SAID[4], SAID[5]]);

/** What A says, in the end polite or rude as the scene is. */
function speech(scene: Scene, kind: readonly string[]): string {
  const { random } = scene;
  const template = pick(random, kind);
  const frame = random.next();
  if (!FRAMED.has(kind) || frame < 0.6) return sentence(scene, template);
  const back = frame < 0.8;
  if (back) turn(scene);
  const words = ended(sentence(scene, template));
  if (back) turn(scene);
  scene.slots.set('words', wordsSlot(words));
  return sentence(scene, pick(random, back ? TAKEN_BACK : STOOD_BY));
}

function ended(text: string): string {
  return /[.?!]$/.test(text) ? text : `${text}.`;
}

function exchange(scene: Scene): string[] {
  const { random } = scene;
  const told: string[] = [];
  if (chance(random, 0.85)) told.push(sentence(scene, pick(random, SITUATIONS)));
  const kinds = pickTwo(random, SAID);
  const words = speech(scene, kinds[0]);
  told.push(`"${words}${/[?.]'?$/.test(words) ? '' : ','}" ${phrase(scene, `{A} ${pick(random, VERBS)}`)}.`);
  if (chance(random, 0.5)) {
    const further = speech(scene, kinds[1]);
    told.push(`"${/'$/.test(further) ? further : ended(further)}"`);
  } else if (chance(random, 0.4)) told.push(sentence(scene, pick(random, MORE)));
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
  const after = shuffle([...REACTIONS], random).slice(0, 1 + random.integer(3));
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
