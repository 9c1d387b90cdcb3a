import { drawPeople, personSlot } from './cast.ts';
import { inWords } from './grammar.ts';
import { ANIMALS, COUNTABLES, PET_NAMES, SPOTS, WORDS } from './lexicon.ts';
import { goodsSlot, pickTwo, type StoryScene, thingSlot } from './scene.ts';
import { chance, pick, sentence, wordsSlot } from './template.ts';

/**
 * Small events that change what is where and who has what, and sentences that depend on it later. They follow a
 * second thing, U, which the topic's own sentences never touch, so that what they say about it is always true.
 */
export interface Tracker {
  scene: StoryScene;
  /** Who has U, or the spot where it lies. */
  holder: 'A' | 'B' | 'C' | null;
  spot: string | null;
  /** Where U was before, when it has been moved. */
  formerSpot: string | null;
  /** What happened to U, as clauses in the past tense with names, for later reasoning about it. */
  history: string[];
  /** Whether a sentence has already come back to U. */
  recalled: boolean;
  /** A count that stands: who has how many of what. */
  count: { owner: 'A' | 'B'; goods: string; left: number; gone: number; clause: string } | null;
  pet: { owner: 'B' | 'C'; kind: (typeof ANIMALS)[number]; name: string } | null;
}

const EVERYDAY: readonly (readonly [string, readonly string[]])[] = [
  ['key', ['small', 'iron', 'silver', 'spare']],
  ['hat', ['straw', 'black', 'new', 'tall']],
  ['coat', ['warm', 'grey', 'long', 'winter']],
  ['umbrella', ['black', 'green', 'torn', 'large']],
  ['candle', ['white', 'thick', 'red', 'half-burnt']],
  ['mirror', ['round', 'little', 'old', 'cracked']],
  ['hammer', ['heavy', 'small', 'good', 'old']],
  ['doll', ['rag', 'wooden', 'pretty', 'tiny']],
  ['compass', ['brass', 'old', 'broken', 'tiny']],
  ['glove', ['left', 'leather', 'woollen', 'brown']],
  ['cup', ['blue', 'cracked', 'tin', 'favourite']],
  ['towel', ['clean', 'yellow', 'dry', 'striped']],
];
const ROLES = ['A', 'B', 'C'] as const;

export function startTracking(scene: StoryScene): Tracker {
  const { random } = scene;
  const [noun, adjectives] = pick(random, EVERYDAY);
  scene.slots.set('U', thingSlot(noun, pick(random, adjectives)));
  return {
    scene,
    holder: null,
    spot: null,
    formerSpot: null,
    history: [],
    recalled: false,
    count: null,
    pet: null,
  };
}

/** Sets X (and Y, Z) to people of the scene for one sentence and returns it. */
function tell(tracker: Tracker, template: string, ...roles: ('A' | 'B' | 'C')[]): string {
  const { scene } = tracker;
  roles.forEach((role, i) => {
    scene.slots.set('XYZ'[i]!, scene.slots.get(role)!);
  });
  const focused = roles.indexOf(scene.focus as 'A');
  scene.focus = focused < 0 ? '' : 'XYZ'[focused]!;
  const text = sentence(scene, template);
  const at = 'XYZ'.indexOf(scene.focus);
  scene.focus = scene.focus === '' || at < 0 ? scene.focus : (roles[at] ?? '');
  return text;
}

function note(tracker: Tracker, template: string, ...roles: ('A' | 'B' | 'C')[]): void {
  const { scene } = tracker;
  const { tense, focus } = scene;
  scene.tense = 'past';
  scene.focus = '';
  const text = tell(tracker, template, ...roles);
  scene.tense = tense;
  scene.focus = focus;
  tracker.history.push(text);
}

function others(role: 'A' | 'B' | 'C'): ['A' | 'B' | 'C', 'A' | 'B' | 'C'] {
  return ROLES.filter((x) => x !== role) as ['A', 'B'];
}

/** The first sentence about U. */
export function introduceThing(tracker: Tracker): string {
  const { scene } = tracker;
  const owner = pick(scene.random, ['A', 'A', 'B', 'C'] as const);
  if (chance(scene.random, 0.5)) {
    tracker.holder = owner;
    note(tracker, '{X} <have> {U.full}', owner);
    return tell(
      tracker,
      '{X} (<have> {U.a} with {X.him}|<carry> {U.a} under one arm|always <keep> {U.a} in {X.his} bag|<bring> {U.a}, a present from {town2}).',
      owner,
    );
  }
  tracker.spot = pick(scene.random, SPOTS);
  scene.slots.set('at', wordsSlot(tracker.spot));
  note(tracker, '{U.full} <it.be> {at}', owner);
  return tell(tracker, '{X} (<have> left|<have> put|<find>) {U.a} {at}.', owner);
}

