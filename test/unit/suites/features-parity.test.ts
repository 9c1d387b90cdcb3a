/** What latents fire on, against transformers, sae_lens and numpy (test/fixtures/features/make_features.py). */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { demoModelFolder } from '../../../runner/demo/index.ts';
import { openCheckpoint } from '../../../runner/lm/checkpoint.ts';
import { familyOf } from '../../../runner/lm/families/index.ts';
import { openLanguageModel } from '../../../runner/lm/open-language-model.ts';
import { openReadout } from '../../../runner/lm/readout.ts';
import { FiringTogether } from '../../../runner/metrics/firing-together.ts';
import { LatentEvidence } from '../../../runner/metrics/latent-evidence.ts';
import { featureIndex } from '../../../runner/report/features.ts';
import { loadSae } from '../../../runner/sae/checkpoints/load.ts';
import {
  type DecoderRows,
  decoderDirections,
  decoderRows,
  pickedRows,
} from '../../../runner/sae/directions.ts';
import { nearestRows } from '../../../runner/sae/nearest-rows.ts';
import { type OpenSae, openSae } from '../../../runner/sae/open-sae.ts';
import type { Latents } from '../../../runner/sae/sae.ts';
import { tokenWithin } from '../../../runner/suites/token-text.ts';
import { golden, NEAR, saeFolder } from '../../fixtures/features/golden.ts';

const { rows, tokens, d_sae, top, before, after } = golden;

let sae: OpenSae;
let directions: Float32Array;
let decoder: DecoderRows;
let latents: Latents;
const evidence = new LatentEvidence({ d_sae, top, sampled: 3, before, after, seed: 1 });
const together = new FiringTogether(rows * tokens);

beforeAll(async () => {
  const model = await openLanguageModel(await openCheckpoint(demoModelFolder), { hooks: [golden.block] });
  const batch = { ids: Int32Array.from(golden.ids), rows, tokens };
  const [residual] = await model.residuals(batch);
  await model.close();
  const loaded = await loadSae(saeFolder);
  directions = (await decoderDirections(loaded.sae)).rows!;
  decoder = decoderRows(loaded.sae).rows!;
  sae = await openSae(loaded.sae);
  latents = await sae.encode(residual!, rows * tokens);
  // In two batches, as a run would have them.
  const half = Math.floor(rows / 2);
  for (const [from, to] of [
    [0, half],
    [half, rows],
  ] as const) {
    const { k } = latents;
    evidence.add({
      rows: to - from,
      tokens,
      ids: batch.ids.slice(from * tokens, to * tokens),
      k,
      indices: latents.indices.slice(from * tokens * k, to * tokens * k),
      values: latents.values.slice(from * tokens * k, to * tokens * k),
    });
  }
  evidence.end();
  together.add(latents, rows * tokens);
});
afterAll(() => sae.close());

const near = (found: number, expected: number, bound: number): void =>
  expect(Math.abs(found - expected)).toBeLessThan(bound);

test('counts, means, maxima and histograms', () => {
  golden.latents.forEach(({ fires, rows: in_rows, mean, max, histogram }, latent) => {
    const facts = evidence.factsOf(latent);
    expect([facts.fires, facts.rows]).toEqual([fires, in_rows]);
    near(facts.mean, mean, NEAR);
    near(facts.max, max, NEAR);
    const counts = [...evidence.histogramOf(latent)].flatMap((count, bin) =>
      count > 0 ? [[bin, count]] : [],
    );
    expect(Object.fromEntries(counts)).toEqual(histogram);
  });
});

test('the strongest contexts, each text once, with the values around the peak', () => {
  golden.latents.forEach(({ contexts }, latent) => {
    const found = evidence.topOf(latent);
    expect(found.map(({ row, position, start }) => ({ row, position, start }))).toEqual(
      contexts.map(({ row, position, start }) => ({ row, position, start })),
    );
    found.forEach(({ values }, i) => {
      expect(values.length).toBe(contexts[i]!.values.length);
      values.forEach((value, at) => {
        near(value, contexts[i]!.values[at]!, NEAR);
      });
    });
  });
});

test('logit effects of decoder rows', async () => {
  const checkpoint = await openCheckpoint(demoModelFolder);
  const most = golden.latents[0]!.raised.length;
  const readout = await openReadout(checkpoint, familyOf(checkpoint), { most });
  const found = await readout.effects(directions);
  await readout.close();
  golden.latents.forEach(({ raised, lowered }, latent) => {
    for (const [ours, theirs] of [
      [found[latent]!.raised, raised],
      [found[latent]!.lowered, lowered],
    ] as const) {
      expect([...ours.ids]).toEqual(theirs.map(([id]) => id));
      ours.values.forEach((value, i) => {
        near(value, theirs[i]![1], 1e-5);
      });
    }
  });
});

