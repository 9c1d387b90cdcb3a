import type { Random } from '../../math/random.ts';
import { FAMILIES, FEMALE, JOBS, type Job, MALE, TRAITS } from './lexicon.ts';
import type { Slot } from './template.ts';
import { chance, pick } from './template.ts';

export interface Person {
  name: string;
  family: string;
  gender: 'f' | 'm';
  job: Job;
  trait: string;
}

const THIRD = {
  f: { he: 'she', him: 'her', his: 'her', self: 'herself' },
  m: { he: 'he', him: 'him', his: 'his', self: 'himself' },
} as const;
const FIRST: Readonly<Record<string, string>> = {
  he: 'I',
  him: 'me',
  his: 'my',
  self: 'myself',
  obj: 'me',
  poss: 'my',
};

/** Different names; genders differ from the person before in three of four cases, so that pronouns are clear. */
export function drawPeople(random: Random, count: number): Person[] {
  const people: Person[] = [];
  let gender: 'f' | 'm' = chance(random, 0.5) ? 'f' : 'm';
  while (people.length < count) {
    const name = pick(random, gender === 'f' ? FEMALE : MALE);
    if (people.some((other) => other.name === name)) continue;
    people.push({
      name,
      family: pick(random, FAMILIES),
      gender,
      job: pick(random, JOBS),
      trait: pick(random, TRAITS),
    });
    if (chance(random, 0.75)) gender = gender === 'f' ? 'm' : 'f';
  }
  return people;
}

/** Forms: '' name, he, him, his, self, obj (name as object), poss (name's), full, job. */
export function personSlot(person: Person): Slot {
  const { name, family, gender, job } = person;
  return {
    person: true,
    agreement: 'third',
    form(form) {
      switch (form) {
        case '':
        case 'obj':
          return name;
        case 'he':
        case 'him':
        case 'his':
        case 'self':
          return THIRD[gender][form];
        case 'poss':
          return `${name}'s`;
        case 'full':
          return `${name} ${family}`;
        case 'job':
          return `the ${job.name}`;
        default:
          throw new Error(`person: no form ${form}`);
      }
    },
  };
}

/** The one who tells the story. */
export function narratorSlot(): Slot {
  return { person: true, agreement: 'I', form: (form) => FIRST[form] ?? 'I' };
}

const RELATIONS = {
  f: [
    'sister',
    'mother',
    'aunt',
    'cousin',
    'neighbour',
    'friend',
    'grandmother',
    'daughter',
    'old teacher',
    'wife',
  ],
  m: [
    'brother',
    'father',
    'uncle',
    'cousin',
    'neighbour',
    'friend',
    'grandfather',
    'son',
    'old teacher',
    'husband',
  ],
} as const;

/** What `other` is to the main person; married only to the other gender's list by chance of the draw. */
export function drawRelation(random: Random, main: Person, other: Person): string {
  const all = RELATIONS[other.gender];
  return pick(random, main.gender === other.gender ? all.slice(0, -1) : all);
}