/** Something happens to U. */
export function moveThing(tracker: Tracker): string {
  const { scene, holder } = tracker;
  const { random } = scene;
  if (holder === null) {
    const taker = pick(random, ROLES);
    tracker.formerSpot = tracker.spot;
    tracker.spot = null;
    tracker.holder = taker;
    scene.slots.set('at', wordsSlot(tracker.formerSpot ?? ''));
    note(tracker, '{X} <take> {U}', taker);
    return tell(
      tracker,
      '(Later|Then|After that|[soon]) {X} (<see> {U} {at} and <take> it|<take> {U}, which <it.be> still {at}, and <put> it into a bag).',
      taker,
    );
  }
  if (chance(random, 0.5)) {
    const receiver = pick(random, others(holder));
    tracker.holder = receiver;
    note(tracker, '{X} <give> {U} to {Y.obj}', holder, receiver);
    return tell(
      tracker,
      '(Then {X} <give> {U} to {Y.obj}, who <it.put> it into a pocket|{X} <hand> {U} to {Y.obj} and <say>, "(Keep it for me|You will need it|It is yours now)"|{Y} <ask> for {U}, and {X} <X.give> it to {Y.him}|{X} <lend> {U} to {Y.obj} (for a week|until Sunday|for the night)).',
      holder,
      receiver,
    );
  }
  const spot = pick(
    random,
    SPOTS.filter((other) => other !== tracker.formerSpot),
  );
  tracker.holder = null;
  tracker.spot = spot;
  scene.slots.set('at', wordsSlot(spot));
  note(tracker, '{X} <put> {U} {at}', holder);
  return tell(
    tracker,
    '({X~} <put> {U} {at} and <forget> about it|{X~} <leave> {U} {at}|[soon] {X} <lay> {U} {at} [slowly]|{U} <it.be> too heavy to carry, so {X} <put> it {at}).',
    holder,
  );
}

/** A sentence that is true only because of what happened to U. */
export function recallThing(tracker: Tracker): string {
  const { scene, holder } = tracker;
  const { random } = scene;
  tracker.recalled = true;
  if (holder === null) {
    scene.slots.set('at', wordsSlot(tracker.spot ?? ''));
    const [seeker, teller] = pickTwo(random, ROLES);
    return tell(
      tracker,
      '({U} <it.be> still {at}, where nobody <it.touch> it|"Where is {U}?" {X} <ask>. "It is {at}," {Y} <Y.answer>|{X} <need> {U} and <find> it {at}, just as {Y} <Y.have> said).',
      seeker,
      teller,
    );
  }
  const [seeker, third] = others(holder);
  // In a quotation the narrator would be named, and has no name.
  const asked = scene.narrated ? '' : '"Who has {U}?" {X} <ask>. "{Y} has it," {Z} <Z.answer>|';
  if (tracker.formerSpot !== null && chance(random, 0.5)) {
    scene.slots.set('at', wordsSlot(tracker.formerSpot));
    return tell(
      tracker,
      '({X} <look> for {U} {at}, but it <it.be> not there, because {Y} <have> taken it|{X} <think> that {U} <it.be> {at}, but {Y} <Y.have> it all the time).',
      seeker,
      holder,
    );
  }
  return tell(
    tracker,
    `(${asked}{Y} still <Y.have> {U} in {Y.his} bag|"Have you seen {U}?" {X} <ask>. {Y} <Y.take> it out of {Y.his} pocket).`,
    seeker,
    holder,
    third,
  );
}

/** A count and what is left of it. */
export function countGoods(tracker: Tracker): string {
  const { scene } = tracker;
  const { random } = scene;
  const [owner, other] = chance(random, 0.5) ? (['A', 'B'] as const) : (['B', 'A'] as const);
  const total = 4 + random.integer(16);
  const gone = 2 + random.integer(total - 3);
  const goods = pick(random, COUNTABLES);
  scene.slots.set('H', goodsSlot(goods));
  scene.slots.set('all', wordsSlot(inWords(total)));
  scene.slots.set('gone', wordsSlot(inWords(gone)));
  scene.slots.set('left', wordsSlot(inWords(total - gone)));
  const start = `{X} <have> {all} {H}`;
  const end = '{X} <give> {gone} of them to {Y.obj}';
  const clause = [start, end].map((t) => {
    note(tracker, t, owner, other);
    return tracker.history.pop()!;
  });
  tracker.count = { owner, goods, left: total - gone, gone, clause: clause.join(', and ') };
  return tell(
    tracker,
    '({X} <have> {all} {H}. {X.he} <X.give> {gone} of them to {Y.obj}, so {X.he} <X.have> {left} left|There <they.be> {all} {H} in {X.poss} basket; {gone} <they.go> to {Y.obj}, and only {left} <they.be> left|{X} <count> {H}: {all} in all, {gone} for {Y.obj} and {left} for {X.self}).',
    owner,
    other,
  );
}

