import type { Random } from '../../math/random.ts';
import { drawPeople } from './cast.ts';
import { heldCourtesy } from './courtesy.ts';
import { type FactQuestion, factQuestion } from './facts.ts';
import { capitalised, inWords, listed } from './grammar.ts';
import { COUNTABLES, SPOTS } from './lexicon.ts';
import { heldOpinion } from './opinion.ts';
import { trackedStory } from './story.ts';
import { chance, pick } from './template.ts';

export interface Turn {
  role: 'system' | 'user' | 'assistant';
  content: string;
}

/** A question, the thinking that leads to the answer, and the answer; sometimes a second question. */
export function dialogue(random: Random): Turn[] {
  const turns: Turn[] = [];
  if (chance(random, 0.15)) {
    turns.push({
      role: 'system',
      content: pick(random, [
        'You are a helpful assistant.',
        'Answer briefly and politely.',
        'You answer questions about stories.',
        'Think first, then answer in one sentence.',
      ]),
    });
  }
  for (const exchange of exchanges(random)) {
    turns.push({ role: 'user', content: exchange.question });
    turns.push({
      role: 'assistant',
      content: `<think>\n${exchange.thought}\n</think>\n\n${exchange.answer}`,
    });
  }
  return turns;
}

function exchanges(random: Random): FactQuestion[] {
  const kind = random.next();
  if (kind < 0.36) return storyQuestions(random);
  if (kind < 0.53) return [opinionQuestion(random)];
  if (kind < 0.7) return [courtesyQuestion(random)];
  if (kind < 0.83)
    return chance(random, 0.3) ? [factQuestion(random), factQuestion(random)] : [factQuestion(random)];
  if (kind < 0.91) return [countQuestion(random)];
  return [noteRequest(random)];
}

function storyQuestions(random: Random): FactQuestion[] {
  const { text, tracker } = trackedStory(random);
  const { scene, history } = tracker;
  const name = (role: 'A' | 'B' | 'C'): string => scene.slots.get(role)!.form('');
  const thing = scene.slots.get('U')!.form('');
  const questions: FactQuestion[] = [];
  const where =
    tracker.holder === null
      ? { now: `${thing} is ${tracker.spot}`, last: 'Nobody has taken it since then' }
      : {
          now: `${name(tracker.holder)} has ${thing}`,
          last: `After that ${thing} stays with ${name(tracker.holder)}`,
        };
  questions.push({
    question: pick(random, [
      `Where is ${thing} now?`,
      `What has become of ${thing}?`,
      `Who has ${thing}, or where does it lie?`,
    ]),
    thought: `I follow ${thing} through the story. ${steps(history)} ${where.last}.`,
    answer: `${capitalised(where.now)}.`,
  });
  const { count, pet } = tracker;
  if (count !== null) {
    questions.push({
      question: `How many ${count.goods} does ${name(count.owner)} have left?`,
      thought: `The story says: ${count.clause}. ${count.left + count.gone} - ${count.gone} = ${count.left}.`,
      answer: `${name(count.owner)} has ${inWords(count.left)} ${count.goods} left.`,
    });
  }
  if (pet !== null) {
    questions.push({
      question: pick(random, [`What is the name of the ${pet.kind.name}?`, `Whose animal is ${pet.name}?`]),
      thought: `There is a ${pet.kind.name} in the story. It belongs to ${name(pet.owner)} and its name is ${pet.name}.`,
      answer: `The ${pet.kind.name} of ${name(pet.owner)} is called ${pet.name}.`,
    });
  }
  const first = questions.splice(random.integer(questions.length), 1)[0]!;
  first.question = chance(random, 0.7) ? `${text}\n\n${first.question}` : `${first.question}\n\n${text}`;
  const second = questions.length > 0 && chance(random, 0.4) ? pick(random, questions) : undefined;
  return second === undefined ? [first] : [first, second];
}

