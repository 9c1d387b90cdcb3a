import { describe, expect, it } from 'vitest';
import { random } from '../../../runner/math/random.ts';
import { decoderDirections } from '../../../runner/sae/directions.ts';
import { decode } from '../../../runner/sae/reference.ts';
import type { Normalisation, TopKSae } from '../../../runner/sae/sae.ts';

const d = 5;
const n = 8;
const stream = random('directions');
const draw = (length: number): Float32Array => Float32Array.from({ length }, () => stream.gaussian());

function saeOf(normalisation: Normalisation, rescale: boolean): TopKSae {
  return {
    architecture: 'topk',
    d_in: d,
    d_sae: n,
    k: 2,
    rescale_acts_by_decoder_norm: rescale,
    apply_b_dec_to_input: true,
    normalisation,
    W_enc: draw(d * n),
    W_dec: draw(n * d),
    b_enc: draw(n),
    b_dec: draw(d),
  };
}

describe('decoderDirections', () => {
  it.each([
    ['plain', { kind: 'none' }, false],
    ['decoder norms divided out', { kind: 'none' }, true],
    ['one scale for all tokens', { kind: 'expected_average_only_in', scale: 2.5 }, false],
    ['both', { kind: 'expected_average_only_in', scale: 0.5 }, true],
  ] as const)(
    '%s: what a latent set to zero takes from the reconstruction',
    async (_, normalisation, rescale) => {
      const sae = saeOf(normalisation, rescale);
      const { rows } = await decoderDirections(sae);
      const x = draw(d);
      const both = { k: 2, values: Float32Array.of(3, 1.5), indices: Int32Array.of(6, 1) };
      const without = { ...both, values: Float32Array.of(0, 1.5) };
      const whole = decode(sae, both, 1, x);
      const left = decode(sae, without, 1, x);
      for (let i = 0; i < d; i++) expect(whole[i]! - left[i]!).toBeCloseTo(3 * rows![6 * d + i]!, 5);
    },
  );

  it.each(['layer_norm', 'constant_norm_rescale'] as const)('%s: none, and why', async (kind) => {
    expect(await decoderDirections(saeOf({ kind }, false))).toEqual({
      rows: null,
      reason: `the SAE undoes a normalisation of each token (${kind}), so a latent has no one direction`,
    });
  });

  it('of a transcoder those of what it reconstructs, which gets no norm of a token back', async () => {
    const b_dec = draw(3);
    const wide = { ...saeOf({ kind: 'layer_norm' }, false), d_out: 3, W_dec: draw(n * 3), b_dec };
    const { rows } = await decoderDirections({ ...wide, apply_b_dec_to_input: false });
    expect(rows).toEqual(wide.W_dec);
  });
});
