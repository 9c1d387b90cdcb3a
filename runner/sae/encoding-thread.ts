/**
 * A second thread that encodes beside this one (body: encoding-worker.ts), so that selection keeps no core waiting:
 * `npm run bench -- encode` has both ways. It is asked to end and awaited: a thread killed inside
 * native code takes the process with it.
 */
import { Worker } from 'node:worker_threads';
import type { Program } from '../onnx/graph.ts';
import type { SessionOptions } from '../onnx/session.ts';
import type { EncoderShape } from './host-encoder.ts';
import type { Latents } from './sae.ts';

export type EncodingRequest =
  | { kind: 'open'; id: number; program: Program; options: SessionOptions; shape: EncoderShape }
  | { kind: 'encode'; id: number; x: Float32Array; tokens: number }
  | { kind: 'close'; id: number }
  | { kind: 'end' };

/** To each 'encode', in their order. */
export type EncodingReply = Latents | { failure: string };

export interface ThreadEncoder {
  /** @param x [tokens, d_in], given away */
  encode(x: Float32Array<ArrayBuffer>, tokens: number): Promise<Latents>;
  close(): void;
}

export interface EncodingThread {
  /** Opens a session of preProgram there; what goes wrong is said when it is first asked to encode. */
  open(program: Program, options: SessionOptions, shape: EncoderShape): ThreadEncoder;
  close(): Promise<void>;
}

/** It starts when something is opened in it. */
export function encodingThread(): EncodingThread {
  let running: ReturnType<typeof start> | undefined;
  return {
    open(program, options, shape) {
      running ??= start();
      return running.open(program, options, shape);
    },
    async close() {
      await running?.close();
    },
  };
}

function start(): EncodingThread {
  const worker = new Worker(new URL('./encoding-worker.ts', import.meta.url));
  const waiting: { resolve(latents: Latents): void; reject(error: Error): void }[] = [];
  let failure: Error | undefined;
  const fail = (error: Error): void => {
    failure ??= error;
    for (const each of waiting.splice(0)) each.reject(failure);
  };
  worker.on('message', (reply: EncodingReply) => {
    const next = waiting.shift();
    if ('failure' in reply) next?.reject(new Error(`the encoding thread: ${reply.failure}`));
    else next?.resolve(reply);
  });
  worker.on('error', fail);
  const ended = new Promise<void>((resolve) => {
    worker.on('exit', (code) => {
      fail(new Error(`the encoding thread ended with code ${code}`));
      resolve();
    });
  });
  const send = (request: EncodingRequest, transfer: readonly ArrayBuffer[] = []): void =>
    worker.postMessage(request, [...transfer]);
  let opened = 0;
  return {
    open(program, options, shape) {
      const id = opened++;
      send({ kind: 'open', id, program, options, shape });
      return {
        encode(x, tokens) {
          return new Promise((resolve, reject) => {
            if (failure !== undefined) reject(failure);
            else {
              waiting.push({ resolve, reject });
              send({ kind: 'encode', id, x, tokens }, [x.buffer]);
            }
          });
        },
        close: () => send({ kind: 'close', id }),
      };
    },
    async close() {
      send({ kind: 'end' });
      await ended;
    },
  };
}
