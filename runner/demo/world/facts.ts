import type { Random } from '../../math/random.ts';
import { drawPeople } from './cast.ts';
import { capitalised, listed, withArticle } from './grammar.ts';
import { ANIMALS, JOBS, TOWNS, WEATHERS } from './lexicon.ts';
import { pickTwo } from './scene.ts';
import { chance, pick } from './template.ts';

/** What everybody in the small world knows: trades, animals, weather. */

const CARRY = {
  rain: 'an umbrella',
  snow: 'warm gloves',
  sun: 'a straw hat',
  wind: 'a scarf',
  fog: 'a lantern',
};
const ADVICE = CARRY as Readonly<Record<string, string>>;

/** A text that describes a town by its people, animals and weather. */
export function description(random: Random): string {
  const town = pick(random, TOWNS);
  const [a, b] = pickTwo(random, JOBS);
  const [x, y] = pickTwo(random, ANIMALS);
  const weather = pick(random, WEATHERS).noun;
  const houses = 20 + random.integer(900);
  const sentences = [
    pick(random, [
      `${town} is a small town of ${houses} houses`,
      `There are ${houses} houses in ${town}`,
      `Nobody knows who built the first of the ${houses} houses of ${town}`,
    ]),
    pick(random, [
      `In the morning the ${a.name} goes to ${a.place} with ${a.tool} to ${a.work}`,
      `You will find the ${a.name} at ${a.place}, where the work is to ${a.work}`,
      `To ${a.work} one needs ${a.tool}, and only the ${a.name} has it`,
    ]),
    pick(random, [
      `The ${b.name} does not ${a.work}; a ${b.name} must know how to ${b.work}`,
      `The ${b.name} uses ${b.tool} and knows how to ${b.work}`,
      `Whoever wants to ${b.work} becomes ${withArticle(b.name)} and works at ${b.place}`,
    ]),
    pick(random, [
      `${capitalised(withArticle(x.name))} lives in ${x.home} and eats ${x.food}`,
      `${capitalised(withArticle(x.name))} ${x.sound}, but ${withArticle(y.name)} ${y.sound}`,
      `Give ${x.food} to the ${x.name} and ${y.food} to the ${y.name}, not the other way round`,
    ]),
    pick(random, [
      `When there is ${weather}, people in ${town} take ${ADVICE[weather]} with them`,
      `Against the ${weather} of ${town} nothing helps but ${ADVICE[weather]}`,
    ]),
  ];
  const first = sentences[0]!;
  const rest = sentences.slice(1).filter(() => chance(random, 0.75));
  return [first, ...rest].map((s) => `${s}.`).join(' ');
}

export interface FactQuestion {
  question: string;
  thought: string;
  answer: string;
}

/** A question about what everybody knows, asked by somebody in particular. */
export function factQuestion(random: Random): FactQuestion {
  const asked = askedFact(random);
  const [person] = drawPeople(random, 1);
  const { name, family, job } = person!;
  const town = pick(random, TOWNS);
  const before = pick(random, [
    `My name is ${name} ${family} and I come from ${town}.`,
    `I am ${withArticle(job.name)} in ${town}, and my friend ${name} ${family} has a question.`,
    `${name} ${family} and I cannot agree on this.`,
    `Hello! My son ${name} asked me this in ${town}, and I did not know it.`,
    `For a letter to ${name} ${family} I need a short answer.`,
  ]);
  return { ...asked, question: `${before} ${asked.question}` };
}

function askedFact(random: Random): FactQuestion {
  const job = pick(random, JOBS);
  const [x, y] = pickTwo(random, ANIMALS);
  const weather = pick(random, WEATHERS).noun;
  switch (random.integer(6)) {
    case 0:
      return {
        question: pick(random, [
          `What does ${withArticle(job.name)} do?`,
          `Please tell me what the work of ${withArticle(job.name)} is.`,
        ]),
        thought: `The user asks about ${withArticle(job.name)}. ${capitalised(withArticle(job.name))} works at ${job.place} and uses ${job.tool}. The work is to ${job.work}.`,
        answer: `${capitalised(withArticle(job.name))} works at ${job.place}. The work of ${withArticle(job.name)} is to ${job.work}.`,
      };
    case 1:
      return {
        question: pick(random, [
          `Who can ${job.work}?`,
          `I need somebody to ${job.work}. Whom should I ask?`,
        ]),
        thought: `Which trade is it to ${job.work}? That is what ${withArticle(job.name)} does. One finds the ${job.name} at ${job.place}.`,
        answer: `Ask the ${job.name}. You will find the ${job.name} at ${job.place}.`,
      };
    case 2:
      return {
        question: `What does ${withArticle(x.name)} eat?`,
        thought: `I have to think of what ${withArticle(x.name)} eats. ${capitalised(withArticle(y.name))} eats ${y.food}, but the question is about ${withArticle(x.name)}. It eats ${x.food}.`,
        answer: `${capitalised(withArticle(x.name))} eats ${x.food}.`,
      };
    case 3:
      return {
        question: pick(random, [
          `Which animal ${x.sound}?`,
          `I heard something outside. It ${x.sound}. What is it?`,
        ]),
        thought: `${capitalised(withArticle(y.name))} ${y.sound}. ${capitalised(withArticle(x.name))} ${x.sound}. So it is ${withArticle(x.name)}.`,
        answer: `It is ${withArticle(x.name)}. ${capitalised(withArticle(x.name))} ${x.sound}.`,
      };
    case 4: {
      const town = pick(random, TOWNS);
      return {
        question: `There is ${weather} in ${town} today. What should I take with me?`,
        thought: `The weather is ${weather}. Against ${weather} one takes ${ADVICE[weather]}.`,
        answer: `Take ${ADVICE[weather]} with you, because there is ${weather} in ${town}.`,
      };
    }
    default: {
      const names = [x.name, y.name].map(withArticle);
      return {
        question: `Where do ${listed(names)} live?`,
        thought: `Two animals. ${capitalised(names[0]!)}: ${x.home}. ${capitalised(names[1]!)}: ${y.home}.`,
        answer: `${capitalised(names[0]!)} lives in ${x.home}, and ${names[1]!} lives in ${y.home}.`,
      };
    }
  }
}
