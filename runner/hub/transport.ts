import { MalformedError, UnavailableError } from '../errors.ts';
import { type KnownHashes, openKnownHashes } from '../io/known-hashes.ts';
import { checkAnswer } from './answers.ts';
import { readBody, transientUnlessAborted } from './body.ts';
import { formatReference, type HubReference } from './reference.ts';
import { type Answer, refused } from './refusals.ts';
import { type Clock, RETRY_POLICY, type RetryPolicy, retryAfter, Transient, withRetries } from './retry.ts';
import type { HubSettings } from './settings.ts';

export type Fetch = typeof globalThis.fetch;

export interface Timeouts {
  /** From sending a request to the first byte of its answer. */
  answerMs: number;
  /** Between two pieces of an answer's body. */
  stallMs: number;
}

/** The hub as this program sees it: settings and the few powers it needs from outside, all replaceable. */
export interface Hub {
  settings: HubSettings;
  fetch: Fetch;
  clock: Clock;
  retryPolicy: RetryPolicy;
  timeouts: Timeouts;
  /** Longest range asked for in one request; the public hub's plain downloads end at 50 GB. */
  rangeBytes: number;
  /** What is known of the contents of files in the cache. */
  hashes: KnownHashes;
}

const TIMEOUTS: Timeouts = { answerMs: 30_000, stallMs: 60_000 };
const RANGE_BYTES = 8 * 2 ** 30;
const MAX_REDIRECTS = 10;
/** Signed addresses of content networks run to about 2 kB. */
const MAX_HEADER_CHARACTERS = 8192;
const MAX_API_BODY_BYTES = 64 * 2 ** 20;
/** An upload may take as long as a slow line needs: bytes per millisecond, that is 32 kB/s. */
const SLOWEST_UPLOAD = 32;

/** The time that it is. */
export const systemClock: Clock = { wait, random: Math.random, now: Date.now };

export function openHub(options: Partial<Hub> & { settings: HubSettings }): Hub {
  return {
    fetch: globalThis.fetch,
    clock: systemClock,
    retryPolicy: RETRY_POLICY,
    timeouts: TIMEOUTS,
    rangeBytes: RANGE_BYTES,
    hashes: openKnownHashes(null),
    ...options,
  };
}

/**
 * One request, redirects followed by hand so that the token goes to the endpoint's origin and nowhere else.
 *
 * @param pass statuses that the caller handles itself
 * @returns an answer with status 2xx or one of `pass`
 * @throws Transient for what another attempt may cure; UserError or UnavailableError for refusals;
 *   UnavailableError when offline
 */
export async function request(
  hub: Hub,
  subject: HubReference,
  address: string | URL,
  init: RequestInit = {},
  pass: readonly number[] = [],
): Promise<Response> {
  if (hub.settings.offline) throw offline(subject);
  let url = usable(hub, address, subject);
  for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
    const response = await send(hub, url, init);
    checkHeaders(response, subject);
    const location = response.headers.get('location');
    if (response.status >= 300 && response.status < 400 && location !== null) {
      await response.body?.cancel();
      url = redirected(url, location, response.status, init, subject);
      continue;
    }
    if (response.ok || pass.includes(response.status)) return response;
    throw await failure(hub, subject, url, response);
  }
  throw new UnavailableError({
    thing: formatReference(subject),
    found: `more than ${MAX_REDIRECTS} redirects`,
    expected: 'a file',
    next: 'Check HF_ENDPOINT.',
  });
}

/**
 * `fetch` as @huggingface/hub takes it: token, redirects, retries, whole bodies of bounded size, refusals as errors.
 * POST requests are repeated too; `once` names those that must not be when their outcome is unknown.
 */
export function hubFetch(
  hub: Hub,
  subject: HubReference,
  options: { pass?: readonly number[]; signal?: AbortSignal | undefined; once?: (url: URL) => boolean } = {},
): Fetch {
  return async (input, init = {}) => {
    if (input instanceof Request) throw new TypeError('an address is expected, not a Request');
    const signals = [init.signal, options.signal].filter((each) => each != null);
    const signal = signals.length > 0 ? AbortSignal.any(signals) : undefined;
    const attempt = async () => {
      const response = await request(hub, subject, input, { ...init, signal: signal ?? null }, options.pass);
      const body = await readBody(
        response,
        hub.timeouts.stallMs,
        MAX_API_BODY_BYTES,
        formatReference(subject),
      );
      const url = new URL(input);
      if (response.ok) checkAnswer(url, body, subject);
      const empty = response.status === 204 || body.byteLength === 0;
      return new Response(empty ? null : body, { status: response.status, headers: response.headers });
    };
    if (options.once?.(new URL(input))) return orUnknown(attempt);
    return withRetries({ ...hub, signal }, formatReference(subject), attempt);
  };
}

/** Where something else than an answer came, whether the request was carried out is not known. */
async function orUnknown(attempt: () => Promise<Response>): Promise<Response> {
  try {
    return await attempt();
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    throw new Transient(error.complaint.found, { cause: error });
  }
}

