import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { demoModelFolder, demoRow } from '../../../../runner/demo/index.ts';
import { observeCore } from '../../../../runner/evaluation/core-pass.ts';
import { type CachedResults, type HookSaes, observe } from '../../../../runner/evaluation/observation.ts';
import { openContentCache } from '../../../../runner/io/content-cache.ts';
import { openCheckpoint } from '../../../../runner/lm/checkpoint.ts';
import type { LanguageModel, TokenBatch } from '../../../../runner/lm/language-model.ts';
import { openLanguageModel } from '../../../../runner/lm/open-language-model.ts';
import { meanOfTokens } from '../../../../runner/metrics/activations.ts';
import { resampleRows } from '../../../../runner/metrics/bootstrap.ts';
import { type HookTables, hookStatistics } from '../../../../runner/metrics/hook-statistics.ts';
import type { Statistic } from '../../../../runner/metrics/statistic.ts';
import { varExpSaeBench06 } from '../../../../runner/metrics/variance-explained.ts';
import { readRelease } from '../../../../runner/sae/checkpoints/reference-release.ts';
import { type OpenSae, openSae } from '../../../../runner/sae/open-sae.ts';
import { coreSuite } from '../../../../runner/suites/core/core.ts';
import {
  type ReconstructionDefinition,
  reconstructionSuite,
} from '../../../../runner/suites/reconstruction.ts';
import { beginningToken, bosRows, specialTokens } from '../../../../runner/text/bos-rows.ts';
import { loadTokenizer } from '../../../../runner/text/tokenizer.ts';
import golden from '../../../fixtures/saebench/core.json' with { type: 'json' };
import { parityTable } from './parity.ts';

const { compared, check } = parityTable('core');

const { layer, rowTokens, batchRows, rows, downstream, variance } = golden;
const resamples = resampleRows(rows.length, { count: 200 });
const special = new Set(golden.special);
const batches = Array.from(
  { length: rows.length / batchRows },
  (_, b): TokenBatch => ({
    ids: Int32Array.from(rows.slice(b * batchRows, (b + 1) * batchRows).flat()),
    rows: batchRows,
    tokens: rowTokens,
  }),
);

let model: LanguageModel;
let sae: OpenSae;
let hooks: HookSaes[];

beforeAll(async () => {
  const checkpoint = await openCheckpoint(demoModelFolder);
  model = await openLanguageModel(checkpoint, { hooks: [layer], maxTokens: rowTokens, divergence: true });
  const folder = fileURLToPath(new URL('../../../fixtures/saebench/sae/', import.meta.url));
  sae = await openSae((await readRelease(folder, layer)).sae);
  hooks = [{ ...model.hooks[0]!, d: model.dModel, saes: [sae] }];
}, 600_000);

afterAll(async () => {
  await sae.close();
  await model.close();
});

const numberOf = (statistic: Statistic): number => {
  if (statistic.value === null) throw new Error(statistic.reason);
  return statistic.value;
};

/** Statistics of the tokens that are not special, of some of the batches. */
async function tables(of: readonly TokenBatch[]): Promise<HookTables> {
  const d = model.dModel;
  const statistics = hookStatistics(d, [sae.d_sae]);
  for (const [pass, batch] of of.entries()) {
    const x = (await model.residuals(batch))[0]!;
    const all = await sae.reconstruct(x, batch.rows * batch.tokens);
    const kept = Uint8Array.from(batch.ids, (id) => (special.has(id) ? 0 : 1));
    const passMean = meanOfTokens(x, d, kept);
    for (let row = 0; row < batch.rows; row++) {
      const [from, to] = [row * batch.tokens, (row + 1) * batch.tokens];
      const part = (values: Float32Array, width: number) => values.subarray(from * width, to * width);
      statistics.add({ x: part(x, d), tokens: batch.tokens, kept: kept.subarray(from, to), pass, passMean }, [
        {
          reconstruction: part(all.reconstruction, d),
          latents: {
            k: all.k,
            indices: all.indices.subarray(from * all.k, to * all.k),
            values: part(all.values, all.k),
          },
        },
      ]);
    }
  }
  return statistics.tables();
}

it('a document that begins with the token already is given no second one', async () => {
  const found: number[][] = [];
  for await (const { row } of bosRows([[9, 1, 2], [3], [9, 4, 5, 6]], 9, 4)) found.push(Array.from(row));
  expect(found).toEqual([
    [9, 1, 2, 9],
    [9, 3, 9, 4],
  ]);
});

