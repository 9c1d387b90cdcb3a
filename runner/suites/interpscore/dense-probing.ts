/**
 * `probe_auc_dense@interpscore-0.0.1`: how well a linear probe over all latents, pooled over a text's tokens, tells two
 * classes of texts apart. InterpScore calls it sparse probing; nothing in it is sparse.
 */
import { meanOf } from '../../metrics/mover.ts';
import { type Estimate, toMeasure } from '../../metrics/statistic.ts';
import { auroc } from '../../probes/auroc.ts';
import { decisionValues, type LogisticFit } from '../../probes/logistic-regression.ts';
import { definitions } from '../../report/definitions.ts';
import type { Row } from '../../report/part.ts';
import { type SuiteResult, suiteResult } from '../result.ts';
import { fitProbe, type ProbeOptions, type ProbeTask, requireTasks } from './probe-task.ts';

export const DENSE_PROBING = 'probe_auc_dense@interpscore-0.0.1';

/** Usable rows of the training split the definition takes. */
const ROW_LIMIT = 1_500;

export interface DenseProbingResult extends SuiteResult<typeof DENSE_PROBING> {
  /** One for each task, as the record's table holds them. */
  probes: Row[];
  /** The tasks' AUROCs with their resamples, and the fitted probes, in the order of the tasks. */
  details: { auroc: Estimate; fit: LogisticFit }[];
}

export interface DenseProbingOptions extends ProbeOptions {
  /** Further seeds of the split, 1 to this: the probe is fitted under each for the spread of its AUROC. */
  splitSeeds?: number;
}

/** Mean over the tasks of the test AUROC. The errors are those of `fitProbe`; no task falls back to anything. */
export function denseProbingSuite(
  tasks: readonly ProbeTask[],
  options: DenseProbingOptions = {},
): DenseProbingResult {
  requireTasks(tasks);
  const details: DenseProbingResult['details'] = [];
  const probes = tasks.map((task): Row => {
    const { split, fit, testLabels, resamples, duplicates } = fitProbe(task, ROW_LIMIT, options);
    const scores = decisionValues(task.features, split.test, fit);
    const area = auroc(scores, testLabels, resamples, `${task.task} (test rows)`);
    details.push({ auroc: area, fit });
    return {
      name: task.task,
      note: task.data,
      cells: {
        auroc: toMeasure(area, {}, definitions[DENSE_PROBING].range),
        train_rows: split.train.length,
        test_rows: split.test.length,
        duplicates,
        ...splitsOf(task, area.value, options),
      },
    };
  });
  const meanArea = meanOf(details.map((detail) => detail.auroc));
  return { ...suiteResult({ [DENSE_PROBING]: meanArea }), probes, details };
}

/** @param first the AUROC under the split of the definition */
function splitsOf(
  task: ProbeTask,
  first: number,
  { splitSeeds = 0, ...options }: DenseProbingOptions,
): Row['cells'] {
  if (splitSeeds === 0) return {};
  const { seed = 0 } = options;
  const others = Array.from({ length: splitSeeds }, (_, i) => seed + 1 + i);
  const aurocs = others.map((other) => {
    const fitted = fitProbe(task, ROW_LIMIT, { ...options, seed: other, resamples: 0 });
    const scores = decisionValues(task.features, fitted.split.test, fitted.fit);
    return auroc(scores, fitted.testLabels, fitted.resamples, `${task.task} (test rows of split ${other})`)
      .value;
  });
  return { split_seeds: [seed, ...others], split_aurocs: [first, ...aurocs] };
}
