/** Transcoders of published layouts against SAELens, sparsify and transformers: what they make of the MLP's input stands in for its output. */
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { placeName } from '../../../runner/hook.ts';
import { featureShard } from '../../../runner/report/features.ts';
import { described, evaluatedInside, holdTo, located, readExpected } from './inside-block.ts';

const fixtures = fileURLToPath(new URL('../../fixtures/transcoders/', import.meta.url));
const golden = readExpected(`${fixtures}evaluation.json`);
const names = golden.saes.map(({ folder }) => `${fixtures}${folder}`);

it('measures them as their authors’ programs and transformers do, whole and in parts', async () => {
  const published = await described(await located(names));
  expect(published.map(placeName)).toEqual([
    'mlp_in:1>mlp_out:1',
    'mlp_in:2>mlp_out:2',
    'resid_mid:3>mlp_out:3',
    'mlp_in:5>mlp_out:5',
    'mlp_in:4>mlp_out:4',
    'mlp_in:0>mlp_out:0',
  ]);
  const whole = await evaluatedInside(published, golden.ids);
  expect(whole.evaluated.map(({ planned }) => planned.layer)).toEqual([0, 1, 2, 3, 4, 5]);
  for (const each of whole.evaluated) {
    const { id } = each.planned;
    const at = published.findIndex((one) => one.id === id);
    holdTo(golden.saes[at]!, each);
    // A decoder row is a direction of the residual stream, whatever the latent reads.
    const shard = featureShard.parse(JSON.parse(each.evaluated.evidence!['0.json']!));
    for (const { raised, neighbours } of shard.features)
      expect([raised !== null, neighbours !== null]).toEqual([true, true]);
  }
  // Inputs wait for their targets, as residuals do.
  const parts = await evaluatedInside(published, golden.ids, { memory: 1.5e6 });
  expect([whole.resident, parts.resident]).toEqual([true, false]);
  for (const [i, { evaluated }] of parts.evaluated.entries())
    expect(evaluated.metrics).toEqual(whole.evaluated[i]!.evaluated.metrics);
});

it('probes their latents, holds them to controls of the target, and keeps them apart from an SAE of it', async () => {
  const sae = fileURLToPath(new URL('../../fixtures/hooks/b1-mlp_out', import.meta.url));
  const published = await described(await located([names[0]!, sae]));
  const { evaluated } = await evaluatedInside(published, golden.ids, {
    set: [
      'evaluation.suites=["k-sparse"]',
      'evaluation.controlTokens=64',
      'probing.sets=["topic"]',
      ...['evaluation.setTrainTexts=12', 'evaluation.setTestTexts=6', 'evaluation.setTokens=24'],
    ],
  });
  expect(evaluated.map(({ planned }) => placeName(planned))).toEqual(['mlp_out:1', 'mlp_in:1>mlp_out:1']);
  const [ofSae, ofTranscoder] = evaluated.map((each) => each.evaluated);
  expect(ofTranscoder!.metrics['loss_zero@v1']).toEqual(ofSae!.metrics['loss_zero@v1']);
  expect(ofTranscoder!.metrics['loss_sae@v1']).not.toEqual(ofSae!.metrics['loss_sae@v1']);
  const curve = (of: typeof ofSae) =>
    of!.suites['k-sparse']!.curves!.accuracy!.points.flatMap(({ values }) => values.sae!.value ?? []);
  expect(curve(ofTranscoder)).toHaveLength(5);
  expect(curve(ofTranscoder).every((value) => value! > 0 && value! <= 1)).toBe(true);
  expect(curve(ofTranscoder)).not.toEqual(curve(ofSae));
  const control = (name: string) =>
    ofTranscoder!.controls!.values.find((each) => each.control === name && each.id === 'var_exp@pooled-v1')!
      .measure.value;
  expect(control('identity')).toBe(1);
  expect(control('untrained')).not.toBe(control('permuted_decoder'));
});

it('says what is missing, and what cannot be', async () => {
  const [place] = await located([`${names[3]}#hook=mlp_in:2>mlp_out:2`]);
  expect((await described([place!])).map(({ id }) => id)).toEqual([
    'L2_mlp_in_to_mlp_out_jumprelu-skip-transcoder',
  ]);
  const moved = await located([`${names[0]}#layer=4`]);
  expect((await described(moved)).map(placeName)).toEqual(['mlp_in:4>mlp_out:4']);
  const sae = fileURLToPath(new URL('../../fixtures/hooks/b1-mlp_out', import.meta.url));
  await expect(described(await located([`${sae}#hook=mlp_in:1>mlp_out:1`]))).rejects.toThrow(
    /an SAE whose reconstruction is of its own input/,
  );
  await expect(located([`${names[0]}#hook=mlp_out:1>mlp_in:1`])).rejects.toThrow(/hook: expected resid_pre/);
  const [bare] = await located([
    fileURLToPath(new URL('../../fixtures/sae/sae-lens/transcoder', import.meta.url)),
  ]);
  await expect(described([bare!])).rejects.toThrow(/width 12; expected a block below 6 and width 128/);
});
