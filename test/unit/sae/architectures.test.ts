import { expect, test } from 'vitest';
import { saeSha256 } from '../../../runner/sae/content-hash.ts';
import { openSae } from '../../../runner/sae/open-sae.ts';
import * as reference from '../../../runner/sae/reference.ts';
import { checkedSae, type Latents, type MatchingPursuitSae, type Sae } from '../../../runner/sae/sae.ts';
import { gaussians, quarters, randomSae, relativeDifference } from './support.ts';

const d_in = 16;
const d_sae = 60;
const plain = randomSae(d_in, d_sae, 6, { exact: true });
const { k: _k, rescale_acts_by_decoder_norm: _rescale, architecture: _architecture, ...biased } = plain;
const { b_enc: _b_enc, ...shared } = biased;
const perLatent = (name: string): Float32Array => quarters(gaussians(d_sae, name));
const threshold = perLatent('threshold').map((value) => Math.abs(value) + 0.25);
const W_skip = quarters(gaussians(d_in * d_in, 'skip'));

const saes: Record<string, Sae> = {
  relu: { ...biased, architecture: 'relu' },
  topk: plain,
  'topk, rescaled': { ...plain, rescale_acts_by_decoder_norm: true },
  'topk transcoder with a skip': { ...plain, apply_b_dec_to_input: false, d_out: d_in, W_skip },
  jumprelu: { ...biased, architecture: 'jumprelu', threshold },
  batchtopk: { ...biased, architecture: 'batchtopk', threshold: new Float32Array(d_sae).fill(1.5), k: 6 },
  // Training that ended before the threshold was set leaves −1: then it is relu.
  'batchtopk without a threshold': {
    ...biased,
    architecture: 'batchtopk',
    threshold: new Float32Array(d_sae).fill(-1),
    k: 6,
  },
  matryoshka: { ...biased, architecture: 'matryoshka', threshold, k: 6, group_sizes: [20, 40] },
  gated: {
    ...shared,
    architecture: 'gated',
    b_gate: perLatent('gate'),
    b_mag: perLatent('mag'),
    r_mag: perLatent('r'),
  },
};

const rows = quarters(gaussians(d_sae * d_in, 'rows')).map((value) => value / 4);
const pursuit: MatchingPursuitSae = {
  ...shared,
  architecture: 'matching_pursuit',
  W_enc: rows.map((_, at) => rows[(at % d_sae) * d_in + Math.floor(at / d_sae)]!),
  W_dec: rows,
  residual_threshold: 0.5,
  max_iterations: d_in,
  stop_on_duplicate_support: true,
};
saes['matching pursuit'] = pursuit;
saes['matching pursuit, again and again'] = {
  ...pursuit,
  max_iterations: 30,
  stop_on_duplicate_support: false,
};

const normalisations = [
  { kind: 'none' },
  { kind: 'expected_average_only_in', scale: 0.5 },
  { kind: 'constant_norm_rescale' },
  { kind: 'layer_norm' },
] as const;

const cases = Object.keys(saes).flatMap((name) =>
  normalisations.map((normalisation) => ({ name, normalisation })),
);

async function reconstructed(
  sae: Sae,
  x: Float32Array,
  tokens: number,
): Promise<Latents & { reconstruction: Float32Array }> {
  const open = await openSae(checkedSae(sae), { threads: 1 });
  return open.reconstruct(x, tokens).finally(() => open.close());
}

test.each(cases)(
  '$name, normalisation $normalisation.kind: programs follow the reference',
  async ({ name, normalisation }) => {
    const sae = { ...saes[name]!, normalisation };
    const tokens = 30;
    const x = gaussians(tokens * d_in, 'x').map((value) => 3 * value + 1);
    const found = await reconstructed(sae, x, tokens);
    const expected = reference.reconstruct(sae, x, tokens);
    expect(found.k).toBe(expected.k);
    expect(relativeDifference(found.values, expected.values)).toBeLessThan(1e-5);
    expect(relativeDifference(found.reconstruction, expected.reconstruction)).toBeLessThan(1e-5);
  },
);

test.each(['relu', 'jumprelu', 'batchtopk', 'batchtopk without a threshold', 'matryoshka'])(
  '%s: where arithmetic is exact the slots are the same, ties and thresholds included',
  async (name) => {
    const tokens = 40;
    const x = quarters(gaussians(tokens * d_in, 'exact'));
    // The last token has no active latent of these: x' is b_dec, pre is b_enc.
    x.set(plain.b_dec, (tokens - 1) * d_in);
    const sae = { ...saes[name]!, b_enc: plain.b_enc.map(() => -0.25) } as Sae;
    const found = await reconstructed(sae, x, tokens);
    expect(found).toEqual(reference.reconstruct(sae, x, tokens));
    expect([...found.values.slice(-found.k)].every((value) => value === 0)).toBe(true);
    expect([...found.indices.slice(-found.k)].every((index) => index === 0)).toBe(true);
  },
);

