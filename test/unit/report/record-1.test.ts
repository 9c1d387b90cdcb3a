import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { publishedRecords } from '../../../runner/report/published.ts';
import { type EvaluationRecord, record } from '../../../runner/report/schema.ts';
import { fixtures } from '../site/fixtures.ts';

function old(id: string): Record<string, unknown> {
  const path = new URL(`../../fixtures/report/record-1/${id}.json`, import.meta.url);
  return JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
}

/** Measured only after that version: what an untrained SAE scores where its latents are counted or probed. */
function withoutUntrainedProbes(now: EvaluationRecord): void {
  const probed = ['alive@v1', 'probe_auc_dense@interpscore-0.0.1', 'tpp@interpscore-0.0.1'];
  if (now.controls)
    now.controls.values = now.controls.values.filter(
      ({ control, id }) => control !== 'untrained' || !probed.includes(id),
    );
  for (const { curves = {} } of Object.values(now.suites))
    for (const curve of Object.values(curves))
      for (const { points } of [curve, ...curve.sets])
        for (const { values } of points) delete values.untrained;
}

const today: readonly EvaluationRecord[] = [...fixtures, ...publishedRecords()];

// The files were written by the version before; the records of today are made by their own makers.
test.each(['small-world-l0', 'small-world-l2', 'awkward-import', 'qwen3.6-27b-papergrade-l11'])(
  'record/1: %s reads as the record of today',
  (id) => {
    const before = old(id);
    expect(before.schema).toBe('interpboard.record/1');
    const now = structuredClone(today.find((each) => each.id === id)!);
    // Transcribed only after that version.
    delete now.metrics['alive_latents@v1'];
    delete now.sae.citation;
    withoutUntrainedProbes(now);
    now.caveats = now.caveats.filter((caveat) => (before.caveats as string[]).includes(caveat));
    expect(record.parse(before)).toEqual(now);
  },
);

test('probes of sae-probes, and values of suites among the metrics, go to the suites they belong to', () => {
  const before = old('small-world-l0');
  const probing = before.k_sparse as { definitions: object };
  const found = record.parse({
    ...before,
    metrics: { ...(before.metrics as object), 'unlearning@saebench': { value: null, reason: 'none' } },
    k_sparse: {
      ...probing,
      definitions: { accuracy: 'probe_acc_k@sae-probes', auroc: 'probe_auc_k@sae-probes' },
    },
  });
  expect(Object.keys(found.suites).sort()).toEqual([
    'core',
    'interpscore',
    'sae-probes',
    'scr',
    'tpp',
    'unlearning',
  ]);
  expect(Object.keys(found.metrics).some((key) => /saebench-core|unlearning/.test(key))).toBe(false);
});

test('earlier still, the AUROCs of a perturbation were numbers alone', () => {
  const { suites } = record.parse({
    ...old('small-world-l0'),
    tpp: {
      task: 'toxicity',
      definition: 'tpp@interpscore-0.0.1',
      ablated_latents: 5,
      auroc: 0.9,
      auroc_ablated: 0.8,
    },
  });
  expect(suites.interpscore?.tables?.perturbation?.[0]?.cells.auroc).toMatchObject({
    value: 0.9,
    interval: null,
  });
});

test('what is wrong in a field that moved is named where it stood', () => {
  const { tpp: _, ...without } = old('small-world-l0');
  const issues = (value: unknown) =>
    record.safeParse(value).error?.issues.map(({ path }) => path.join('.')) ?? [];
  expect(issues(without)).toEqual(['tpp']);
  expect(issues({ ...without, tpp: null, probes: [{ task: 'a' }] })).toContain('probes.0.auroc');
});
