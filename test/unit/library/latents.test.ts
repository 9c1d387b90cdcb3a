/** Latents of one's own text, against transformers, sae_lens and numpy (test/fixtures/features) and against the suite. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { UserError } from '../../../runner/errors.ts';
import {
  type EncodedText,
  encodeText,
  logitEffects,
  nearestLatents,
  topContexts,
} from '../../../runner/library/latents.ts';
import { openModel, type TextModel } from '../../../runner/library/open-model.ts';
import { LatentEvidence } from '../../../runner/metrics/latent-evidence.ts';
import { loadSae } from '../../../runner/sae/checkpoints/load.ts';
import { type OpenSae, openSae } from '../../../runner/sae/open-sae.ts';
import type { Sae } from '../../../runner/sae/sae.ts';
import { golden, NEAR, saeFolder } from '../../fixtures/features/golden.ts';

const { rows, tokens, top, before, after, d_sae } = golden;

let model: TextModel;
let weights: Sae;
let sae: OpenSae;
const texts: EncodedText[] = [];

beforeAll(async () => {
  model = await openModel(null, { hooks: [golden.block] });
  weights = (await loadSae(saeFolder)).sae;
  sae = await openSae(weights);
  for (let row = 0; row < rows; row++)
    texts.push(await encodeText(sae, model, golden.ids.slice(row * tokens, (row + 1) * tokens)));
});
afterAll(async () => {
  await sae.close();
  await model.close();
});

test('contexts, rates and means as Python finds them', () => {
  const found = topContexts(sae, texts, { latents: golden.latents.map((_, i) => i), top, before, after });
  golden.latents.forEach((expected, latent) => {
    const { fires, rate, mean, max, contexts } = found[latent]!;
    expect([fires, rate]).toEqual([expected.fires, expected.fires / (rows * tokens)]);
    expect(Math.abs(mean - expected.mean)).toBeLessThan(NEAR);
    expect(Math.abs(max - expected.max)).toBeLessThan(NEAR);
    expect(contexts.map(({ text, position, start }) => ({ row: text, position, start }))).toEqual(
      expected.contexts.map(({ row, position, start }) => ({ row, position, start })),
    );
    contexts.forEach(({ values, ids, tokens: words }, i) => {
      const theirs = expected.contexts[i]!;
      expect([values.length, ids.length, words.length]).toEqual(Array(3).fill(theirs.values.length));
      values.forEach((value, at) => {
        expect(Math.abs(value - theirs.values[at]!)).toBeLessThan(NEAR);
      });
    });
  });
});

test('the same numbers as the suite gathers, bit for bit', () => {
  const evidence = new LatentEvidence({ d_sae, top, sampled: 0, before, after, seed: 1 });
  for (const { ids, k, indices, values } of texts)
    evidence.add({ ids: Int32Array.from(ids), rows: 1, tokens, k, indices, values });
  evidence.end();
  const found = topContexts(sae, texts, { top, before, after });
  expect(found.map(({ latent }) => latent)).toEqual(evidence.alive());
  for (const { latent, contexts, mean, max } of found) {
    expect({ mean, max }).toEqual({ mean: evidence.factsOf(latent).mean, max: evidence.factsOf(latent).max });
    expect(
      contexts.map(({ text: row, position, value, start, values }) => ({
        row,
        position,
        value,
        start,
        values,
      })),
    ).toEqual(evidence.topOf(latent));
  }
});

test('texts of several lengths: a stretch ends where its text does', async () => {
  const said = ['The cook put the kettle on the stove.', 'Tuesday.', 'She read the letter by the window.'];
  const encoded: EncodedText[] = [];
  for (const each of said) encoded.push(await encodeText(sae, model, each));
  expect(encoded.map((each) => each.tokens.join(''))).toEqual(said);
  for (const { latent, contexts, fires } of topContexts(sae, encoded)) {
    let counted = 0;
    for (const { ids, k, indices, values } of encoded)
      for (let slot = 0; slot < ids.length * k; slot++)
        if (indices[slot] === latent && values[slot]! > 0) counted++;
    expect(fires).toBe(counted);
    for (const { text, position, start, ids, values, value } of contexts) {
      expect(ids).toEqual(encoded[text]!.ids.slice(start, start + ids.length));
      expect(start + ids.length).toBe(Math.min(encoded[text]!.ids.length, position + 1 + 8));
      expect([values[position - start], values.length]).toEqual([value, ids.length]);
    }
  }
});

test('logit effects and neighbours of chosen latents as Python finds them', async () => {
  const latents = [90, 3, 17];
  const most = golden.latents[0]!.raised.length;
  const effects = await logitEffects(weights, model, { latents, most });
  const near = await nearestLatents(weights, latents, golden.latents[0]!.near.length);
  latents.forEach((latent, i) => {
    const expected = golden.latents[latent]!;
    expect(effects[i]!.latent).toBe(latent);
    for (const end of ['raised', 'lowered'] as const) {
      expect(effects[i]![end].map(({ id }) => id)).toEqual(expected[end].map(([id]) => id));
      effects[i]![end].forEach(({ value }, place) => {
        expect(Math.abs(value - expected[end][place]![1])).toBeLessThan(1e-5);
      });
    }
    expect(near[i]!.map((each) => each.latent)).toEqual(expected.near.map(([other]) => other));
  });
});

test('what cannot be is refused in a line', async () => {
  await expect(logitEffects(weights, model, { latents: [d_sae] })).rejects.toThrow(UserError);
  await expect(logitEffects(weights, model, { latents: [0.5] })).rejects.toThrow('a whole number below 96');
  await expect(encodeText({ ...sae, d_in: 64 }, model, 'a')).rejects.toThrow('width 64');
  await expect(encodeText(sae, model, [])).rejects.toThrow('one token at least');
  expect(() => topContexts(sae, texts, { latents: [-1] })).toThrow(UserError);
});
