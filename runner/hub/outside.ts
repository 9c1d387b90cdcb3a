/** Requests to hosts that are not the hub: no token goes with them. */
import { UnavailableError } from '../errors.ts';
import { transientUnlessAborted } from './body.ts';
import { retryAfter, Transient } from './retry.ts';
import type { Hub } from './transport.ts';

/** What of the hub's is used. */
export type Fetcher = Pick<Hub, 'fetch' | 'clock' | 'retryPolicy' | 'timeouts'>;

/** What is asked for, and how errors speak of it. */
export interface Outside {
  address: string | URL;
  thing: string;
  /** Words behind the status of a refusal; default: from which host it is. */
  refused?: string;
  expected: string;
  next: string;
}

/**
 * An answer that is one, whose body has not been read.
 *
 * @throws Transient for what another attempt may mend
 * @throws UnavailableError for any other refusal
 */
export async function fetchOutside(
  { fetch, timeouts, clock }: Fetcher,
  { address, refused, ...words }: Outside,
  { headers = {}, signal }: { headers?: Record<string, string>; signal: AbortSignal | undefined },
): Promise<Response> {
  const { host } = new URL(address);
  // Of the answer alone: its body may take longer.
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), timeouts.answerMs);
  const either = signal ? AbortSignal.any([signal, late.signal]) : late.signal;
  const response = await fetch(address, { headers, signal: either })
    .catch((error: unknown) => {
      throw transientUnlessAborted(error, signal, `no answer from ${host}`);
    })
    .finally(() => clearTimeout(timer));
  if (response.ok) return response;
  await response.body?.cancel();
  const { status } = response;
  const found = `HTTP ${status} ${refused ?? `from ${host}`}`;
  if (status === 408 || status === 429 || status >= 500) {
    throw new Transient(found, { status, retryAfterMs: retryAfter(response.headers, clock.now()) });
  }
  throw new UnavailableError({ ...words, found });
}
