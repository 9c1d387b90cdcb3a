import { expect, it } from 'vitest';
import { definitions } from '../../../runner/report/definitions.ts';
import { metricStudy, studyLine } from '../../../runner/report/metric-study.ts';

it('every metric of the study has a definition, and its figures lie where they can', () => {
  expect(metricStudy.metrics.length).toBeGreaterThan(10);
  for (const { definition, f1, mcc, f1_equal_l0, mcc_equal_l0, power } of metricStudy.metrics) {
    expect(Object.keys(definitions)).toContain(definition);
    for (const figure of [f1, mcc, f1_equal_l0, mcc_equal_l0, power]) {
      if (figure === null) continue;
      const [low, high] = figure.interval;
      expect(low).toBeLessThanOrEqual(high);
      expect(low).toBeGreaterThanOrEqual(figure === power ? 0 : -1);
      expect(high).toBeLessThanOrEqual(1);
    }
  }
});

it('says of a metric what it has to do with true features, and where it cannot', () => {
  const found = metricStudy.metrics.find(({ definition }) => definition === 'var_exp@pooled-v1')!;
  expect(studyLine('var_exp@pooled-v1')).toContain(`${found.mcc_equal_l0!.value.toFixed(2)} with MCC`);
  expect(studyLine('probe_auc_k@saebench')).toMatch(/at 1 .* at 5 /);
  for (const id of ['loss_recovered@pooled-v1', 'kl_sae@saebench-core', 'interpscore@0.0.1'])
    expect(studyLine(id)).toMatch(/needs a language model/);
  expect(studyLine('decoder_mmcs@v1')).toBeNull();
  // It is held to them itself.
  expect(studyLine('mcc@synthsaebench')).toBeNull();
});
