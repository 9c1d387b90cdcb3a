/** Documents from the packed text to the intervals: what is drawn together at the end is what was one text at the start. */
import { describe, expect, it } from 'vitest';
import { resolveRun } from '../../../runner/config/resolve.ts';
import { demoModelFolder } from '../../../runner/demo/index.ts';
import { controlsPart } from '../../../runner/evaluation/controls.ts';
import { evaluate, type RunningSuite } from '../../../runner/evaluation/evaluate.ts';
import { documentsOf } from '../../../runner/evaluation/observation.ts';
import type { HookMeasured } from '../../../runner/evaluation/token-pass.ts';
import { coreBatches, evaluationText } from '../../../runner/job/evaluation/heldout-text.ts';
import { random } from '../../../runner/math/random.ts';
import { resampleRows } from '../../../runner/metrics/bootstrap.ts';
import type { CoreTable } from '../../../runner/metrics/core-losses.ts';
import { hookStatistics } from '../../../runner/metrics/hook-statistics.ts';
import type { Measure } from '../../../runner/report/schema.ts';
import { core as coreSuite } from '../../../runner/suites/core/suite.ts';
import { reconstructionSuite } from '../../../runner/suites/reconstruction.ts';
import type { SplicedLosses, SuiteContext } from '../../../runner/suites/suite.ts';
import { loadTokenizer } from '../../../runner/text/tokenizer.ts';

const ROWS = 32;
const PER_DOCUMENT = 4;
const WIDTH = 6;
const documents = Array.from({ length: ROWS }, (_, row) => 3 + Math.floor(row / PER_DOCUMENT));
const draws = { resamples: 300, seed: 5 };

/** One SAE at one hook over rows that are alike within a document. */
function measured(of: number[] | undefined): HookMeasured {
  const stream = random('documents');
  const statistics = hookStatistics(WIDTH, [40]);
  const columns = { clean: [] as number[], sae: [] as number[], zero: [] as number[] };
  let hard = 1;
  let latent = 0;
  for (let row = 0; row < ROWS; row++) {
    if (row % PER_DOCUMENT === 0) {
      hard = Math.exp(0.5 * stream.gaussian());
      latent = stream.integer(40);
    }
    const x = Float32Array.from({ length: 4 * WIDTH }, () => stream.gaussian());
    const reconstruction = x.map((value) => value + 0.3 * hard * stream.gaussian());
    const indices = Int32Array.from({ length: 4 }, () => latent);
    const latents = { k: 1, indices, values: new Float32Array(4).fill(1) };
    const document = of?.[row];
    statistics.add({ x, tokens: 4, ...(document !== undefined && { document }) }, [
      { reconstruction, latents },
    ]);
    columns.clean.push(2);
    columns.sae.push(2 + hard);
    columns.zero.push(9 + stream.gaussian());
  }
  const [clean, sae, zero] = [columns.clean, columns.sae, columns.zero].map((each) =>
    Float64Array.from(each),
  );
  const losses = { predictions: new Float64Array(ROWS).fill(1), clean: clean!, sae: sae!, zero: zero! };
  return { layer: 0, site: 'resid_post', documents: of, tables: statistics.tables(), losses: [losses] };
}

/** The suite of the core losses over the same rows. */
async function core(of: number[] | undefined): Promise<RunningSuite> {
  const { clean, sae, zero, predictions } = measured(of).losses![0]!;
  const table: CoreTable = {
    clean,
    sae,
    zero,
    predictions,
    positions: predictions,
    klSae: sae,
    klZero: zero,
  };
  const losses: SplicedLosses = {
    documents: () => of,
    tables: { at: () => [table] },
    text: { rows: ROWS, row_tokens: 2, tokens: 2 * ROWS, counted_positions: ROWS },
    names: null,
    begin: 'BOS',
  };
  const context: Partial<SuiteContext> = { draws, splicedLosses: async () => losses };
  const run = await coreSuite.begin(context as SuiteContext, { coreTokens: 2 * ROWS });
  return { suite: coreSuite, run: run! };
}

