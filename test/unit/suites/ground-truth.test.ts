/** The suite against sae_lens.synthetic's own evaluation of the same SAEs on the same samples. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { matchFeatures } from '../../../runner/evaluation/matching.ts';
import { oracleSae } from '../../../runner/evaluation/oracle.ts';
import { observeTokens } from '../../../runner/evaluation/token-pass.ts';
import { truthPass } from '../../../runner/evaluation/truth-pass.ts';
import { sweep } from '../../../runner/lm/sweep.ts';
import { resampleRows } from '../../../runner/metrics/bootstrap.ts';
import type { Reporter } from '../../../runner/reporter.ts';
import { openSaeFile } from '../../../runner/sae/checkpoints/load.ts';
import { decoderDirections } from '../../../runner/sae/directions.ts';
import { openSae } from '../../../runner/sae/open-sae.ts';
import { groundTruth } from '../../../runner/suites/ground-truth/suite.ts';
import { reconstructionSuite } from '../../../runner/suites/reconstruction.ts';
import type { SuiteContext } from '../../../runner/suites/suite.ts';
import { readSynthetic } from '../../../runner/synthetic/layout.ts';
import { sampleBatch, syntheticModel } from '../../../runner/synthetic/model.ts';
import { activationsOf } from '../../../runner/synthetic/samples.ts';
import { expected, fixture, samples } from '../synthetic/fixture.ts';

const silent: Reporter = { progress: () => undefined, note: () => undefined, stopRequested: () => false };
const SAMPLES = samples.starts.length - 1;
const draws = { resamples: 200, seed: 0 };

/** Measures the fixture's samples in one batch. */
async function measured(name: 'topk' | 'standard') {
  const own = syntheticModel(await readSynthetic(join(fixture, 'model')));
  const batch = sampleBatch('fixture', 0, 32, SAMPLES / 32);
  const features: typeof own.features = (asked) => (asked === batch ? samples : own.features(asked));
  const model = {
    ...own,
    features,
    advance: async () => activationsOf(own.parts, samples),
  };
  const file = await openSaeFile(join(fixture, `sae-${name}`));
  const loaded = await file.load();
  await file.close();
  const sae = await openSae(loaded.sae);
  const one = { sae, directions: () => decoderDirections(loaded.sae), sha256: 'a'.repeat(64) };
  const pass = await truthPass(model, [one], [batch], { seed: 0 });
  const packed = observeTokens(
    [{ ...model.hooks[0]!, d: model.dModel, saes: [sae] }],
    [batch],
    null,
    [],
    false,
  );
  await sweep(model, [batch], [pass.observer, packed.observer], { reporter: silent });
  const context = { truth: pass.truth, draws } as unknown as SuiteContext;
  const run = await groundTruth.begin(context, {});
  const { part } = await run!.score({ hook: 0, index: 0 } as Parameters<NonNullable<typeof run>['score']>[0]);
  const [hook] = packed.result();
  const [base] = reconstructionSuite(hook!.tables, resampleRows(32, { count: 50 }));
  await pass.close();
  await sae.close();
  return { part, metrics: base!.metrics, losses: hook!.losses, latents: sae.d_sae };
}