/** An address of the hub's answers or this program's own, as it may be asked for. @throws MalformedError */
function usable(hub: Hub, address: string | URL, subject: HubReference): URL {
  const url = URL.canParse(address) ? new URL(address) : null;
  const safe = url?.protocol === 'https:' || url?.protocol === new URL(hub.settings.endpoint).protocol;
  if (url !== null && safe && !hasCredentials(url)) return url;
  // The address is not shown: it may hold a password.
  throw new MalformedError({
    thing: `answer of the hub about ${formatReference(subject)}`,
    found: hasCredentials(url)
      ? 'an address with a user name or password'
      : 'no address that may be asked for',
    expected: 'addresses as safe as HF_ENDPOINT, without user names',
    next: 'Check HF_ENDPOINT.',
  });
}

function hasCredentials(url: URL | null): boolean {
  return url !== null && (url.username !== '' || url.password !== '');
}

async function send(hub: Hub, url: URL, init: RequestInit): Promise<Response> {
  const headers = new Headers(init.headers);
  const { token, endpoint } = hub.settings;
  // The library is never given the token, so an Authorization header of its own is a placeholder at the endpoint
  // and belongs to the other server elsewhere.
  if (url.origin === new URL(endpoint).origin) {
    headers.delete('authorization');
    if (token) headers.set('authorization', `Bearer ${token.reveal()}`);
  }
  const size = init.body instanceof Blob ? init.body.size : 0;
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), hub.timeouts.answerMs + size / SLOWEST_UPLOAD);
  const signal = init.signal ? AbortSignal.any([init.signal, late.signal]) : late.signal;
  try {
    return await hub.fetch(url.href, { ...init, headers, signal, redirect: 'manual' });
  } catch (error) {
    throw transientUnlessAborted(error, init.signal, `no answer from ${url.host}`);
  } finally {
    clearTimeout(timer);
  }
}

function redirected(
  from: URL,
  location: string,
  status: number,
  init: RequestInit,
  subject: HubReference,
): URL {
  const to = URL.canParse(location, from) ? new URL(location, from) : null;
  const weaker = to !== null && to.protocol !== from.protocol && to.protocol !== 'https:';
  const changesMethod = !/^(GET|HEAD)$/.test(init.method ?? 'GET') && status !== 307 && status !== 308;
  const named = hasCredentials(to);
  if (to !== null && !weaker && !changesMethod && !named) return to;
  throw new UnavailableError({
    thing: formatReference(subject),
    found: `a redirect (HTTP ${status}) from ${from.host} to ${to ? `${to.protocol}//${to.host}` : 'no address'}${named ? ', with a user name or password in it' : ''}`,
    expected: 'an address that is at least as safe, for the same request',
    next: 'Check HF_ENDPOINT.',
  });
}

async function failure(hub: Hub, subject: HubReference, url: URL, response: Response): Promise<Error> {
  const { status, headers } = response;
  const answer: Answer = {
    status,
    code: headers.get('x-error-code'),
    message: headers.get('x-error-message'),
  };
  const elsewhere = url.origin !== new URL(hub.settings.endpoint).origin;
  // A content network that refuses has met an expired signature: asking the hub again gives a new one.
  const expired = elsewhere && (status === 401 || status === 403);
  if (status === 408 || status === 429 || (status >= 500 && status !== 501) || expired) {
    await response.body?.cancel();
    const retryAfterMs = retryAfter(headers, hub.clock.now());
    return new Transient(`HTTP ${status} from ${url.host}`, { status, retryAfterMs });
  }
  if (answer.message === null && headers.get('content-type')?.startsWith('application/json')) {
    const text = await response.text().catch(() => '');
    answer.message = /"error"\s*:\s*"([^"]{1,500})"/.exec(text.slice(0, 4096))?.[1] ?? null;
  } else {
    await response.body?.cancel();
  }
  return refused(answer, subject, hub.settings);
}

function checkHeaders(response: Response, subject: HubReference): void {
  for (const [name, value] of response.headers) {
    if (value.length <= MAX_HEADER_CHARACTERS) continue;
    throw new MalformedError({
      thing: formatReference(subject),
      found: `a header ${name.slice(0, 60)} of ${value.length} characters`,
      expected: `at most ${MAX_HEADER_CHARACTERS}`,
      next: 'Check HF_ENDPOINT: this does not look like a hub.',
    });
  }
}

function offline(subject: HubReference): UnavailableError {
  return new UnavailableError({
    thing: formatReference(subject),
    found: 'that the hub would have to be asked, but HF_HUB_OFFLINE is set',
    expected: 'everything needed in the cache',
    next: 'Unset HF_HUB_OFFLINE once, with a connection, to fetch what is missing.',
  });
}

function wait(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((done, fail) => {
    const stop = () => {
      clearTimeout(timer);
      fail(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      done();
    }, ms);
    if (signal?.aborted) stop();
    else signal?.addEventListener('abort', stop, { once: true });
  });
}
