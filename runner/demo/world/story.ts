import type { Random } from '../../math/random.ts';
import {
  countGoods,
  introducePet,
  introduceThing,
  journeyAside,
  moveThing,
  passer,
  recallCount,
  recallPet,
  recallThing,
  startTracking,
  type Tracker,
} from './beats.ts';
import { capitalised, inWords } from './grammar.ts';
import { WORDS } from './lexicon.ts';
import { drawScene, type SceneOptions, type StoryScene } from './scene.ts';
import { chance, phrase, pick, sentence, wordsSlot } from './template.ts';
import type { Trouble } from './topics.ts';

/** A story of 60 to 400 tokens in one to three paragraphs; later sentences depend on earlier ones. */
export function story(random: Random, options: SceneOptions = {}): string {
  const scene = drawScene(random, options);
  const tracker = startTracking(scene);
  const asides = shuffledAsides(tracker);
  const paragraphs: string[][] = [opening(scene, tracker)];
  let current = paragraphs[0]!;
  const interleave = (share: number): void => {
    const aside = chance(random, share) ? asides.shift() : undefined;
    if (aside !== undefined) current.push(aside());
  };

  interleave(0.6);
  const steps = scene.topic.steps.filter(() => chance(random, 0.8));
  for (const step of steps) {
    current.push(told(scene, pick(random, step)));
    interleave(0.7);
    interleave(0.25);
  }
  if (chance(random, 0.75)) {
    current = newParagraph(paragraphs, scene, 0.5);
    current.push(...troubled(scene, pick(random, scene.topic.troubles)));
    interleave(0.6);
  }
  if (chance(random, 0.3)) current = newParagraph(paragraphs, scene, 0.5);
  interleave(0.5);
  current.push(told(scene, pick(random, scene.topic.ends[scene.good ? 'good' : 'bad'])));
  if (tracker.history.length > 0 && !tracker.recalled && chance(random, 0.5))
    current.push(recallThing(tracker));
  return finish(paragraphs);
}