describe.each(['topk', 'standard'] as const)('suite ground-truth on the SAE %s', (name) => {
  it('has the values of eval_sae_on_synthetic_data', async () => {
    const { part, metrics, losses, latents } = await measured(name);
    const theirs = expected.values[name];
    const ours = (id: string): number => part.measures![`${id}@synthsaebench`]!.value!;
    expect(losses).toBeNull();
    const pairs: [string, number, number][] = [
      ['MCC', ours('mcc'), theirs.mcc],
      ['uniqueness', ours('uniqueness'), theirs.uniqueness],
      ['precision', ours('precision'), theirs.classification.precision],
      ['recall', ours('recall'), theirs.classification.recall],
      ['F1', ours('f1'), theirs.classification.f1_score],
      ['accuracy', ours('accuracy'), theirs.classification.accuracy],
      ['true L0', ours('l0_true'), theirs.true_l0],
      ['L0', metrics['l0@v1'].value!, theirs.sae_l0],
      ['dead latents', metrics['dead_fraction@v1'].value! * latents, theirs.dead_latents],
      ['shrinkage', metrics['l2_ratio@v1'].value!, theirs.shrinkage],
      ['explained variance', metrics['var_exp@pooled-v1'].value!, theirs.explained_variance],
    ];
    for (const [what, here, there] of pairs) expect(Math.abs(here - there), what).toBeLessThan(1e-5);
    // Samples are alike from stretch to stretch: the mean of what fires in them is known well.
    const active = part.measures!['l0_true@synthsaebench']!;
    const fired = active.value === null ? null : active.interval;
    expect(fired!.high - fired!.low).toBeLessThan(ours('l0_true'));
    const f1 = part.measures!['f1@synthsaebench']!;
    const { low, high } = f1.value === null ? { low: 0, high: 0 } : f1.interval!;
    expect(low).toBeLessThan(ours('f1'));
    expect(high).toBeGreaterThan(ours('f1'));
  });

  it('stands between its floors and the ceiling', async () => {
    const { part } = await measured(name);
    const row = (reference: string) =>
      part.tables!.references!.find((each) => each.name === reference)!.cells;
    const value = (reference: string, key: string): number =>
      (row(reference)[key] as { value: number }).value;
    expect(value('oracle', 'mcc')).toBeCloseTo(1, 5);
    expect(value('oracle', 'uniqueness')).toBe(1);
    const f1 = part.measures!['f1@synthsaebench']!.value!;
    expect(value('oracle', 'f1')).toBeGreaterThan(f1);
    expect(value('permuted decoder', 'f1')).toBeLessThan(f1);
    expect(value('random SAE', 'mcc')).toBeLessThan(part.measures!['mcc@synthsaebench']!.value!);
    let split = 0;
    for (const { values } of part.curves!.fates!.points) {
      const { missed, matched, split: several } = values as Record<string, { value: number }>;
      expect(missed!.value + matched!.value + several!.value).toBeCloseTo(1, 12);
      split += several!.value;
    }
    const named = part.tables!.features!.filter(({ note }) => /share it/.test(note!));
    expect(split > 0).toBe(named.length > 0);
  });
});

describe('an oracle', () => {
  it('is nearest to its own features, one to one', async () => {
    const model = syntheticModel(await readSynthetic(join(fixture, 'model')));
    const { W_enc, b_enc, W_dec, threshold } = oracleSae(model, 0);
    const { best, partner, mcc } = await matchFeatures(W_dec, model.parts.vectors, model.dModel, {});
    expect([...best]).toEqual([...partner]);
    expect(mcc).toBeCloseTo(1, 6);
    expect(threshold.every((each) => each >= 0)).toBe(true);
    // Its read-out passes the feature's own magnitude unchanged, and is right in the mean.
    const { features, d, vectors } = model.parts;
    const batch = sampleBatch('read-out', 0, 64, 64);
    const [x] = await model.residuals(batch);
    const { indices, values } = model.features(batch);
    for (let f = 0; f < features; f++) {
      const w = Float64Array.from({ length: d }, (_, i) => W_enc[i * features + f]!);
      expect(w.reduce((sum, each, i) => sum + each * vectors[f * d + i]!, 0)).toBeCloseTo(1, 4);
      let read = b_enc[f]!;
      x!.forEach((value, at) => {
        read += (value * w[at % d]!) / 4_096;
      });
      const mean = values.reduce((sum, value, i) => sum + (indices[i] === f ? value : 0), 0) / 4_096;
      expect(Math.abs(read - mean)).toBeLessThan(0.1);
    }
  });
});
