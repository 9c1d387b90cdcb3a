/** Questions to a language model: answered from the cache where they were before, and within a budget. */
import type { ContentCache } from '../io/content-cache.ts';
import { canonicalJson } from '../io/hash.ts';
import type { Completion, Explainer } from './client.ts';
import { type Prompt, prompts } from './prompts.ts';

export interface Budget {
  requests: number;
  /** Of prompts and answers together. */
  tokens: number;
  milliseconds: number;
}

/** No more may be asked. */
export class BudgetSpent extends Error {}

export interface Asked {
  /** Answers, those from the cache included. */
  answers: number;
  /** Of these, how many the server was asked for now, and what they took. */
  requests: number;
  tokens: { prompt: number; completion: number };
  /** Whether every answer came with the server's own count of tokens. */
  counted: boolean;
  /** Tokens of all answers, as `tokens`. */
  allTokens: { prompt: number; completion: number };
}

export interface Question extends Prompt {
  task: string;
  latent: number;
  maxTokens: number;
}

export type Ask = (question: Question) => Promise<string>;

/** Characters of a token, about: for what no server has counted. */
const TOKEN_CHARACTERS = 4;
/** What servers put around the two messages. */
const AROUND = 12;

export function promptTokens({ system, user }: Prompt): number {
  return AROUND + Math.ceil((system.length + user.length) / TOKEN_CHARACTERS);
}

/**
 * @param complete asks the server
 * @param heard is told of each question and its answer
 */
export function asking(
  explainer: Pick<Explainer, 'address' | 'model'>,
  complete: (prompt: Prompt, maxTokens: number) => Promise<Completion>,
  options: {
    budget: Budget;
    cache: Pick<ContentCache, 'get' | 'put'>;
    now: () => number;
    heard: (question: Question, answer: string) => void;
  },
): { ask: Ask; asked: Asked } {
  const { budget, cache, now, heard } = options;
  const began = now();
  /** Sent and not answered yet: they may take all that was allowed them. */
  let reserved = 0;
  const asked: Asked = {
    answers: 0,
    requests: 0,
    tokens: { prompt: 0, completion: 0 },
    counted: true,
    allTokens: { prompt: 0, completion: 0 },
  };
  const ask: Ask = async (question) => {
    const { system, user, maxTokens } = question;
    const { address, model } = explainer;
    const server = `${address.origin}${address.pathname}`;
    const key = canonicalJson({ version: prompts.version, server, model, system, user, maxTokens });
    let found = await cached(cache, key);
    if (found === null) {
      const most = promptTokens(question) + maxTokens;
      const { prompt, completion } = asked.tokens;
      if (
        asked.requests >= budget.requests ||
        prompt + completion + reserved + most > budget.tokens ||
        now() - began >= budget.milliseconds
      )
        throw new BudgetSpent();
      asked.requests++;
      reserved += most;
      try {
        found = await complete(question, maxTokens);
      } finally {
        reserved -= most;
      }
      cache.put(key, new TextEncoder().encode(JSON.stringify(found)));
      add(asked.tokens, tokensOf(found, question));
    }
    asked.answers++;
    asked.counted &&= found.tokens !== null;
    add(asked.allTokens, tokensOf(found, question));
    heard(question, found.text);
    return found.text;
  };
  return { ask, asked };
}

function tokensOf({ text, tokens }: Completion, question: Question): { prompt: number; completion: number } {
  return tokens ?? { prompt: promptTokens(question), completion: Math.ceil(text.length / TOKEN_CHARACTERS) };
}

function add(to: { prompt: number; completion: number }, more: typeof to): void {
  to.prompt += more.prompt;
  to.completion += more.completion;
}

async function cached(cache: Pick<ContentCache, 'get'>, key: string): Promise<Completion | null> {
  const bytes = await cache.get(key);
  return bytes === undefined ? null : (JSON.parse(new TextDecoder().decode(bytes)) as Completion);
}
