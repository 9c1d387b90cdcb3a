import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openRelease, writeRelease } from '../../../runner/sae/checkpoints/reference-release.ts';
import {
  type Comparer,
  comparisonOperations,
  type DecoderRows,
  openComparer,
} from '../../../runner/sae/decoder-similarity.ts';
import { type Sae, topKSae } from '../../../runner/sae/sae.ts';
import golden from '../../fixtures/similarity/similarity.json' with { type: 'json' };

const { d } = golden;

function saeOf(rows: readonly number[]): Sae {
  const d_sae = rows.length / d;
  return topKSae({
    d_in: d,
    d_sae,
    k: 2,
    W_dec: Float32Array.from(rows),
    W_enc: new Float32Array(rows.length),
    b_enc: new Float32Array(d_sae),
    b_dec: new Float32Array(d),
  });
}

const a: DecoderRows = { sae: saeOf(golden.a), kept: Uint8Array.from(golden.kept_a) };
const b: DecoderRows = { sae: saeOf(golden.b), kept: Uint8Array.from(golden.kept_b) };

/** Of the latents that take part, in their order. */
const ofKept = ({ kept }: DecoderRows, nearest: Float32Array) => [...nearest].filter((_, i) => kept[i] === 1);

function expectNear(found: readonly number[], wanted: readonly number[]): void {
  expect(found).toHaveLength(wanted.length);
  expect(Math.max(...found.map((each, i) => Math.abs(each - wanted[i]!)))).toBeLessThan(1e-6);
}

describe.each([
  ['one block', undefined],
  ['many blocks', 7],
])('the greatest cosine of each latent, in %s', (_name, blockRows) => {
  let comparer: Comparer;
  beforeAll(async () => {
    comparer = await openComparer({ threads: 1 }, blockRows);
  });
  afterAll(() => comparer.close());

  it('with another SAE is numpy’s, either way round', async () => {
    let spent = 0;
    const { first, second } = await comparer.nearest(a, b, (operations) => {
      spent += operations;
    });
    expectNear(ofKept(a, first), golden.pairs['a in b'].nearest);
    expectNear(ofKept(b, second), golden.pairs['b in a'].nearest);
    expect(
      [...first].filter((_, i) => a.kept[i] === 0).every((each) => each === Number.NEGATIVE_INFINITY),
    ).toBe(true);
    expect(spent).toBe(comparisonOperations(a, b, d));
  });

  it('with itself leaves the latent out', async () => {
    const { first, second } = await comparer.nearest(a, a);
    expect(second).toBe(first);
    expectNear(ofKept(a, first), golden.pairs['a in a'].nearest);
  });

  it('signs count: a direction turned round is no twin', async () => {
    const turned = { ...a, sae: saeOf(golden.a.map((each) => -each)) };
    const { first } = await comparer.nearest(a, turned);
    expect(Math.max(...ofKept(a, first))).toBeLessThan(0.95);
  });
});

describe('an SAE in its file', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'interpboard-similarity-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('is compared where it lies, block by block', async () => {
    const details = {
      k_aux: 1,
      alpha_aux: 0,
      hook_name: 'resid_post',
      model_name: 'none',
      tokens_seen: 0,
      step: 0,
    };
    await writeRelease(folder, 'L0', { sae: a.sae as Sae, details }, 'F32');
    const file = await openRelease(folder, 'L0');
    const comparer = await openComparer({ threads: 1 }, 11);
    try {
      const { first } = await comparer.nearest({ sae: file.sae, kept: a.kept }, b);
      expectNear(ofKept(a, first), golden.pairs['a in b'].nearest);
    } finally {
      await comparer.close();
      await file.close();
    }
  });
});
