/** Body of the encoding thread. */
import { openSession, type Session } from '../onnx/session.ts';
import { serve } from '../threads/body.ts';
import type { EncodingRequest } from './encoding-thread.ts';
import { type EncoderShape, emptyLatents, encodeStretches } from './host-encoder.ts';
import type { Latents } from './sae.ts';

const opened = new Map<number, { session: Session; shape: EncoderShape }>();

async function close(id: number): Promise<void> {
  const found = opened.get(id);
  opened.delete(id);
  await found?.session.close();
}

serve<null, EncodingRequest, Latents | null>(() => ({
  async answer(request) {
    switch (request.kind) {
      case 'open': {
        const { id, program, options, shape } = request;
        opened.set(id, { session: await openSession(program, options), shape });
        return null;
      }
      case 'encode': {
        const { id, x, tokens } = request;
        const found = opened.get(id);
        if (found === undefined) throw new RangeError(`encoder ${id} is not open`);
        const latents = emptyLatents(tokens, found.shape.k);
        await encodeStretches(found.session, found.shape, x, [0, tokens], latents);
        return latents;
      }
      case 'close':
        await close(request.id);
        return null;
      default:
        return request satisfies never;
    }
  },
  transfer: (latents) =>
    latents === null ? [] : [latents.values.buffer as ArrayBuffer, latents.indices.buffer as ArrayBuffer],
  async close() {
    for (const id of [...opened.keys()]) await close(id);
  },
}));
