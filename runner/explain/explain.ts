/** Explanations of latents, tried on excerpts that they were not made from, beside another latent's on the same. */
import { random, shuffle } from '../math/random.ts';
import { type Protocol, protocols } from '../report/explanation-kinds.ts';
import type { Explanations, Tallies } from '../report/explanations.ts';
import { readExplanation, readList, readNumbers } from './answers.ts';
import { type Ask, BudgetSpent, promptTokens, type Question } from './ask.ts';
import { type Labelled, type LatentExamples, shown } from './examples.ts';
import { explainPrompt, scorePrompt } from './prompts.ts';
import { type Scored, scoresOf } from './scores.ts';

/** Excerpts of a question of detection and of fuzzing, as delphi shows them. */
const SHOWN = 5;
/** What an explanation is taken to be before there is one. */
const TYPICAL = 'x'.repeat(80);

export interface ExplainOptions {
  ask: Ask;
  /** Of answers, in tokens. */
  maxTokens: number;
  /** Questions that are out at a time. */
  parallel: number;
  /** Of the order in which explanations are exchanged. */
  seed: number;
  /** Called after each answer. */
  answered?: () => void;
}

export type Explained = Pick<Explanations, 'latents' | 'left_out' | 'scores' | 'unreadable'>;

/** What explaining and scoring these latents asks for at most. */
export function estimate(
  examples: readonly LatentExamples[],
  maxTokens: number,
): { requests: number; prompt: number; completion: number } {
  const questions = examples.flatMap((each) => {
    const scoring = protocols.flatMap((protocol) => questionsOf(each, protocol, TYPICAL, maxTokens));
    const own = scoring.map(({ question }) => question);
    return [explaining(each, maxTokens), ...own, ...(examples.length > 1 ? own : [])];
  });
  return {
    requests: questions.length,
    prompt: questions.reduce((sum, question) => sum + promptTokens(question), 0),
    completion: questions.length * maxTokens,
  };
}

/** @throws what `ask` throws, but for a spent budget, which leaves latents out */
export async function explainLatents(
  examples: readonly LatentExamples[],
  { ask, maxTokens, parallel, seed, answered }: ExplainOptions,
): Promise<Explained> {
  const leftOut = new Map<number, string>();
  let unreadable = 0;
  const answerTo = async (question: Question): Promise<string> => {
    const text = await ask(question);
    answered?.();
    return text;
  };
  const within = async <T>(latent: number, use: () => Promise<T>): Promise<T | null> => {
    try {
      return await use();
    } catch (error) {
      if (!(error instanceof BudgetSpent)) throw error;
      leftOut.set(latent, 'the budget was spent before');
      return null;
    }
  };
  const found = await inParallel(parallel, examples, (each) =>
    within(each.latent, async () => {
      const text = readExplanation(await answerTo(explaining(each, maxTokens)));
      if (text !== null) return { each, text };
      unreadable++;
      leftOut.set(each.latent, 'the answer was no phrase');
      return null;
    }),
  );
  const explained = found.filter((each) => each !== null);
  const others = exchanged(
    explained.map(({ text }) => text),
    seed,
  );
  const tallied = async (each: LatentExamples, explanation: string): Promise<Tallies> => {
    const tallies: Tallies = { detection: null, fuzzing: null, autointerp: null };
    for (const protocol of protocols) {
      let [correct, of] = [0, 0];
      for (const { question, labelled } of questionsOf(each, protocol, explanation, maxTokens)) {
        const answer = await answerTo(question);
        const read = (protocol === 'autointerp' ? readNumbers : readList)(answer, labelled.length);
        if (read === null) unreadable++;
        else {
          of += labelled.length;
          correct += labelled.filter(({ yes }, i) => read[i] === yes).length;
        }
      }
      if (of > 0) tallies[protocol] = { correct, of };
    }
    return tallies;
  };
  const scored = await inParallel(parallel, explained, ({ each, text }, i) =>
    within(each.latent, async () => {
      const scores = await tallied(each, text);
      const other = others[i] ?? null;
      const shuffled =
        other === null ? { detection: null, fuzzing: null, autointerp: null } : await tallied(each, other);
      return { latent: each.latent, explanation: text, scores, shuffled };
    }),
  );
  const latents = scored.filter((each) => each !== null);
  return {
    latents,
    left_out: [...leftOut].map(([latent, reason]) => ({ latent, reason })),
    unreadable,
    scores: scoresOf(latents satisfies Scored[], examples),
  };
}

function explaining({ latent, explain }: LatentExamples, maxTokens: number): Question {
  const prompt = explainPrompt(explain.map((excerpt) => shown(excerpt, true)));
  return { ...prompt, task: 'explain', latent, maxTokens };
}

function questionsOf(
  examples: LatentExamples,
  protocol: Protocol,
  explanation: string,
  maxTokens: number,
): { question: Question; labelled: Labelled[] }[] {
  const { latent, [protocol]: all } = examples;
  const size = protocol === 'autointerp' ? all.length : SHOWN;
  return Array.from({ length: Math.ceil(all.length / size) }, (_, i) => {
    const labelled = all.slice(i * size, (i + 1) * size);
    const excerpts = labelled.map(({ excerpt }) => shown(excerpt, protocol === 'fuzzing'));
    return {
      question: { ...scorePrompt(protocol, explanation, excerpts), task: protocol, latent, maxTokens },
      labelled,
    };
  });
}

/** For each explanation one of another latent that says something else; null where there is none. */
export function exchanged(texts: readonly string[], seed: number): (string | null)[] {
  const order = shuffle(
    texts.map((_, i) => i),
    random('shuffled explanations', seed),
  );
  const place = new Map(order.map((i, at) => [i, at]));
  return texts.map((own, i) => {
    for (let step = 1; step < order.length; step++) {
      const other = texts[order[(place.get(i)! + step) % order.length]!]!;
      if (other !== own) return other;
    }
    return null;
  });
}

/** The first failure ends all, once those that are out have ended. */
async function inParallel<T, R>(
  parallel: number,
  items: readonly T[],
  use: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results = new Array<R>(items.length);
  let next = 0;
  let failed = false;
  const worker = async (): Promise<void> => {
    while (next < items.length && !failed) {
      const index = next++;
      try {
        results[index] = await use(items[index]!, index);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const workers = await Promise.allSettled(Array.from({ length: parallel }, worker));
  for (const each of workers) if (each.status === 'rejected') throw each.reason;
  return results;
}