test('a pre-activation exactly at the threshold does not fire', async () => {
  const sae = checkedSae({
    ...saes.jumprelu!,
    architecture: 'jumprelu',
    W_enc: new Float32Array(d_in * d_sae),
    b_enc: new Float32Array(d_sae).fill(0.75),
    threshold: new Float32Array(d_sae).fill(0.75).fill(0.5, 0, 3),
  } as Sae);
  const found = await reconstructed(sae, new Float32Array(d_in), 1);
  expect(found).toMatchObject({ k: 3 });
  expect([...found.indices]).toEqual([0, 1, 2]);
});

test('matching pursuit ends by its threshold, by a latent found twice, by its number of steps, and where nothing points along x', async () => {
  // Two directions at a right angle, and one a little off the first.
  const W_dec = Float32Array.of(1, 0, 0, 1, 0.8, 0.6);
  const sae: MatchingPursuitSae = {
    architecture: 'matching_pursuit',
    d_in: 2,
    d_sae: 3,
    apply_b_dec_to_input: false,
    normalisation: { kind: 'none' },
    W_enc: Float32Array.of(1, 0, 0.8, 0, 1, 0.6),
    W_dec,
    b_dec: new Float32Array(2),
    residual_threshold: 0.75,
    max_iterations: 10,
    stop_on_duplicate_support: true,
  };
  const x = Float32Array.of(4, 0.5, 4, 1, -1, -1);
  const latents = async (each: MatchingPursuitSae): Promise<number[][]> => {
    const { k, values, indices } = await reconstructed(each, x, 3);
    const z = new Float32Array(3 * 3);
    values.forEach((value, slot) => {
      if (value !== 0) z[Math.floor(slot / k) * 3 + indices[slot]!] = value;
    });
    return [0, 1, 2].map((t) => [...z.slice(3 * t, 3 * (t + 1))]);
  };
  // 0.5 is left of the first token, which is short enough; of the second a further step takes what is left.
  expect(await latents(sae)).toEqual([
    [4, 0, 0],
    [4, 1, 0],
    [0, 0, 0],
  ]);
  expect(await latents({ ...sae, residual_threshold: 0 })).toEqual([
    [4, 0.5, 0],
    [4, 1, 0],
    [0, 0, 0],
  ]);
  expect(await latents({ ...sae, max_iterations: 1 })).toEqual([
    [4, 0, 0],
    [4, 0, 0],
    [0, 0, 0],
  ]);
  // Rows of half the length leave half of what they point at: the same latent again.
  const half = { ...sae, W_dec: W_dec.map((value) => value / 2), residual_threshold: 0, max_iterations: 3 };
  expect((await latents(half))[0]).toEqual([2 + 1.5, 0, 0]);
  expect((await latents({ ...half, stop_on_duplicate_support: false }))[0]![0]).toBeGreaterThan(4.5);
  expect(() => checkedSae({ ...sae, residual_threshold: -1 })).toThrow('residual_threshold = -1');
  expect(() => checkedSae({ ...sae, max_iterations: 0 })).toThrow('max_iterations = 0');
});

test('stretches of different width become one result', async () => {
  // So wide that a hundred tokens take two stretches.
  const wide = 200_000;
  const sae: Sae = {
    architecture: 'relu',
    d_in: 1,
    d_sae: wide,
    apply_b_dec_to_input: false,
    normalisation: { kind: 'none' },
    W_enc: new Float32Array(wide).fill(1, 0, 5),
    W_dec: new Float32Array(wide).fill(0.5),
    b_enc: new Float32Array(wide),
    b_dec: new Float32Array(1),
  };
  const tokens = 100;
  const x = new Float32Array(tokens).fill(-1);
  x[0] = 1;
  const found = await reconstructed(sae, x, tokens);
  expect(found.k).toBe(5);
  expect([...found.values.slice(0, 10)]).toEqual([1, 1, 1, 1, 1, 0, 0, 0, 0, 0]);
  expect(found.reconstruction[0]).toBe(2.5);
  expect(found.values).toHaveLength(5 * tokens);
});

test('decoding asks for x where it needs it', async () => {
  const open = await openSae({ ...plain, normalisation: { kind: 'layer_norm' } }, { threads: 1 });
  const latents = await open.encode(gaussians(d_in, 'x'), 1);
  await expect(open.decode(latents, 1)).rejects.toThrow('x: 0 values, expected 1 tokens × 16');
  await open.close();
});

test('parts that do not fit are refused, and the hash covers every tensor', () => {
  const { gated, matryoshka, jumprelu } = saes;
  expect(() => checkedSae({ ...matryoshka!, group_sizes: [20, 41] } as Sae)).toThrow('groups of 61 latents');
  expect(() => checkedSae({ ...jumprelu!, threshold: new Float32Array(1) } as Sae)).toThrow(
    'threshold: 1 values',
  );
  expect(() => checkedSae({ ...plain, d_sae: 0 })).toThrow('d_sae = 0');
  expect(() =>
    checkedSae({ ...plain, d_out: 4, W_dec: new Float32Array(d_sae * 4), b_dec: new Float32Array(4) }),
  ).toThrow('b_dec of another width');
  const scale = { kind: 'expected_average_only_in', scale: 0 } as const;
  expect(() => checkedSae({ ...plain, normalisation: scale })).toThrow('scale = 0');
  const other = { ...gated!, r_mag: perLatent('other') } as Sae;
  expect(saeSha256(other)).not.toBe(saeSha256(gated!));
});
