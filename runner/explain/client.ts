/**
 * A server that speaks OpenAI's chat completions: one that the user names, and no other. The key goes there alone, encrypted
 * unless the server is on this machine.
 */
import { z } from 'zod';
import { InterpboardError, MalformedError, quote, UnavailableError, UserError } from '../errors.ts';
import { readBody, transientUnlessAborted } from '../hub/body.ts';
import { type Clock, type RetryPolicy, retryAfter, Transient, withRetries } from '../hub/retry.ts';
import { type Environment, Secret } from '../hub/settings.ts';
import type { Prompt } from './prompts.ts';

export interface Explainer {
  /** Address that `/chat/completions` is added to. */
  address: URL;
  model: string;
  key: Secret | null;
}

export interface Completion {
  text: string;
  /** As the server counts; null where it does not say. */
  tokens: { prompt: number; completion: number } | null;
}

/** Bytes of an answer: a few hundred tokens, with what servers put around them. */
const MOST_BYTES = 1_000_000;
/** Milliseconds to the first byte of an answer: local servers on a CPU take minutes. */
const ANSWER_MS = 600_000;
const STALL_MS = 120_000;

/**
 * @throws UserError where no server or model is named, or a key would travel in the clear
 */
export function readExplainer(
  given: { endpoint?: string | undefined; explainer?: string | undefined },
  environment: Environment,
): Explainer {
  const text = given.endpoint ?? environment.OPENAI_BASE_URL;
  const address = text !== undefined && URL.canParse(text) ? new URL(text) : null;
  const plain = address !== null && /^https?:$/.test(address.protocol);
  if (!plain || address.username || address.password || address.search || address.hash) {
    throw new UserError({
      thing: given.endpoint === undefined ? 'OPENAI_BASE_URL' : '--endpoint',
      // An address with a password in it is not shown.
      found: text === undefined || text === '' ? 'nothing' : 'something else',
      expected:
        'the http(s) address of an OpenAI-compatible server without user name or query, such as http://localhost:8080/v1',
      next: 'Name it with --endpoint; without one nothing is sent anywhere.',
    });
  }
  const model = given.explainer ?? environment.OPENAI_MODEL;
  if (model === undefined || !/^[\w./:@ +-]{1,200}$/.test(model)) {
    throw new UserError({
      thing: '--explainer',
      found: model === undefined ? 'nothing' : quote(model),
      expected: 'the name of a model, as the server knows it',
      next: 'Name the model that is to write explanations.',
    });
  }
  const key = environment.OPENAI_API_KEY?.trim();
  const local = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(address.hostname);
  if (key && address.protocol === 'http:' && !local) {
    throw new UserError({
      thing: 'OPENAI_API_KEY',
      found: `a server at ${address.host} without encryption`,
      expected: 'https, or a server on this machine',
      next: 'Use https, or unset OPENAI_API_KEY where the server wants none.',
    });
  }
  if (key && !/^[\x21-\x7e]{1,1000}$/.test(key)) {
    throw new UserError({
      thing: 'OPENAI_API_KEY',
      found: 'characters that a header cannot have',
      expected: 'the key alone',
      next: 'Set it again.',
    });
  }
  return { address, model, key: key ? new Secret(key) : null };
}

const answer = z.looseObject({
  choices: z
    .array(z.looseObject({ message: z.looseObject({ content: z.string().max(100_000).nullish() }) }))
    .min(1)
    .max(16),
  usage: z
    .looseObject({
      prompt_tokens: z.int().nonnegative().max(1e9),
      completion_tokens: z.int().nonnegative().max(1e9),
    })
    .nullish()
    .catch(null),
});

/**
 * @throws UnavailableError when the server does not answer after retries, refuses, or answers something else
 */
export async function complete(
  explainer: Explainer,
  { system, user }: Prompt,
  options: { maxTokens: number; clock: Clock; retryPolicy: RetryPolicy; signal: AbortSignal },
): Promise<Completion> {
  const { address, model, key } = explainer;
  const url = new URL(`${address.pathname.replace(/\/+$/, '')}/chat/completions`, address);
  const thing = `explainer ${quote(model)} at ${address.host}`;
  const body = JSON.stringify({
    model,
    messages: [
      { role: 'system', content: system },
      { role: 'user', content: user },
    ],
    temperature: 0,
    max_tokens: options.maxTokens,
  });
  const attempt = async (): Promise<unknown> => {
    const signal = AbortSignal.any([options.signal, AbortSignal.timeout(ANSWER_MS)]);
    let response: Response;
    try {
      response = await fetch(url, {
        method: 'POST',
        headers: {
          'Content-Type': 'application/json',
          ...(key === null ? {} : { Authorization: `Bearer ${key.reveal()}` }),
        },
        body,
        signal,
        // A server that sends elsewhere would take the texts there.
        redirect: 'manual',
      });
    } catch (error) {
      throw transientUnlessAborted(error, options.signal, 'no answer');
    }
    if (response.status === 408 || response.status === 429 || response.status >= 500) {
      await response.body?.cancel();
      const retryAfterMs = retryAfter(response.headers, options.clock.now());
      throw new Transient(`HTTP ${response.status}`, { status: response.status, retryAfterMs });
    }
    const text = new TextDecoder().decode(await readBody(response, STALL_MS, MOST_BYTES, thing));
    if (!response.ok) throw refused(thing, response.status, key === null ? text : key.redact(text));
    try {
      return JSON.parse(text);
    } catch {
      throw new Transient('an answer that is no JSON');
    }
  };
  const parsed = answer.safeParse(await withServer(thing, () => withRetries(options, thing, attempt)));
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    throw new MalformedError({
      thing: `${thing}, ${issue.path.join('.') || 'answer'}`,
      found: issue.message,
      expected: 'a chat completion as OpenAI’s API gives it',
      next: 'Check the address: it usually ends in /v1.',
    });
  }
  const { choices, usage } = parsed.data;
  return {
    text: choices[0]!.message.content ?? '',
    tokens: usage ? { prompt: usage.prompt_tokens, completion: usage.completion_tokens } : null,
  };
}

function refused(thing: string, status: number, text: string): UnavailableError {
  return new UnavailableError({
    thing,
    found: `HTTP ${status} ${quote(text)}`,
    expected: 'an answer',
    next:
      status === 401 || status === 403
        ? 'Set OPENAI_API_KEY to a key that the server takes.'
        : 'Check the address and the model’s name.',
  });
}

/** What failed of retrying and of reading, in the words of this server and not of the hub. */
async function withServer<T>(thing: string, use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } catch (error) {
    if (error instanceof MalformedError) {
      throw new MalformedError(
        {
          thing,
          found: error.complaint.found,
          expected: 'an answer',
          next: 'Check the address (it usually ends in /v1) and the server’s certificate; behind a proxy set NODE_USE_ENV_PROXY=1 and NODE_EXTRA_CA_CERTS.',
        },
        { cause: error },
      );
    }
    if (!(error instanceof InterpboardError) || !(error.cause instanceof Transient)) throw error;
    throw new UnavailableError(
      {
        thing,
        found: error.complaint.found,
        expected: 'an answer',
        next: 'Check that the server runs; then run the same command again: answers that came are kept.',
      },
      { cause: error },
    );
  }
}