function steps(history: readonly string[]): string {
  const words = ['First', 'Then', 'After that', 'Next', 'At last'];
  return history
    .map(
      (clause, i) =>
        `${words[Math.min(i, 4)]}: ${clause.charAt(0).toLowerCase() === clause.charAt(0) ? clause : clause}.`,
    )
    .join(' ');
}

function opinionQuestion(random: Random): FactQuestion {
  const { text, good, reasons } = heldOpinion(random);
  return {
    question: `${pick(random, [
      'Is this a good or a bad opinion?',
      'Did the writer like it?',
      'Would the writer do it again?',
      'Praise or complaint?',
    ])}\n\n${text}`,
    thought: `I must not count the words but see what is meant. As a whole ${reasons}.`,
    answer: good
      ? pick(random, ['The writer liked it.', 'It is praise.', 'It is a good opinion.'])
      : pick(random, ['The writer did not like it.', 'It is a complaint.', 'It is a bad opinion.']),
  };
}

function courtesyQuestion(random: Random): FactQuestion {
  const { text, polite, speaker, listener } = heldCourtesy(random);
  return {
    question: `${text}\n\nWas ${speaker} polite or rude to ${listener}?`,
    thought: `What does ${speaker} mean to do? ${speaker} wants to ${polite ? 'be kind to' : 'hurt'} ${listener}, whatever the words are.`,
    answer: `${speaker} was ${polite ? 'polite' : 'rude'} to ${listener}.`,
  };
}

function countQuestion(random: Random): FactQuestion {
  const [a, b] = drawPeople(random, 2);
  const goods = pick(random, COUNTABLES);
  const x = 2 + random.integer(40);
  const y = 2 + random.integer(40);
  const more = x + y;
  if (chance(random, 0.5)) {
    return {
      question: `${a!.name} has ${x} ${goods} and ${b!.name} has ${y}. How many do they have together?`,
      thought: `Together means that I add. ${x} + ${y} = ${more}.`,
      answer: `Together they have ${more} ${goods}.`,
    };
  }
  return {
    question: `There were ${more} ${goods} ${pick(random, SPOTS)}. ${a!.name} took ${x} of them. How many are left for ${b!.name}?`,
    thought: `Some are taken away, so I subtract. ${more} - ${x} = ${y}.`,
    answer: `${y} ${goods} are left for ${b!.name}.`,
  };
}

function noteRequest(random: Random): FactQuestion {
  const [a, b] = drawPeople(random, 2);
  const thing = pick(random, ['ladder', 'cart', 'boat', 'lamp', 'bicycle', 'tent', 'book', 'pot', 'spade']);
  const day = pick(random, ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday']);
  const reason = pick(random, [
    'mine is broken',
    'I have lent mine to my cousin',
    'there is none in the shop',
    'the storm has taken mine',
    'I cannot do the work without it',
  ]);
  const asks = chance(random, 0.5);
  return {
    question: asks
      ? `Write a polite note from ${a!.name} to ${b!.name}. ${a!.name} needs the ${thing} until ${day}, because ${reason}.`.replace(
          'because mine',
          'because mine',
        )
      : `Write a short note in which ${a!.name} thanks ${b!.name} for the ${thing}. It was given back on ${day}.`,
    thought: `A note needs three parts: ${listed(['a greeting', asks ? 'the request with its reason' : 'the thanks', 'a name at the end'])}. It must be polite.`,
    answer: asks
      ? `Dear ${b!.name}, could you please lend me the ${thing} until ${day}? I ask because ${reason}. ${pick(random, ['Thank you very much.', 'I would be very grateful.', 'Please tell me if you need it yourself.'])} ${a!.name}`
      : `Dear ${b!.name}, thank you very much for the ${thing}. ${pick(random, ['It was a great help.', 'I do not know what I would have done without it.', 'You are a good friend.'])} I hope that it came back safely on ${day}. ${a!.name}`,
  };
}