test.each([4_096, 8])('nearest decoder rows, in blocks of %i', async (blockRows) => {
  const all = golden.latents.map((_, latent) => latent);
  const most = golden.latents[0]!.near.length;
  const found = await nearestRows(decoder, all, most, { blockRows });
  expect(await nearestRows(decoder, all, most, { blockRows, picked: directions })).toEqual(found);
  golden.latents.forEach(({ near: theirs }, latent) => {
    expect(found[latent]!.map(({ latent: other }) => other)).toEqual(theirs.map(([other]) => other));
    found[latent]!.forEach(({ cosine }, i) => {
      near(cosine, theirs[i]![1], 1e-6);
    });
  });
});

test('a row of zeros is nobody’s neighbour and has none', async () => {
  const rows = Float32Array.of(1, 0, 0, 0, -1, 0.1, 2, 2);
  const found = await nearestRows(
    { d_sae: 4, d: 2, block: async (from, to) => rows.subarray(2 * from, 2 * to) },
    [0, 1, 3],
    5,
  );
  expect(found.map((each) => each.map(({ latent }) => latent))).toEqual([[3, 2], [], [0, 2]]);
  expect(found[0]![0]!.cosine).toBeCloseTo(Math.SQRT1_2, 6);
});

test('rows of a decoder, picked out of blocks, are those of the whole', async () => {
  const { d_sae, d } = decoder;
  const read: number[] = [];
  const counted = {
    ...decoder,
    block: (from: number, to: number) => decoder.block(from, read[read.push(to) - 1]!),
  };
  const asked = [d_sae - 1, 0, 3];
  const picked = await pickedRows(counted, asked);
  asked.forEach((latent, i) => {
    expect(picked.subarray(i * d, (i + 1) * d)).toEqual(directions.subarray(latent * d, (latent + 1) * d));
  });
  expect(read).toEqual([d_sae]);
});

test('latents that fire on the same tokens', () => {
  const all = golden.latents.map((_, latent) => latent);
  const found = together.of(all, d_sae, d_sae);
  golden.latents.forEach(({ beside, fires }, latent) => {
    const expected = Object.entries(beside).map(([other, both]) => {
      const either = fires + golden.latents[Number(other)]!.fires - both;
      return { latent: Number(other), jaccard: both / either };
    });
    expect(found[latent]).toEqual(expected.sort((a, b) => b.jaccard - a.jaccard || a.latent - b.latent));
  });
});

test('drawn contexts are of rows where the latent fires, and not those shown as the strongest', () => {
  let drawn = 0;
  for (let latent = 0; latent < d_sae; latent++) {
    const strongest = evidence.topOf(latent).map(({ row }) => row);
    for (const { row, position, value } of evidence.sampledOf(latent)) {
      drawn++;
      expect(strongest).not.toContain(row);
      const slots = Array.from(
        { length: latents.k },
        (_, slot) => (row * tokens + position) * latents.k + slot,
      );
      const slot = slots.find((each) => latents.indices[each] === latent)!;
      expect(latents.values[slot]).toBe(value);
    }
  }
  expect(drawn).toBeGreaterThan(50);
});

test('a token that its decoder strips when it stands alone keeps its space', () => {
  const texts = ['<s>', 'the', ' the', ''];
  const decode = (ids: readonly number[]): string =>
    ids
      .map((id) => texts[id])
      .join('')
      .replace(/^ /, '');
  const textOf = tokenWithin({ decode, size: texts.length, special: new Set([0]) })!;
  expect([1, 2, 3].map(textOf)).toEqual(['the', ' the', '']);
});

test('a budget of gigabytes is a budget', () => {
  expect(featureIndex.shape.budget.safeParse(2 ** 31).success).toBe(true);
});

test('of stretches of the same tokens the strongest is kept, and stretches that differ before or after are two', () => {
  const of = (...texts: number[][]): number[] => {
    const once = new LatentEvidence({ d_sae: 1, top: 5, sampled: 0, before: 2, after: 1, seed: 1 });
    const values = texts.flatMap((_, row) => [0, 0, 1 + row, 0]);
    once.add({
      ids: Int32Array.from(texts.flat()),
      rows: texts.length,
      tokens: 4,
      k: 1,
      indices: new Int32Array(4 * texts.length),
      values: Float32Array.from(values),
    });
    once.end();
    return once.topOf(0).map(({ row }) => row);
  };
  expect(of([1, 2, 3, 4], [1, 2, 3, 4])).toEqual([1]);
  expect(of([1, 2, 3, 4], [9, 2, 3, 4])).toEqual([1, 0]);
  expect(of([1, 2, 3, 4], [1, 2, 3, 9])).toEqual([1, 0]);
});
