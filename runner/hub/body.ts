import { MalformedError } from '../errors.ts';
import { Transient } from './retry.ts';

/** Failures of a connection that come back every time. */
const LASTING =
  /^(CERT_|ERR_TLS|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|ERR_SSL|ERR_INVALID_URL|UND_ERR_HEADERS_OVERFLOW)/;

/**
 * The pieces of a body as they come; a cut connection or `stallMs` without a byte ends it with Transient.
 */
export async function* pieces(
  response: Response,
  stallMs: number,
  signal?: AbortSignal | null,
): AsyncGenerator<Uint8Array> {
  if (response.body === null) return;
  const reader = response.body.getReader();
  let timer: NodeJS.Timeout | undefined;
  let ended = false;
  try {
    while (true) {
      const stall = new Promise<never>((_, fail) => {
        timer = setTimeout(() => fail(new Transient(`nothing came for ${stallMs} ms`)), stallMs);
      });
      const { done, value } = await Promise.race([reader.read(), stall]);
      clearTimeout(timer);
      if (done) {
        ended = true;
        return;
      }
      yield value;
    }
  } catch (error) {
    throw transientUnlessAborted(error, signal, 'the connection was cut');
  } finally {
    clearTimeout(timer);
    if (!ended) await reader.cancel().catch(() => undefined);
  }
}

/** A whole body in memory. @throws MalformedError when it is longer than `limit` bytes; Transient when it is cut */
export async function readBody(
  response: Response,
  stallMs: number,
  limit: number,
  thing: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const piece of pieces(response, stallMs)) {
    length += piece.byteLength;
    if (length > limit) {
      throw new MalformedError({
        thing,
        found: `an answer of more than ${limit} bytes`,
        expected: 'a listing or a record',
        next: 'Check HF_ENDPOINT: this does not look like a hub.',
      });
    }
    parts.push(piece);
  }
  const whole = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.byteLength;
  }
  return whole;
}

/** A failed fetch as Transient, with the code of the system in its message; an abort asked for stays itself. */
export function transientUnlessAborted(
  error: unknown,
  signal: AbortSignal | null | undefined,
  what: string,
): unknown {
  if (signal?.aborted) return signal.reason;
  if (!(error instanceof Error) || error instanceof Transient || error instanceof MalformedError)
    return error;
  const cause = error.cause as { code?: unknown; message?: unknown } | undefined;
  const code = String(
    cause?.code ?? cause?.message ?? (error.name === 'AbortError' ? 'timeout' : error.message),
  );
  if (!LASTING.test(code)) return new Transient(`${what} (${code})`, { cause: error });
  return new MalformedError({
    thing: what,
    found: code,
    expected: 'a hub with a valid certificate and answers',
    next: 'Check HF_ENDPOINT and the network; behind a proxy set NODE_USE_ENV_PROXY=1 and NODE_EXTRA_CA_CERTS.',
  });
}
