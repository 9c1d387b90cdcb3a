import { expect, test } from 'vitest';
import { type OpenSae, openSae } from '../../../runner/sae/open-sae.ts';
import * as reference from '../../../runner/sae/reference.ts';
import { type Sae, topKSae } from '../../../runner/sae/sae.ts';
import { HOST_THREADS } from '../../../runner/sae/selection.ts';
import { gaussians, quarters, randomSae, relativeDifference } from './support.ts';

async function using<T>(sae: Sae, work: (open: OpenSae) => Promise<T>, threads = 1): Promise<T> {
  const open = await openSae(sae, { threads });
  try {
    return await work(open);
  } finally {
    await open.close();
  }
}

const shapes = [
  { d_in: 7, d_sae: 13, k: 1, tokens: 1, apply_b_dec_to_input: true },
  { d_in: 16, d_sae: 16, k: 16, tokens: 9, apply_b_dec_to_input: true },
  { d_in: 24, d_sae: 96, k: 5, tokens: 70, apply_b_dec_to_input: false },
  { d_in: 33, d_sae: 257, k: 100, tokens: 40, apply_b_dec_to_input: true },
  // More gathered rows than one stretch of the decoder holds (2,048 tokens here).
  { d_in: 128, d_sae: 80, k: 64, tokens: 2_100, apply_b_dec_to_input: true },
];
const title = 'd_in $d_in, d_sae $d_sae, k $k, $tokens tokens, b_dec subtracted: $apply_b_dec_to_input';

test.each(shapes)(`programs equal the reference where arithmetic is exact: ${title}`, async (shape) => {
  const { d_in, d_sae, k, tokens, apply_b_dec_to_input } = shape;
  const sae = randomSae(d_in, d_sae, k, { apply_b_dec_to_input, exact: true });
  const x = quarters(gaussians(tokens * d_in, 'x', d_in));
  await using(sae, async (open) => {
    const found = await open.reconstruct(x, tokens);
    expect(found).toEqual(reference.reconstruct(sae, x, tokens));
    expect(await open.encode(x, tokens)).toEqual({ k, values: found.values, indices: found.indices });
  });
});

test.each(shapes.slice(0, 4))(`programs follow the reference within rounding: ${title}`, async (shape) => {
  const { d_in, d_sae, k, tokens, apply_b_dec_to_input } = shape;
  const sae = randomSae(d_in, d_sae, k, { apply_b_dec_to_input });
  const x = gaussians(tokens * d_in, 'x', d_in);
  const expected = reference.reconstruct(sae, x, tokens);
  const found = await using(sae, (open) => open.reconstruct(x, tokens));
  const differences = [
    relativeDifference(found.values, expected.values),
    relativeDifference(found.reconstruction, expected.reconstruction),
  ];
  console.info(`values ${differences[0]!.toExponential(1)}, x̂ ${differences[1]!.toExponential(1)}`);
  for (const difference of differences) expect(difference).toBeLessThan(1e-5);
});

// onnxruntime picks among three selections by k and d_sae: k = 1, a heap (small k), a partition (large k).
test.each([
  { d_sae: 24, k: 1 },
  { d_sae: 24, k: 5 },
  { d_sae: 96, k: 7 },
  { d_sae: 24, k: 20 },
  { d_sae: 1_024, k: 32 },
  { d_sae: 1_024, k: 512 },
])('of exactly equal pre-activations the lowest index is selected: k $k of $d_sae', async ({ d_sae, k }) => {
  const d_in = 4;
  // Four distinct columns, repeated: every value occurs d_sae / 4 times.
  const four = quarters(gaussians(d_in * 4, 'four'));
  const W_enc = new Float32Array(d_in * d_sae).map(
    (_, at) => four[Math.floor(at / d_sae) * 4 + ((at % d_sae) % 4)]!,
  );
  const sae = topKSae({
    ...randomSae(d_in, d_sae, k, { exact: true }),
    W_enc,
    b_enc: new Float32Array(d_sae).fill(0.5),
  });
  const tokens = 33;
  const x = quarters(gaussians(tokens * d_in, 'ties'));
  // All pre-activations of the last token are equal.
  x.set(sae.b_dec, (tokens - 1) * d_in);
  const found = await using(sae, (open) => open.encode(x, tokens));
  expect(found.indices).toEqual(reference.encode(sae, x, tokens).indices);
  expect([...found.indices.slice(-k)]).toEqual(Array.from({ length: k }, (_, i) => i));
});

test('the runtime’s selection and the host’s, which few threads get, are one to the last bit', async () => {
  for (const [d_in, d_sae, k] of [
    [24, 1_000, 20],
    [33, 257, 100],
  ] as const) {
    const sae = randomSae(d_in, d_sae, k);
    // More than one stretch of the host's.
    const tokens = 600;
    const x = gaussians(tokens * d_in, 'x', d_in);
    const encode = (open: OpenSae) => open.encode(x, tokens);
    expect(await using(sae, encode, HOST_THREADS + 1)).toEqual(await using(sae, encode, HOST_THREADS));
  }
});

test('a selected latent below zero keeps its index and has the value 0', async () => {
  const sae = topKSae({ ...randomSae(6, 10, 4), b_enc: new Float32Array(10).fill(-100) });
  const x = gaussians(12, 'negative');
  const { values, indices, reconstruction } = await using(sae, (open) => open.reconstruct(x, 2));
  expect([...values]).toEqual(new Array(8).fill(0));
  expect(new Set(indices.slice(0, 4)).size).toBe(4);
  expect([...reconstruction]).toEqual([...sae.b_dec, ...sae.b_dec]);
});

test('decoding takes latents that were changed', async () => {
  const sae = randomSae(8, 20, 3);
  const latents = reference.encode(sae, gaussians(16, 'x'), 2);
  latents.values[0] = 0;
  const found = await using(sae, (open) => open.decode(latents, 2));
  expect(relativeDifference(found, reference.decode(sae, latents, 2))).toBeLessThan(1e-6);
});

test('arrays of the wrong length are refused', async () => {
  await using(randomSae(8, 20, 3), async (open) => {
    await expect(open.encode(new Float32Array(17), 2)).rejects.toThrow('x: 17 values, expected 2 tokens × 8');
    expect((await open.encode(new Float32Array(0), 0)).values).toHaveLength(0);
  });
});
