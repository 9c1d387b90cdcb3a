import { expect, test } from 'vitest';
import { MalformedError } from '../../../runner/errors.ts';
import { readBody } from '../../../runner/hub/body.ts';

const body = (parts: string[]) =>
  new Response(
    new ReadableStream({
      start: (stream) => {
        for (const part of parts) stream.enqueue(new TextEncoder().encode(part));
        stream.close();
      },
    }),
  );

test('a body in pieces is read whole', async () => {
  const bytes = await readBody(body(['ab', '', 'cde']), 1000, 5, 'listing');
  expect(Buffer.from(bytes).toString()).toBe('abcde');
  expect((await readBody(new Response(null), 1000, 5, 'listing')).byteLength).toBe(0);
});

test('a body longer than its limit is not read to the end', async () => {
  let given = 0;
  const endless = new ReadableStream({
    pull: (stream) => {
      given++;
      stream.enqueue(new Uint8Array(100));
    },
  });
  await expect(readBody(new Response(endless), 1000, 1000, 'listing')).rejects.toThrow(MalformedError);
  expect(given).toBeLessThan(15);
});