async function evaluated(of: number[] | undefined) {
  const [found] = await evaluate([measured(of)], [await core(of)], null, {
    draws,
    pairEvery: false,
    pairing: { tokens: 'a'.repeat(64), probes: 'b'.repeat(64) },
    directions: async () => ({ rows: null, reason: 'not part of this test' }),
    decoder: () => ({ rows: null, reason: 'not part of this test' }),
    sha256: () => 'c'.repeat(64),
  });
  return found!;
}

const widthOf = (measure: Measure | undefined): number => {
  if (measure?.value == null || measure.interval === null) throw new Error('no interval');
  return measure.interval.high - measure.interval.low;
};

describe('documents', () => {
  it('number the rows of the evaluation text and of the core rows, in order and several a text', async () => {
    const config = await resolveRun(['small-world-quick'], { set: ['evaluation.tokens=8192'] });
    const tokenizer = await loadTokenizer(demoModelFolder);
    const silent = { progress: () => undefined, note: () => undefined, stopRequested: () => false };
    const text = await evaluationText(config, tokenizer, silent);
    const begin = tokenizer.bosTokenId ?? tokenizer.eosTokenId!;
    const core = { begin, tokens: 2_048, setting: 'evaluation.coreTokens' };
    for (const batches of [text.batches, await coreBatches(config.corpus, tokenizer, core, silent)]) {
      const found = documentsOf(batches)!;
      const rows = batches.reduce((sum, batch) => sum + batch.rows, 0);
      expect(found).toHaveLength(rows);
      expect(found.toSorted((a, b) => a - b)).toEqual(found);
      expect(new Set(found).size).toBeGreaterThan(rows / 8);
    }
    expect(Math.max(...documentsOf(text.batches)!)).toBeLessThanOrEqual(text.documents.count);
  });

  it('are drawn together by token metrics, losses, alive and core losses', async () => {
    const [apart, together] = [await evaluated(undefined), await evaluated(documents)];
    for (const id of ['var_exp@pooled-v1', 'loss_sae@v1'] as const) {
      expect(widthOf(together.metrics[id]) / widthOf(apart.metrics[id]), id).toBeGreaterThan(1.3);
      expect(together.metrics[id]!.value).toBe(apart.metrics[id]!.value);
    }
    // Every latent fires in several rows, most of them in one document only.
    expect(apart.metrics['alive@v1']).toMatchObject({ method: 'poisson' });
    expect(together.metrics['alive@v1']).toMatchObject({
      method: expect.stringMatching(/^(studentised@3|percentile@2)$/),
    });
    const coreOf = ({ suites }: typeof apart) => suites.core!.measures!['loss_sae@saebench-core'];
    expect(widthOf(coreOf(together)) / widthOf(coreOf(apart))).toBeGreaterThan(1.3);
    // The same numbers as from the suite with resamples of these documents.
    const resamples = resampleRows(ROWS, { count: draws.resamples, seed: draws.seed }, documents);
    const [direct] = reconstructionSuite(measured(documents).tables, resamples);
    expect(together.metrics['var_exp@pooled-v1']).toEqual(direct!.metrics['var_exp@pooled-v1']);
    expect(together.paired!.sources).toEqual([{ seed: draws.seed, strata: [ROWS / PER_DOCUMENT] }]);
  });

  it('are drawn together by controls, which count them', () => {
    const of = (each: number[] | undefined) => {
      const hook = measured(each);
      const { reconstruction } = hook.tables.saes[0]!;
      return controlsPart(
        hook,
        0,
        {
          layer: 0,
          site: 'resid_post',
          firstRow: 0,
          fitTokens: 1,
          controls: [{ name: 'identity', of: [0], k: null }],
          tables: { activations: hook.tables.activations, saes: [{ reconstruction, firing: null }] },
          losses: [hook.losses![0]!.sae],
          leftOut: [],
        },
        [],
        draws,
      );
    };
    const [apart, together] = [of(undefined), of(documents)];
    expect(together.blocks).toBe(ROWS / PER_DOCUMENT);
    expect(apart).not.toHaveProperty('blocks');
    const width = ({ values }: typeof apart) =>
      widthOf(values.find(({ id }) => id.startsWith('loss_recovered'))?.measure);
    expect(width(together) / width(apart)).toBeGreaterThan(1.3);
  });
});
