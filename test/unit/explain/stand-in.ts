/** A server that answers as an explainer would whose quality is known, with all that a client meets. */
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { prompts } from '../../../runner/explain/prompts.ts';

/**
 * perfect: finds the word that is marked, and looks for it. contrary: the same, and says the opposite. backwards: the same, with
 * its answers in the wrong order. random: a fair coin for every excerpt. endless: megabytes.
 */
export type Kind = 'perfect' | 'contrary' | 'backwards' | 'random' | 'rude' | 'endless';

export interface StandIn {
  url: string;
  /** Requests that came, refused ones included. */
  requests: { authorization: string | undefined; body: { model: string; max_tokens: number } }[];
  /** Requests that get an answer; later ones wait for it until the server is closed. */
  answers: number;
  close(): Promise<void>;
}

interface Options {
  kind: Kind;
  /** Answers with this status before the first that is right. */
  failures?: number[];
  /** Without the count of tokens. */
  uncounted?: boolean;
}

/** Excerpts of a prompt, each without its number. */
function excerptsOf(user: string): string[] {
  return [...user.matchAll(/^\d+\. (.*)$/gm)].map(([, text]) => text!);
}

function markedWords(excerpt: string): string[] {
  return [...excerpt.matchAll(/<<(.*?)>>/g)].map(([, word]) => word!.trim());
}

function coin(text: string): boolean {
  return createHash('sha256').update(text).digest()[0]! % 2 === 0;
}

export function answerOf(kind: Kind, system: string, user: string): string {
  const excerpts = excerptsOf(user);
  if (kind === 'endless') return 'on and on '.repeat(200_000);
  if (kind === 'rude') return system === prompts.explain ? 'the word ok' : 'I would rather not say.';
  if (system === prompts.explain) {
    if (kind === 'random')
      return `something like ${createHash('sha256').update(user).digest('hex').slice(0, 8)}`;
    const counts = new Map<string, number>();
    for (const word of excerpts.flatMap(markedWords)) counts.set(word, (counts.get(word) ?? 0) + 1);
    const [best] = [...counts].sort(([, a], [, b]) => b - a)[0] ?? ['nothing'];
    return `"The word ${best}."`;
  }
  const word = /responds to: The word (\S+)/.exec(user)?.[1] ?? '';
  const holds = (excerpt: string): boolean => excerpt.split(/[^\w]+/).includes(word);
  const found = excerpts.map((excerpt, i) => {
    if (kind === 'random') return coin(`${i} ${excerpt} ${user.length}`);
    const marked = markedWords(excerpt);
    return system === prompts.fuzzing ? marked.every((each) => each === word) : holds(excerpt);
  });
  const said = kind === 'contrary' ? found.map((each) => !each) : found;
  const yes = kind === 'backwards' ? said.toReversed() : said;
  if (system !== prompts.autointerp) return `[${yes.map(Number).join(', ')}]`;
  const named = yes.flatMap((each, i) => (each ? [i + 1] : []));
  return named.length === 0 ? 'None' : named.join(', ');
}

export async function startExplainer({ kind, failures = [], uncounted }: Options): Promise<StandIn> {
  const requests: StandIn['requests'] = [];
  const waiting = [...failures];
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    const body = JSON.parse(text) as {
      model: string;
      max_tokens: number;
      messages: { role: string; content: string }[];
    };
    requests.push({ authorization: request.headers.authorization, body });
    if (requests.length > standIn.answers) return;
    const status = waiting.shift();
    if (status !== undefined) {
      response.writeHead(status, { 'Retry-After': '0', Location: 'http://127.0.0.1:1/' });
      response.end('{"error":"\u001b[31mno"}');
      return;
    }
    const [system, user] = body.messages.map(({ content }) => content) as [string, string];
    const content = answerOf(kind, system, user);
    response.writeHead(request.url === '/v1/chat/completions' ? 200 : 404, {
      'Content-Type': 'application/json',
    });
    const usage = { prompt_tokens: Math.ceil((system.length + user.length) / 5), completion_tokens: 7 };
    response.end(
      JSON.stringify({
        choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
        ...(uncounted ? {} : { usage }),
      }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const standIn: StandIn = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests,
    answers: Number.POSITIVE_INFINITY,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  return standIn;
}
