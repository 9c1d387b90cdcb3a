import { expect, test } from 'vitest';
import { MalformedError } from '../../../../runner/errors.ts';
import { selfTest } from '../../../../runner/sae/checkpoints/self-test.ts';
import type { ReluSae, TopKSae } from '../../../../runner/sae/sae.ts';
import { gaussians } from '../support.ts';

const d_in = 8;
const tokens = 200;
const mean = Float32Array.from({ length: d_in }, (_, i) => 2 + i);
const x = gaussians(tokens * d_in, 'activations').map((value, at) => value + mean[at % d_in]!);

/** Two latents a dimension, one for each sign: x̂ = x, provided that b_dec is subtracted. */
function perfect(): ReluSae {
  const d_sae = 2 * d_in;
  const W_enc = new Float32Array(d_in * d_sae);
  const W_dec = new Float32Array(d_sae * d_in);
  for (let i = 0; i < d_in; i++) {
    for (const [j, sign] of [
      [2 * i, 1],
      [2 * i + 1, -1],
    ] as const) {
      W_enc[i * d_sae + j] = sign;
      W_dec[j * d_in + i] = sign;
    }
  }
  return {
    architecture: 'relu',
    d_in,
    d_sae,
    apply_b_dec_to_input: true,
    normalisation: { kind: 'none' },
    W_enc,
    W_dec,
    b_enc: new Float32Array(d_sae),
    b_dec: mean,
  };
}

const options = { threads: 1 };

test('an SAE read as it was meant passes, with the figures of the others', async () => {
  const result = await selfTest({ format: 'sae-lens', sae: perfect() }, x, tokens, options);
  expect(result?.declared.var_exp).toBeCloseTo(1, 5);
  expect(
    result?.others.find(({ convention }) => convention === 'b_dec not subtracted')?.var_exp,
  ).toBeLessThan(0);
  expect(result?.others).toHaveLength(4);
});

test('b_dec left unsubtracted fails with both figures', async () => {
  const sae = { ...perfect(), apply_b_dec_to_input: false };
  const error = await selfTest({ format: 'gemma-scope', sae }, x, tokens, options).catch(
    (caught: unknown) => caught,
  );
  expect(error).toBeInstanceOf(MalformedError);
  expect(String(error)).toMatch(/var_exp -\d+\.\d{3} as declared and 1\.000 with b_dec subtracted/);
});

test('a normalisation left out fails', async () => {
  // Thresholded latents do not scale with x: fed raw activations of norm 30, the selection is another.
  const scale = 0.1;
  const sae: ReluSae = {
    ...perfect(),
    b_dec: mean.map((value) => value * scale),
    normalisation: { kind: 'expected_average_only_in', scale },
  };
  await expect(selfTest({ format: 'llama-scope', sae }, x, tokens, options)).resolves.not.toBeNull();
  const plain: ReluSae = { ...sae, normalisation: { kind: 'none' }, b_enc: new Float32Array(16).fill(-2) };
  const raw = selfTest({ format: 'llama-scope', sae: plain }, x, tokens, options);
  await expect(raw).rejects.toThrow(MalformedError);
});

test('sides exchanged in a square SAE fail', async () => {
  // A rotation of the axes by one place: its inverse is its transpose, and it is not symmetric.
  const W = new Float32Array(d_in * d_in);
  for (let i = 0; i < d_in; i++) W[i * d_in + ((i + 1) % d_in)] = 1;
  const back = W.map((_, at) => W[(at % d_in) * d_in + Math.floor(at / d_in)]!);
  const sae: TopKSae = {
    ...perfect(),
    architecture: 'topk',
    d_sae: d_in,
    k: d_in,
    rescale_acts_by_decoder_norm: false,
    b_dec: new Float32Array(d_in),
    b_enc: new Float32Array(d_in),
    W_enc: W,
    W_dec: back,
  };
  const positive = x.map(Math.abs);
  const result = await selfTest({ format: 'openai', sae }, positive, tokens, options);
  expect(result?.declared.var_exp).toBeCloseTo(1, 5);
  await expect(
    selfTest({ format: 'openai', sae: { ...sae, W_dec: W } }, positive, tokens, options),
  ).rejects.toThrow(/1\.000 with W_(enc|dec) turned/);
});

test('a transcoder is not tested', async () => {
  const sae = { ...perfect(), apply_b_dec_to_input: false, d_out: d_in };
  expect(await selfTest({ format: 'sparsify', sae }, x, tokens, options)).toBeNull();
});
