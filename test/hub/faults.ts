import type { IncomingMessage, ServerResponse } from 'node:http';

/** What goes wrong with an answer. */
export type Mishap =
  /** The connection is destroyed after so many bytes of the body. */
  | { kind: 'cut'; after: number }
  /** So many bytes of the body, then silence on an open connection. */
  | { kind: 'stall'; after: number }
  /** The body in pieces of so many bytes, a pause before each. */
  | { kind: 'drip'; bytes: number; everyMs: number }
  /** A status instead of the answer. */
  | { kind: 'status'; status: number; headers?: Record<string, string>; body?: string }
  /** The file is said to be longer (or shorter) than listed. */
  | { kind: 'length'; by: number }
  /** One byte of the body is another. */
  | { kind: 'corrupt' }
  /** A body without a length that ends properly, but after so many bytes. */
  | { kind: 'short'; bytes: number }
  /** The whole file with status 200, whatever range was asked for. */
  | { kind: 'ignoreRange' }
  /** Another place. */
  | { kind: 'redirect'; to: string }
  /** The request is carried out, its answer never sent. */
  | { kind: 'lost' }
  /** A header of so many characters. */
  | { kind: 'header'; characters: number }
  /** A commit other than the one asked for. */
  | { kind: 'otherCommit' };

export interface Fault {
  /** Part of the address with its host name, `hub` or `cdn`: 'hub/owner/name/resolve', 'cdn/'. */
  on: string;
  method?: string;
  /** How many answers it spoils; Infinity for all. */
  times: number;
  does: Mishap;
}

/** The next fault for a request, counted as used. */
export function takeFault(faults: Fault[], method: string, address: string): Mishap | null {
  const fault = faults.find(
    (each) => each.times > 0 && address.includes(each.on) && (each.method ?? method) === method,
  );
  if (!fault) return null;
  fault.times--;
  return fault.does;
}

/** Serves bytes with ranges as object stores do, spoilt as asked. */
export async function sendBytes(
  request: IncomingMessage,
  response: ServerResponse,
  bytes: Buffer,
  headers: Record<string, string>,
  mishap: Mishap | null,
): Promise<void> {
  const range = mishap?.kind === 'ignoreRange' ? null : readRange(request.headers.range, bytes.length);
  if (range === 'unsatisfiable') {
    response.writeHead(416, { 'content-range': `bytes */${bytes.length}` }).end();
    return;
  }
  const total = bytes.length + (mishap?.kind === 'length' ? mishap.by : 0);
  const part = Buffer.from(range ? bytes.subarray(range.start, range.end) : bytes);
  if (mishap?.kind === 'corrupt' && part.length > 0) part[part.length >> 1]! ^= 1;
  response.writeHead(range ? 206 : 200, {
    ...headers,
    'accept-ranges': 'bytes',
    ...(mishap?.kind === 'short' ? {} : { 'content-length': String(range ? part.length : total) }),
    ...(range ? { 'content-range': `bytes ${range.start}-${range.end - 1}/${total}` } : {}),
    ...(mishap?.kind === 'header' ? { 'x-long': 'x'.repeat(mishap.characters) } : {}),
  });
  if (request.method === 'HEAD') response.end();
  else await sendBody(response, part, mishap);
}

async function sendBody(response: ServerResponse, body: Buffer, mishap: Mishap | null): Promise<void> {
  switch (mishap?.kind) {
    case 'cut':
      response.write(body.subarray(0, mishap.after), () => response.destroy());
      if (mishap.after === 0) response.flushHeaders();
      return;
    case 'short':
      response.end(body.subarray(0, mishap.bytes));
      return;
    case 'stall':
      response.flushHeaders();
      if (mishap.after > 0) response.write(body.subarray(0, mishap.after));
      return;
    case 'drip':
      for (let at = 0; at < body.length && !response.destroyed; at += mishap.bytes) {
        await new Promise((done) => setTimeout(done, mishap.everyMs));
        response.write(body.subarray(at, at + mishap.bytes));
      }
      response.end();
      return;
    default:
      response.end(body);
  }
}

function readRange(
  header: string | undefined,
  size: number,
): { start: number; end: number } | 'unsatisfiable' | null {
  const match = /^bytes=(\d+)-(\d*)$/.exec(header ?? '');
  if (!match) return null;
  const start = Number(match[1]);
  const end = match[2] ? Math.min(size, Number(match[2]) + 1) : size;
  return start >= size || end <= start ? 'unsatisfiable' : { start, end };
}
