import { expect, test } from 'vitest';
import { UnavailableError } from '../../../runner/errors.ts';
import { encodingThread } from '../../../runner/sae/encoding-thread.ts';
import { openSae } from '../../../runner/sae/open-sae.ts';
import { selectionTokens } from '../../../runner/sae/selection.ts';
import { gaussians, randomSae } from './support.ts';

const [d_in, d_sae, k] = [24, 1_000, 20];
const sae = randomSae(d_in, d_sae, k);
// Four whole stretches and a part of one.
const tokens = 4 * selectionTokens(d_sae) + 77;
const x = gaussians(tokens * d_in, 'x', d_in);

test('a second thread changes no bit, serves several SAEs, and leaves what is short to this one', async () => {
  const thread = encodingThread();
  const alone = await openSae(sae, { threads: 1 });
  const other = randomSae(d_in, d_sae, 7);
  const two = await Promise.all([sae, other].map((each) => openSae(each, { threads: 2, thread })));
  try {
    const [first, second] = await Promise.all(two.map((open) => open.encode(x, tokens)));
    expect(first).toEqual(await alone.encode(x, tokens));
    expect(second!.k).toBe(7);
    expect(second!.indices.length).toBe(7 * tokens);
    for (let token = 0; token < tokens; token += 100) expect(second!.values[7 * token]).toBeGreaterThan(0);
    // What it is given stays the caller's.
    expect(x.length).toBe(tokens * d_in);
    const short = x.subarray(0, 9 * d_in);
    expect(await two[0]!.encode(short, 9)).toEqual(await alone.encode(short, 9));
  } finally {
    for (const open of [alone, ...two]) await open.close();
    await thread.close();
  }
});

test('what fails there is an error here, for every request, and the thread still ends', async () => {
  const thread = encodingThread();
  const broken = { bytes: new Uint8Array([1, 2, 3]), inputs: ['x'], outputs: ['pre'] };
  const encoder = thread.open(broken, { threads: 1 }, { d_in, d_sae, k });
  const failure = await encoder.encode(x.slice(0, d_in), 1).catch((reason: unknown) => reason);
  expect(failure).toBeInstanceOf(UnavailableError);
  expect((failure as Error).message).toMatch(/^program on device cpu: found/);
  await expect(encoder.encode(x.slice(0, d_in), 1)).rejects.toBe(failure);
  encoder.close();
  await expect(encoder.encode(x.slice(0, d_in), 1)).rejects.toBe(failure);
  await thread.close();
  await expect(encoder.encode(x.slice(0, d_in), 1)).rejects.toBe(failure);
});
