/** The words of the small world that more than one topic uses; their order decides what is drawn. */
import lexicon from './data/lexicon.json' with { type: 'json' };

export interface Job {
  name: string;
  place: string;
  tool: string;
  /** What the work is, after "to". */
  work: string;
}

export interface Animal {
  name: string;
  home: string;
  food: string;
  sound: string;
  pet: boolean;
}

export interface Weather {
  noun: string;
  /** Sentences that say it, and what people do because of it. */
  signs: readonly string[];
  effects: readonly string[];
}

export const FEMALE = lexicon.female.split(' ');
export const MALE = lexicon.male.split(' ');
export const FAMILIES = lexicon.families.split(' ');
export const TOWNS = lexicon.towns;
export const JOBS: readonly Job[] = lexicon.jobs;
export const ANIMALS: readonly Animal[] = lexicon.animals;
export const PET_NAMES = lexicon.petNames.split(' ');
export const WEATHERS: readonly Weather[] = lexicon.weathers;
export const TIMES = lexicon.times;
export const TRAITS = lexicon.traits;
export const SPOTS = lexicon.spots;

/** Things that can be counted, one by one. */
export const COUNTABLES = lexicon.countables.split(' ');

/** Lists that any template may draw from. */
export const WORDS = lexicon.words;
