/**
 * A second thread that encodes beside this one (body: encoding-worker.ts), so that selection keeps no core waiting:
 * `npm run bench -- encode` has both ways.
 */
import type { Program } from '../onnx/graph.ts';
import type { SessionOptions } from '../onnx/session.ts';
import { type Link, openLink } from '../threads/link.ts';
import type { EncoderShape } from './host-encoder.ts';
import type { Latents } from './sae.ts';

export type EncodingRequest =
  | { kind: 'open'; id: number; program: Program; options: SessionOptions; shape: EncoderShape }
  | { kind: 'encode'; id: number; x: Float32Array; tokens: number }
  | { kind: 'close'; id: number };

export interface ThreadEncoder {
  /**
   * @param x [tokens, d_in], given away
   * @throws what opening the session failed of; errors of the link
   */
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
  let link: Link<EncodingRequest, Latents | null> | undefined;
  let opened = 0;
  return {
    open(program, options, shape) {
      link ??= openLink({
        name: 'the encoding thread',
        body: new URL('./encoding-worker.ts', import.meta.url),
        start: null,
      });
      const { request } = link;
      const id = opened++;
      const made = request({ kind: 'open', id, program, options, shape });
      made.catch(() => undefined);
      return {
        async encode(x, tokens) {
          // Sent at once: the caller goes on with work that blocks this thread.
          const latents = request({ kind: 'encode', id, x, tokens }, [x.buffer]);
          latents.catch(() => undefined);
          await made;
          return (await latents)!;
        },
        close() {
          request({ kind: 'close', id }).catch(() => undefined);
        },
      };
    },
    async close() {
      await link?.close();
    },
  };
}