describe('against SAEBench’s core evaluation and SAELens', () => {
  it('packs the same rows', async () => {
    const tokenizer = await loadTokenizer(demoModelFolder);
    const begin = beginningToken(tokenizer)!;
    expect(begin).toEqual({ id: golden.begin, name: 'EOS' });
    expect([...specialTokens(tokenizer)].sort((a, b) => a - b)).toEqual(golden.special);
    const documents = Array.from({ length: golden.documents }, (_, i) =>
      tokenizer.encode(demoRow('prose', 7, i).text, { specialTokens: false }),
    );
    const found: number[][] = [];
    for await (const { row } of bosRows(documents, begin.id, rowTokens)) found.push(Array.from(row));
    compared('rows of 128 tokens', 'SAELens, concat_and_batch_sequences', 0, [
      [found.slice(0, rows.length).flat(), rows.flat()],
    ]);
  });

  it('gives the same losses and divergences', async () => {
    const observation = await observeCore(hooks, batches, special);
    const reporter = { progress: () => undefined, note: () => undefined, stopRequested: () => false };
    await observe(model, [observation], async () => ({ reporter }));
    const found = coreSuite(observation.result().tables[0]![0]!, resamples).statistics;
    const original = 'get_downstream_reconstruction_metrics';
    compared('loss_clean, loss_sae, loss_zero@saebench-core', original, 1e-4, [
      [
        [
          numberOf(found['loss_clean@saebench-core']),
          numberOf(found['loss_sae@saebench-core']),
          numberOf(found['loss_zero@saebench-core']),
        ],
        [downstream.ce_loss_without_sae, downstream.ce_loss_with_sae, downstream.ce_loss_with_ablation],
      ],
    ]);
    const increase = found['loss_increase@v1'];
    expect(numberOf(increase)).toBeCloseTo(downstream.ce_loss_with_sae - downstream.ce_loss_without_sae, 4);
    // Formed in each resample: both losses share their rows.
    if (increase.value === null) throw new Error(increase.reason);
    expect(increase.samples.length).toBe(resamples.count);
    compared('kl_sae, kl_zero@saebench-core', original, 1e-4, [
      [
        [numberOf(found['kl_sae@saebench-core']), numberOf(found['kl_zero@saebench-core'])],
        [downstream.kl_div_with_sae, downstream.kl_div_with_ablation],
      ],
    ]);
    compared('loss_recovered@saebench-core', original, 1e-4, [
      [[numberOf(found['loss_recovered@saebench-core'])], [downstream.ce_loss_score]],
    ]);
    compared('kl_recovered@saebench-core', original, 1e-4, [
      [[numberOf(found['kl_recovered@saebench-core'])], [downstream.kl_div_score]],
    ]);
  });

  it('keeps what zero ablation ends in, which no SAE decides: no second pass, the same table', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'interpboard-core-'));
    const cache = await openContentCache(folder, 2 ** 20, 'test program');
    const kept = { cache, identity: 'test' };
    const reporter = { progress: () => undefined, note: () => undefined, stopRequested: () => false };
    let divergences = 0;
    const counting: LanguageModel = {
      ...model,
      finishDivergence(residual, clean, batch) {
        divergences++;
        return model.finishDivergence(residual, clean, batch);
      },
    };
    const measured = async (each: CachedResults | undefined) => {
      divergences = 0;
      const observation = await observeCore(hooks, batches, special, each);
      await observe(counting, [observation], async () => ({ reporter }));
      const found = observation.result();
      await cache.settled();
      return { found, divergences };
    };
    try {
      const without = await measured(undefined);
      expect(await measured(kept)).toEqual(without);
      expect(await measured(kept)).toEqual({
        found: without.found,
        divergences: without.divergences / 2,
      });
      expect(await measured({ cache, identity: 'another model' })).toEqual(without);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it('gives the same reconstruction statistics', async () => {
    const all = await tables(batches);
    const found = reconstructionSuite(all, resamples)[0]!;
    const value = (id: ReconstructionDefinition): number => numberOf(found.statistics[id]);
    const original = 'get_sparsity_and_variance_metrics';
    compared('var_exp@pooled-v1', 'SAELens, ExplainedVarianceCalculator', 1e-4, [
      [[value('var_exp@pooled-v1')], [golden.pooled]],
    ]);
    compared('var_exp@saebench-legacy', original, 1e-4, [
      [[value('var_exp@saebench-legacy')], [variance.explained_variance_legacy]],
    ]);
    const defect = numberOf(varExpSaeBench06(all.activations, all.saes[0]!.reconstruction, resamples));
    compared('var_exp@saebench-0.6 (not centred)', original, 1e-4, [
      [[defect], [variance.explained_variance]],
    ]);
    // Both numbers of one definition and one SAE: what it names explained variance is not.
    expect(value('var_exp@pooled-v1') - defect).toBeGreaterThan(0.1);
    compared('cosine@v1, l2_ratio@v1', original, 1e-4, [
      [
        [value('cosine@v1'), value('l2_ratio@v1')],
        [variance.cossim, variance.l2_ratio],
      ],
    ]);
    compared('l0@v1', original, 1e-4, [[[value('l0@v1')], [variance.l0]]]);
    const tokens = all.activations.tokens.reduce((sum, each) => sum + each, 0);
    compared('density@v1', original, 1e-6, [
      [Array.from(all.saes[0]!.firing!.firings, (firings) => firings / tokens), golden.density],
    ]);
  });

  it('differs where SAEBench averages over batches, and only there', async () => {
    const ofBatch = resampleRows(batchRows, { count: 2 });
    const parts = [];
    for (const batch of batches) parts.push(await tables([batch]));
    const total = parts.reduce(
      (sum, { activations }) => sum + activations.tokens.reduce((a, b) => a + b, 0),
      0,
    );
    const each = parts.map((part) => {
      const { metrics } = reconstructionSuite(part, ofBatch)[0]!;
      const tokens = part.activations.tokens.reduce((a, b) => a + b, 0);
      return { bias: metrics['bias@gated-v1'].value!, mse: metrics['mse@per-dim-v1'].value!, tokens };
    });
    compared('bias@gated-v1, mean over batches', 'get_sparsity_and_variance_metrics', 1e-4, [
      [
        [each.reduce((sum, { bias }) => sum + bias / each.length, 0)],
        [variance.relative_reconstruction_bias],
      ],
    ]);
    // Its mse is the mean over tokens of ‖e‖² over the tokens of the batch, where ours is over the dimensions.
    compared('mse@per-dim-v1 · d / tokens of the batch', 'get_sparsity_and_variance_metrics', 1e-4, [
      [[each.reduce((sum, { mse }) => sum + mse * model.dModel, 0) / total], [variance.mse]],
    ]);
  });
});

it('is the table of the fixtures’ README', () => check());