export function recallCount(tracker: Tracker): string {
  return tell(
    tracker,
    '({X} still <have> the {left} {H}|{X} <look> at the {left} {H} and <smile>|"What will you do with your {left} {H}?" {Y} <Y.ask>|{left} {H} <they.be> not many, but {X} <be> content).',
    tracker.count!.owner,
    tracker.count!.owner === 'A' ? 'B' : 'A',
  );
}

export function introducePet(tracker: Tracker): string {
  const { scene } = tracker;
  const kind = pick(
    scene.random,
    ANIMALS.filter((animal) => animal.pet),
  );
  const owner = pick(scene.random, ['B', 'C'] as const);
  const name = pick(scene.random, PET_NAMES);
  tracker.pet = { owner, kind, name };
  scene.slots.set('petkind', wordsSlot(kind.name));
  scene.slots.set('pet', wordsSlot(name));
  scene.slots.set('pethome', wordsSlot(kind.home));
  scene.slots.set('petfood', wordsSlot(kind.food));
  return tell(
    tracker,
    '({X} <have> {petkind.a} called {pet}, which <it.sleep> in {pethome}|{X.poss} {petkind}, {pet}, <it.come> along|With {X.obj} <it.come> {pet}, {petkind.a} that <it.love> {petfood}).',
    owner,
  );
}

export function recallPet(tracker: Tracker): string {
  const { kind, owner } = tracker.pet!;
  const sound: Readonly<Record<string, string>> = {
    dog: 'bark',
    cat: 'purr',
    parrot: 'talk',
    goat: 'bleat',
    pony: 'neigh',
    hen: 'cluck',
    duck: 'quack',
    donkey: 'bray',
    rabbit: 'listen',
  };
  return tell(
    tracker,
    `(The {petkind} <it.${sound[kind.name]}> at the noise|{pet} <it.get> some {petfood} from {Y.obj}|{pet} <it.not.leave> {X.poss} side|"{pet}, come here!" {X} <call>, and the {petkind} <it.obey>|Even {pet}, the {petkind}, <it.be> (+happy|-frightened)).`,
    owner,
    pick(tracker.scene.random, others(owner)),
  );
}

/** Someone goes somewhere and is still there later. */
export function journeyAside(tracker: Tracker): string[] {
  const { scene } = tracker;
  const [goer, stayer] = pickTwo(scene.random, ROLES);
  scene.slots.set('there', wordsSlot(pick(scene.random, WORDS.place)));
  return [
    tell(
      tracker,
      '({X} <go> to {there} to (meet a friend|wait for news|look for help|buy bread), while {Y} <Y.stay> behind|{X} <say>, "I will be at {there}," and <leave>|{X} <walk> as far as {there} with {Y.obj} and <stay> there).',
      goer,
      stayer,
    ),
    tell(
      tracker,
      '({Y} <Y.find> {X.obj} at {there}|When {Y} <Y.come> to {there}, {X} <X.be> still there|{X} <X.come> back from {there} with (good|bad|strange) news for {Y.obj}).',
      goer,
      stayer,
    ),
  ];
}

/** A stranger with a trade that matters. */
export function passer(tracker: Tracker): string {
  const { scene } = tracker;
  const [stranger] = drawPeople(scene.random, 1);
  scene.slots.set('S', { ...personSlot(stranger!), person: false });
  scene.slots.set('Sjob', wordsSlot(stranger!.job.name));
  scene.slots.set('Stool', wordsSlot(stranger!.job.tool));
  scene.slots.set('Swork', wordsSlot(stranger!.job.work));
  scene.slots.set('Splace', wordsSlot(stranger!.job.place));
  return tell(
    tracker,
    '({S.full}, the {Sjob}, <S.come> from {Splace} with {Stool} and <S.greet> {X.obj}|They <they.meet> {S.full}, {Sjob.a}, whose work it <it.be> to {Swork}|{X} <ask> {S.full} for help, but {S.he} <S.be> {Sjob.a} and only <S.know> how to {Swork}|"Go to {Splace} and ask for {S}," {X} <say>; "{S.he} is {Sjob.a} and has {Stool}.")',
    pick(scene.random, ROLES),
  );
}
