/** What the hub's interface answers, checked before a library takes it for what it documents. */
import { z } from 'zod';
import { InterpboardError, MalformedError, quote } from '../errors.ts';
import { formatReference, type HubReference } from './reference.ts';
import { Transient } from './retry.ts';

const entries = z.array(z.looseObject({ type: z.string(), path: z.string() }));
const batchObject = z.looseObject({
  oid: z.string(),
  actions: z.looseObject({ upload: z.looseObject({ href: z.string() }).optional() }).nullish(),
  error: z.looseObject({ message: z.string() }).nullish(),
});

const ANSWERS: Readonly<Record<string, z.ZodType>> = {
  revision: z.looseObject({ sha: z.string() }),
  tree: entries,
  'paths-info': entries,
  preupload: z.looseObject({ files: z.array(z.looseObject({ path: z.string(), uploadMode: z.string() })) }),
  commit: z.looseObject({ commitOid: z.string().regex(/^[0-9a-f]{40}$/), commitUrl: z.string() }),
  create: z.looseObject({ url: z.string() }),
  batch: z.looseObject({ objects: z.array(batchObject) }),
};
const ROUTE =
  /\/api\/(?:(?:model|dataset|space)s\/[^/]+(?:\/[^/]+)?\/(?<verb>revision|tree|paths-info|preupload|commit)\/|repos\/(?<create>create)$)|\.git\/info\/lfs\/objects\/(?<batch>batch)$/;

/**
 * @param url what was asked; other addresses than those of the interface may answer anything
 * @throws MalformedError when a good answer (status 2xx) is no JSON, or not what the hub documents for this question
 */
export function checkAnswer(url: URL, body: Uint8Array, subject: HubReference): void {
  const { verb, create, batch } = ROUTE.exec(url.pathname)?.groups ?? {};
  const schema = ANSWERS[verb ?? create ?? batch ?? ''];
  if (schema === undefined) return;
  const text = new TextDecoder().decode(body);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw notAnAnswer(subject, notJson(text));
  }
  const { error } = schema.safeParse(value);
  const [issue] = error?.issues ?? [];
  if (issue === undefined) return;
  const where = issue.path.length === 0 ? 'it' : quote(issue.path.join('.'));
  throw notAnAnswer(subject, `an answer in which ${where} is wrong (${issue.message})`);
}

function notJson(text: string): string {
  const start = text.trimStart().slice(0, 60);
  if (start === '') return 'nothing';
  return start.startsWith('<') ? `a page (${quote(start)})` : `no JSON (${quote(start)})`;
}

export function notAnAnswer(subject: HubReference, found: string, cause?: unknown): MalformedError {
  return new MalformedError(
    {
      thing: `answer of the hub about ${formatReference(subject)}`,
      found,
      expected: 'what the hub documents',
      next: 'Check HF_ENDPOINT, and that no sign-in page of the network stands in between.',
    },
    cause === undefined ? {} : { cause },
  );
}

/**
 * Runs a question that a library asks: what it fails of, other than what the transport says itself, is an answer that
 * it cannot read.
 *
 * @throws MalformedError for those; everything else as it is
 */
export async function asked<T>(
  subject: HubReference,
  question: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  try {
    return await question();
  } catch (error) {
    if (error instanceof InterpboardError || error instanceof Transient || signal?.aborted) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw notAnAnswer(subject, `one that cannot be read (${quote(reason)})`, error);
  }
}
