/**
 * `tpp@interpscore-0.0.1`: the share of a probe's AUROC lost when the latents of largest |weight| are set to zero in the
 * test rows. It is not SAEBench's TPP, which compares the damage to the probed class with that to the others.
 */
import { clipped, combine, toMeasure, unmeasured } from '../../metrics/statistic.ts';
import { auroc } from '../../probes/auroc.ts';
import { decisionValues, type LogisticFit } from '../../probes/logistic-regression.ts';
import type { Row } from '../../report/part.ts';
import { type SuiteResult, suiteResult } from '../result.ts';
import { fitProbe, type ProbeOptions, type ProbeTask } from './probe-task.ts';

export const TPP = 'tpp@interpscore-0.0.1';

const ROW_LIMIT = 1_000;
const ABLATED_SHARE = 0.005;

export interface TppResult extends SuiteResult<typeof TPP> {
  /** As the record's table holds it. */
  perturbation: Row;
  fit: LogisticFit;
  /** The latents set to zero, largest |weight| first. */
  ablated: Int32Array;
}

export interface TppOptions extends ProbeOptions {
  /** Latents to ablate; ⌊0.005·n⌋ unless told (an early version of the definition fixed 20). */
  ablated?: number;
}

/** The errors are those of `fitProbe`. */
export function tppSuite(task: ProbeTask, options: TppOptions = {}): TppResult {
  const { features } = task;
  const count = options.ablated ?? Math.floor(ABLATED_SHARE * features.columns);
  const { split, fit, testLabels, resamples } = fitProbe(task, ROW_LIMIT, options);
  const ablated = heaviest(fit.weights, count);
  const weights = fit.weights.slice();
  for (const latent of ablated) weights[latent] = 0;

  const name = `${task.task} (test rows)`;
  const full = auroc(decisionValues(features, split.test, fit), testLabels, resamples, name);
  const without = decisionValues(features, split.test, { weights, intercept: fit.intercept });
  const damaged = auroc(without, testLabels, resamples, name);
  const drop = (area: number, left: number): number => (area - left) / Math.max(area, 1e-8);
  const statistic =
    count === 0
      ? unmeasured(`${ABLATED_SHARE} of ${features.columns} latents is less than one, so none is ablated`)
      : clipped(combine([full, damaged], drop, 'AUROC is not finite'), [0, 1]);
  const share = drop(full.value, damaged.value);
  return {
    ...suiteResult(
      { [TPP]: statistic },
      share < 0 ? { [TPP]: { note: `clipped from ${share.toPrecision(6)}` } } : {},
    ),
    perturbation: {
      name: task.task,
      cells: {
        ablated_latents: ablated.length,
        auroc: toMeasure(full, {}, [0, 1]),
        auroc_ablated: toMeasure(damaged, {}, [0, 1]),
      },
    },
    fit,
    ablated,
  };
}

/** The `count` latents of largest |weight|, of equal ones the lowest index. */
function heaviest(weights: Float64Array, count: number): Int32Array {
  const order = Int32Array.from(weights, (_, latent) => latent);
  order.sort((a, b) => Math.abs(weights[b]!) - Math.abs(weights[a]!) || a - b);
  return order.slice(0, count);
}
