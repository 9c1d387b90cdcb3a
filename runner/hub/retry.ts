import { MalformedError, UnavailableError } from '../errors.ts';

/** A failure that the next attempt may not meet. */
export class Transient extends Error {
  readonly status: number | null;
  /** What the server asked for, milliseconds; null when it did not say. */
  readonly retryAfterMs: number | null;
  /** The bytes were wrong, not merely absent: when it stays so the file is damaged rather than out of reach. */
  readonly wrongBytes: boolean;

  constructor(
    message: string,
    options: ErrorOptions & { status?: number; retryAfterMs?: number | null; wrongBytes?: boolean } = {},
  ) {
    super(message, options);
    this.name = 'Transient';
    this.status = options.status ?? null;
    this.retryAfterMs = options.retryAfterMs ?? null;
    this.wrongBytes = options.wrongBytes ?? false;
  }
}

export interface RetryPolicy {
  /** Attempts in a row without headway before giving up. */
  attempts: number;
  /** Of which this many may bring wrong bytes: more would only fetch a damaged file again and again. */
  wrongBytes: number;
  /** The first wait; each later one doubles, up to the longest. Half of it is drawn at random. */
  firstWaitMs: number;
  longestWaitMs: number;
  /** A server that asks for more than this is not waited for. */
  longestRetryAfterMs: number;
}

export const RETRY_POLICY: RetryPolicy = {
  attempts: 6,
  wrongBytes: 3,
  firstWaitMs: 500,
  longestWaitMs: 30_000,
  longestRetryAfterMs: 300_000,
};

export interface Clock {
  wait: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** Uniform in [0, 1). */
  random: () => number;
  /** Milliseconds since 1970. */
  now: () => number;
}

/**
 * Runs `attempt` until it succeeds or fails with anything but Transient.
 *
 * @param thing what is being fetched, for the error
 * @param headway says after a failed attempt whether it got far enough to start counting anew
 * @throws UnavailableError (MalformedError when the last failure was of wrong bytes) after the last attempt
 */
export async function withRetries<T>(
  context: { clock: Clock; retryPolicy: RetryPolicy; signal?: AbortSignal | undefined },
  thing: string,
  attempt: () => Promise<T>,
  headway: () => boolean = () => false,
): Promise<T> {
  const { clock, retryPolicy, signal } = context;
  for (let failures = 0, wrong = 0; ; ) {
    signal?.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof Transient)) throw error;
      failures = headway() ? 1 : failures + 1;
      if (error.wrongBytes) wrong++;
      const asked = error.retryAfterMs ?? 0;
      const spent = failures >= retryPolicy.attempts || wrong >= retryPolicy.wrongBytes;
      if (spent || asked > retryPolicy.longestRetryAfterMs) {
        throw givenUp(thing, error, failures, asked > retryPolicy.longestRetryAfterMs ? asked : null);
      }
      await clock.wait(Math.max(asked, backoff(failures, retryPolicy, clock.random())), signal);
    }
  }
}

function backoff(failures: number, retryPolicy: RetryPolicy, draw: number): number {
  const full = Math.min(retryPolicy.longestWaitMs, retryPolicy.firstWaitMs * 2 ** (failures - 1));
  return full / 2 + (full / 2) * draw;
}

function givenUp(thing: string, last: Transient, failures: number, asked: number | null): Error {
  const next = last.wrongBytes
    ? 'Check HF_ENDPOINT, and that no sign-in page of the network stands in between; then run the same command again.'
    : 'Run the same command again later: what has arrived is kept and the rest is asked for.';
  const complaint = {
    thing,
    found: `${last.message}${failures > 1 ? ` (${failures} attempts)` : ''}`,
    expected: last.wrongBytes ? 'the bytes whose hash and length the hub lists' : 'an answer from the hub',
    next:
      asked === null
        ? next
        : `The hub asks to wait ${Math.ceil(asked / 1000)} s: run the same command again after that.`,
  };
  return last.wrongBytes
    ? new MalformedError(complaint, { cause: last })
    : new UnavailableError(complaint, { cause: last });
}

/**
 * The wait that a server asks for, milliseconds: `Retry-After` in seconds or as a date, else the seconds to the next
 * window in the hub's `RateLimit: "api";r=0;t=55`. Null when neither is there.
 */
export function retryAfter(headers: Headers, now: number): number | null {
  const text = headers.get('retry-after')?.trim();
  if (text && /^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const date = text ? Date.parse(text) : Number.NaN;
  if (Number.isFinite(date)) return Math.max(0, date - now);
  const window = /;\s*t=(\d{1,9})/.exec(headers.get('ratelimit') ?? '')?.[1];
  return window === undefined ? null : Number(window) * 1000;
}
