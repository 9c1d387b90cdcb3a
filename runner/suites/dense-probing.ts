/**
 * `probe_auc_dense@interpscore-0.0.1`: how well a linear probe over all latents, pooled over a text's tokens, tells two
 * classes of texts apart. InterpScore calls it sparse probing; nothing in it is sparse.
 */
import { combine, type Estimate, toMeasure } from '../metrics/statistic.ts';
import { auroc } from '../probes/auroc.ts';
import { decisionValues, type LogisticFit } from '../probes/logistic-regression.ts';
import { definitions } from '../report/definitions.ts';
import type { Probe } from '../report/schema.ts';
import { fitProbe, type ProbeOptions, type ProbeTask, requireTasks } from './probe-task.ts';
import { type SuiteResult, suiteResult } from './result.ts';

export const DENSE_PROBING = 'probe_auc_dense@interpscore-0.0.1';

/** Usable rows of the training split the definition takes. */
const ROW_LIMIT = 1_500;

export interface DenseProbingResult extends SuiteResult<typeof DENSE_PROBING> {
  /** One a task, as the record holds them. */
  probes: Probe[];
  /** The tasks' AUROCs with their resamples, and the fitted probes, in the order of the tasks. */
  details: { auroc: Estimate; fit: LogisticFit }[];
}

/** Mean over the tasks of the test AUROC. The errors are those of `fitProbe`; no task falls back to anything. */
export function denseProbingSuite(
  tasks: readonly ProbeTask[],
  options: ProbeOptions = {},
): DenseProbingResult {
  requireTasks(tasks);
  const details: DenseProbingResult['details'] = [];
  const probes = tasks.map((task): Probe => {
    const { split, fit, testLabels, resamples, duplicates } = fitProbe(task, ROW_LIMIT, options);
    const scores = decisionValues(task.features, split.test, fit);
    const area = auroc(scores, testLabels, resamples, `${task.task} (test rows)`);
    details.push({ auroc: area, fit });
    return {
      task: task.task,
      data: task.data,
      definition: DENSE_PROBING,
      auroc: toMeasure(area, {}, definitions[DENSE_PROBING].range),
      train_rows: split.train.length,
      test_rows: split.test.length,
      duplicates,
    };
  });
  const meanArea = combine(
    details.map((detail) => detail.auroc),
    (...areas) => areas.reduce((a, b) => a + b, 0) / areas.length,
    'the mean over the tasks is not finite',
  );
  return { ...suiteResult({ [DENSE_PROBING]: meanArea }), probes, details };
}
