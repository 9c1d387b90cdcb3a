/** Body of the encoding thread: does what it is sent, one request after the other, and ends at 'end'. */
import { parentPort } from 'node:worker_threads';
import { openSession, type Session } from '../onnx/session.ts';
import type { EncodingReply, EncodingRequest } from './encoding-thread.ts';
import { type EncoderShape, emptyLatents, encodeStretches } from './host-encoder.ts';

const port = parentPort;
if (port === null) throw new Error('this file is the body of a worker thread');

type Opened = { session: Session; shape: EncoderShape } | { failure: string };
const opened = new Map<number, Opened>();

async function close(id: number): Promise<void> {
  const found = opened.get(id);
  opened.delete(id);
  if (found !== undefined && 'session' in found) await found.session.close();
}

async function encode(id: number, x: Float32Array, tokens: number): Promise<EncodingReply> {
  const found = opened.get(id);
  if (found === undefined) return { failure: `encoder ${id} is not open` };
  if ('failure' in found) return found;
  const latents = emptyLatents(tokens, found.shape.k);
  await encodeStretches(found.session, found.shape, x, [0, tokens], latents);
  return latents;
}

const words = (error: unknown): string => (error instanceof Error ? error.message : String(error));

async function answer(request: EncodingRequest): Promise<void> {
  switch (request.kind) {
    case 'open': {
      const { id, program, options, shape } = request;
      const made = await openSession(program, options).then(
        (session): Opened => ({ session, shape }),
        (error: unknown): Opened => ({ failure: words(error) }),
      );
      opened.set(id, made);
      return;
    }
    case 'encode': {
      const reply = await encode(request.id, request.x, request.tokens).catch(
        (error: unknown): EncodingReply => ({ failure: words(error) }),
      );
      const transfer = 'failure' in reply ? [] : [reply.values.buffer, reply.indices.buffer];
      port!.postMessage(reply, transfer as ArrayBuffer[]);
      return;
    }
    case 'close':
      return close(request.id);
    case 'end':
      for (const id of opened.keys()) await close(id);
      port!.close();
      return;
    default:
      request satisfies never;
  }
}

let last = Promise.resolve();
port.on('message', (request: EncodingRequest) => {
  last = last.then(() => answer(request));
});
