import { expect, test } from 'vitest';
import { resolveRun } from '../../../../runner/config/resolve.ts';
import { suitesOf } from '../../../../runner/config/run-config.ts';
import { pooledBytes, readingsOf } from '../../../../runner/job/evaluation/pooled-memory.ts';

const settings = [
  'evaluation.probeTexts=100',
  'evaluation.probeTokens=10',
  'evaluation.setTrainTexts=20',
  'evaluation.setTestTexts=5',
  'evaluation.setTokens=4',
  'probing.sets=["topic","ag_news"]',
];

test('is what all texts take when no latent fires on two tokens of one', async () => {
  const config = await resolveRun([], { set: settings });
  const readings = readingsOf(config, suitesOf(config));
  // Topics of the small world, and of ag_news.
  const topics = 5 + 4;
  const narrow = { d_in: 8, d_sae: 1_000, k: 16 };
  const residuals = 4 * 8 * (2 * 100 + 25 * topics);
  expect(pooledBytes(readings, [narrow])).toBe(8 * (2 * 100 * 160 + 25 * topics * 64) + residuals);
  // As many as there are, where that is fewer, or where nothing is known.
  const all = 8 * 1_000 * (2 * 100 + 25 * topics) + residuals;
  expect(pooledBytes(readings, [{ ...narrow, k: null }])).toBe(all);
  expect(pooledBytes(readings, [{ ...narrow, k: 900 }, narrow])).toBe(all + pooledBytes(readings, [narrow]));
});

test('is nothing where no suite reads probe texts', async () => {
  const config = await resolveRun([], { set: [...settings, 'evaluation.suites=["core"]'] });
  const readings = readingsOf(config, suitesOf(config));
  expect(pooledBytes(readings, [{ d_in: 8, d_sae: 64, k: 4 }])).toBe(0);
});
