import { expect, test } from 'vitest';
import { resolveRun } from '../../../../runner/config/resolve.ts';
import { suitesOf } from '../../../../runner/config/run-config.ts';
import { evaluationNeeds, pooledBytes } from '../../../../runner/job/evaluation/pooled-memory.ts';
import { predictionBytes } from '../../../../runner/sae/predicting.ts';

const settings = [
  // Those that read texts.
  'evaluation.suites=["interpscore","core","k-sparse","tpp","scr"]',
  'evaluation.probeTexts=100',
  'evaluation.probeTokens=10',
  'evaluation.setTrainTexts=20',
  'evaluation.setTestTexts=5',
  'evaluation.setTokens=4',
  'probing.sets=["topic","ag_news"]',
];

test('is what all texts take when no latent fires on two tokens of one', async () => {
  const config = await resolveRun([], { set: [...settings, 'evaluation.controlTokens=0'] });
  const bytes = (saes: Parameters<typeof pooledBytes>[2]) => pooledBytes(config, suitesOf(config), saes);
  // Topics of the small world, and of ag_news.
  const topics = 5 + 4;
  const narrow = { d_in: 8, d_sae: 1_000, k: 16 };
  const residuals = 4 * 8 * (2 * 100 + 25 * topics);
  expect(bytes([narrow])).toBe(8 * (2 * 100 * 160 + 25 * topics * 64) + residuals);
  // As many as there are, where that is fewer, or where nothing is known.
  const all = 8 * 1_000 * (2 * 100 + 25 * topics) + residuals;
  expect(bytes([{ ...narrow, k: null }])).toBe(all);
  expect(bytes([{ ...narrow, k: 900 }, narrow])).toBe(all + bytes([narrow]));
});

test('is nothing where no suite reads probe texts', async () => {
  const config = await resolveRun([], { set: ['evaluation.suites=["core"]'] });
  expect(pooledBytes(config, suitesOf(config), [{ d_in: 8, d_sae: 64, k: 4 }])).toBe(0);
});

test('counts what the evidence of latents takes, whether or not texts are read', async () => {
  const config = await resolveRun([], { set: ['evaluation.suites=["features"]', 'suites.features.top=20'] });
  const bytes = (d_sae: number) => pooledBytes(config, suitesOf(config), [{ d_in: 8, d_sae, k: 4 }]);
  expect(bytes(2_000)).toBe(2 * bytes(1_000));
  // Counts and histogram of 160 bins; 26 contexts of 25 values with their places.
  expect(bytes(65_536)).toBeGreaterThan(65_536 * (4 * 160 + 26 * 4 * 25));
  expect(bytes(65_536)).toBeLessThan(2e9 / 4);
});

test('counts the latents of an untrained SAE beside each, where one is made', async () => {
  const made = { d_in: 8, d_sae: 1_000, k: 16 };
  const large = { d_in: 8_192, d_sae: 8_193, k: 16 };
  const controlled = await resolveRun([], { set: settings });
  const without = await resolveRun([], { set: [...settings, 'evaluation.controlTokens=0'] });
  const more = (sae: typeof made) =>
    pooledBytes(controlled, suitesOf(controlled), [sae]) - pooledBytes(without, suitesOf(without), [sae]);
  expect(more(made)).toBe(8 * (2 * 100 * 160 + 25 * (5 + 4) * 64));
  expect(more(large)).toBe(0);
  const unprobed = await resolveRun([], { set: [...settings, 'evaluation.untrainedProbes=false'] });
  expect(pooledBytes(unprobed, suitesOf(unprobed), [made])).toBe(
    pooledBytes(without, suitesOf(without), [made]),
  );
});

test('counts what a temporal SAE predicts with, on the device and on the host', async () => {
  const config = await resolveRun([], {
    set: ['evaluation.suites=[]', 'sae.batchTokens=8192', 'corpus.rowTokens=512'],
  });
  const plain = { d_in: 8, d_sae: 64, k: 4 };
  const temporal = { ...plain, context: { heads: 2, queries: [16, 16] } };
  const { program, squares, maps, kept, running } = predictionBytes(plain, temporal.context, {
    tokens: 8192,
    sequence: 512,
  });
  const needs = (saes: readonly (typeof plain)[], device: 'cpu' | 'cuda:0') => {
    const found = evaluationNeeds(config, suitesOf(config), saes, [device]);
    return { sizes: found.sizes, saes: found.saes, host: found.host! };
  };
  const without = needs([plain, plain], 'cpu');
  const [own] = without.sizes;
  expect(needs([plain, temporal], 'cpu')).toEqual({
    sizes: [own, own! + program + squares],
    saes: without.saes + program + squares + running,
    host: without.host + maps + kept,
  });
  // One of several computes at a time.
  const two = needs([temporal, temporal], 'cuda:0');
  expect(two.saes).toBe(without.saes + 2 * (program + squares) + running);
  expect(two.host).toBe(without.host + 2 * (maps + kept + squares));
});
