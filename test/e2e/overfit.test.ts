/** The check before a long run: one batch, over and over, with a plain verdict and an exit code. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Outcome, runProgram, settingWords } from './program.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'interpboard-overfit-test-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function overfit(settings: Record<string, string> = {}, ...words: string[]): Promise<Outcome> {
  const places = ['runs', 'content', 'out'].map((each) => `--${each}=${join(folder, each)}`);
  // What it leaves would lie in one of these.
  return runProgram(
    ['eval', 'small-world-quick', '--overfit-one-batch', ...places, ...settingWords(settings), ...words],
    { TMPDIR: folder },
  );
}

describe('eval --overfit-one-batch', () => {
  it('passes for recipes that work, a line per SAE, and leaves nothing behind', async () => {
    const { code, out, err } = await overfit({
      'sweep.architecture': '["topk","batchtopk"]',
      layers: '[0,4]',
      // What a run would need and this does not.
      'upload.repository': 'lab/nowhere',
      'training.shuffle.megabytes': '64',
    });
    expect({ code, err }, out).toEqual({ code: 0, err: '' });
    for (const id of ['L0_topk', 'L4_batchtopk'])
      expect(out).toMatch(
        new RegExp(
          `^${id} +learned \\(var_exp 0\\.\\d+ to 0\\.9[89]\\d, loss .* in \\d+ steps on 64 tokens\\)$`,
          'm',
        ),
      );
    expect(out).toContain('overfit-one-batch: passed: 4 of 4 SAEs learned a batch by heart');
    expect(await readdir(folder)).toEqual([]);
  });

  it.each([
    ['too low', '1e-9', /L2 +FAILED, the loss does not move/],
    ['absurdly high', '1', /L2 +FAILED, the loss does not fall/],
  ])('fails with exit code 1 where the learning rate is %s', async (_, rate, line) => {
    const { code, out, err } = await overfit(
      { 'sae.learningRate': rate, 'sae.learningRateFloor': '0' },
      '--layers=2',
    );
    expect({ code, err }).toEqual({ code: 1, err: '' });
    expect(out).toMatch(line);
    expect(out).toContain('overfit-one-batch: failed for L2');
    expect(await readdir(folder)).toEqual([]);
  });

  it('is refused where nothing is trained', async () => {
    const { code, err } = await overfit({ train: 'false', saes: '["./none"]' });
    expect(code).toBe(2);
    expect(err).toMatch(/^error: --overfit-one-batch: found a run that trains no SAE; .*\n$/);
  });
});