/** A sentence that names nothing gets something of this story to hold on to, so that no two stories share many. */
function told(scene: StoryScene, template: string): string {
  const text = sentence(scene, template);
  if (/\{([ABC]|town)|^When/.test(template) || text.startsWith('"') || chance(scene.random, 0.25))
    return text;
  scene.slots.set('hour', wordsSlot(inWords(1 + scene.random.integer(12))));
  scene.slots.set('there', wordsSlot(pick(scene.random, WORDS.place)));
  const before = phrase(
    scene,
    pick(scene.random, [
      'to the surprise of {B.obj} and {C.obj}',
      "at {hour} o'clock, when {C} <C.be> at {there}",
      'as {C} <C.have> said from the beginning',
      'in {town}, not far from {there}',
      "around {hour} o'clock, before {B} <B.can> say a word",
      'so {C} <C.tell> it later in {town2}',
      'while {B} <B.think> of {C.obj}',
    ]),
  );
  scene.focus = '';
  const rest = text.replace(/^(Then|Suddenly) /, '');
  return capitalised(`${before}, ${rest.charAt(0).toLowerCase()}${rest.slice(1)}`);
}

function finish(paragraphs: readonly string[][]): string {
  return paragraphs.map((sentences) => sentences.map(closed).join(' ')).join('\n');
}

/** With a full stop, unless the sentence has its end already. */
function closed(text: string): string {
  return /[.!?]"?$/.test(text) ? text : `${text}.`;
}

function newParagraph(paragraphs: string[][], scene: StoryScene, share: number): string[] {
  if (!chance(scene.random, share)) return paragraphs.at(-1)!;
  scene.focus = '';
  const next: string[] = [];
  paragraphs.push(next);
  return next;
}

function opening(scene: StoryScene, tracker: Tracker): string[] {
  const { random, slots, people, narrated } = scene;
  slots.set('time', wordsSlot(scene.time));
  slots.set('job', wordsSlot(people.A.job.name));
  slots.set('work', wordsSlot(people.A.job.work));
  slots.set('trait', wordsSlot(people.A.trait));
  slots.set('Bjob', wordsSlot(people.B.job.name));
  slots.set('Btrait', wordsSlot(people.B.trait));
  slots.set('Cjob', wordsSlot(people.C.job.name));
  slots.set('rel', wordsSlot(scene.relation));
  const sentences: string[] = [];
  const want = pick(random, scene.topic.wants);
  const introduction = random.integer(4);
  if (introduction === 0) {
    sentences.push(
      sentence(
        scene,
        narrated ? '{A} <be> {job.a} in {town}' : '{A.full} <be> {trait.a} {job} (from|in) {town}',
      ),
    );
    sentences.push(sentence(scene, want));
  } else if (introduction === 1) {
    const sign = phrase(scene, pick(random, scene.weather.signs));
    scene.focus = '';
    sentences.push(
      capitalised(`${sign}, ${phrase(scene, pick(random, scene.weather.effects)).replace('{A~}', '{A}')}`),
    );
    sentences.push(sentence(scene, want));
  } else if (introduction === 2) {
    const wanted = phrase(scene, want);
    sentences.push(
      `${scene.time}, ${wanted.startsWith('The') ? wanted.charAt(0).toLowerCase() + wanted.slice(1) : lowerFirst(wanted)}`,
    );
  } else {
    sentences.push(sentence(scene, want));
    sentences.push(
      sentence(
        scene,
        narrated
          ? '{A} <be> only {job.a}, and {trait.a} one'
          : '{A.he} <A.be> {job.a}, ({trait.a} one|born in {town}|and <A.know> how to {work})',
      ),
    );
  }
  sentences.push(
    sentence(
      scene,
      pick(random, [
        '{B}, {A.his} {rel}, <B.be> {Bjob.a} (and lives close by|in {town2}|and {Btrait.a} one)'.replace(
          'and lives',
          'and <B.live>',
        ),
        '{A.his} {rel} {B} <B.come> along, (although {B.he} <B.have> much to do|because {B.he} <B.have> nothing else to do)',
        '{A.his} {rel} {B} <B.be> the most {Btrait} {Bjob} in {town}',
        'With {A.him} <B.be> {B}, {A.his} {rel}, who <B.work> as {Bjob.a}',
      ]),
    ),
  );
  if (chance(random, 0.35)) {
    sentences.push(
      sentence(
        scene,
        '{C}, the {Cjob}, <C.live> (across the street|by the church|at the end of the road|in the next house)',
      ),
    );
  }
  if (introduction !== 1 && chance(random, 0.4)) {
    const sign = sentence(scene, pick(random, scene.weather.signs));
    scene.focus = '';
    sentences.push(`${sign}, ${phrase(scene, pick(random, scene.weather.effects))}`);
  }
  if (chance(random, 0.7)) sentences.push(introduceThing(tracker));
  return sentences;
}

function lowerFirst(text: string): string {
  return /^(There|It|Somebody|For|When)\b/.test(text) ? text.charAt(0).toLowerCase() + text.slice(1) : text;
}

function troubled(scene: StoryScene, trouble: Trouble): string[] {
  const { random } = scene;
  const said = [told(scene, pick(random, trouble.trouble))];
  if (chance(random, 0.8)) said.push(told(scene, pick(random, trouble.because)));
  said.push(told(scene, pick(random, scene.good ? trouble.good : trouble.bad)));
  return said;
}

/** Asides in an order in which each finds what it depends on. */
function shuffledAsides(tracker: Tracker): (() => string)[] {
  const { random } = tracker.scene;
  const threads: (() => string)[][] = [
    [() => thing(tracker), () => thing(tracker), () => recallThing(tracker)],
    [() => countGoods(tracker), () => recallCount(tracker)],
    [() => introducePet(tracker), () => recallPet(tracker)],
    [() => passer(tracker)],
  ];
  const aside = { later: '' };
  threads.push([
    () => {
      const [now, later] = journeyAside(tracker);
      aside.later = later!;
      return now!;
    },
    () => aside.later,
  ]);
  const open = threads.filter((_, i) => chance(random, [0.9, 0.35, 0.3, 0.3, 0.35][i]!));
  const order: (() => string)[] = [];
  while (open.some((thread) => thread.length > 0)) {
    const thread = pick(
      random,
      open.filter((t) => t.length > 0),
    );
    order.push(thread.shift()!);
  }
  return order;
}

function thing(tracker: Tracker): string {
  return tracker.history.length === 0 ? introduceThing(tracker) : moveThing(tracker);
}

/** A short third-person story about U and a count alone, whose facts questions can be asked about. */
export function trackedStory(random: Random): { text: string; tracker: Tracker } {
  const scene = drawScene(random, { thirdPerson: true });
  scene.tense = 'past';
  const tracker = startTracking(scene);
  const sentences = [
    sentence(scene, pick(random, scene.topic.wants)),
    introduceThing(tracker),
    ...(chance(random, 0.5) ? [sentence(scene, pick(random, scene.topic.steps[0]!))] : []),
    moveThing(tracker),
    ...(chance(random, 0.7) ? [countGoods(tracker)] : []),
    ...(chance(random, 0.5) ? [sentence(scene, pick(random, scene.topic.steps[1]!))] : []),
    ...(chance(random, 0.7) ? [moveThing(tracker)] : []),
    ...(chance(random, 0.4) ? [introducePet(tracker)] : []),
    ...(chance(random, 0.4) ? [moveThing(tracker)] : []),
  ];
  return { text: sentences.map(closed).join(' '), tracker };
}
