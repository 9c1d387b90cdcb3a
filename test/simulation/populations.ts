/**
 * Populations with a known truth, to draw evaluations from: rows of tokens of unequal difficulty (log-normal, so that
 * errors are skewed) that begin with a token of huge norm, as residual streams do; losses that rise with the same
 * difficulty; scores of two classes. Every truth is a closed formula.
 */
import { type Random, random } from '../../runner/math/random.ts';
import type { Resamples } from '../../runner/metrics/bootstrap.ts';
import { resampleRows, resampleWithinClasses } from '../../runner/metrics/bootstrap.ts';
import { hookStatistics } from '../../runner/metrics/hook-statistics.ts';
import type { Statistic } from '../../runner/metrics/statistic.ts';
import { auroc } from '../../runner/probes/auroc.ts';
import { lossRecoveredSuite } from '../../runner/suites/loss-recovered.ts';
import { reconstructionSuite } from '../../runner/suites/reconstruction.ts';

export interface Population {
  name: string;
  /** What one evaluation of it holds, in words. */
  size: string;
  truth: number;
  /** The statistic in one evaluation, and where there is one that of a second SAE over the same rows. */
  evaluate(set: number, count: number): [Statistic, Statistic?];
  /** Truth of the first less the second. */
  difference?: number;
}

const WIDTH = 8;
const TOKENS = 16;
/** Standard deviation of the logarithm of a row's difficulty. */
const SPREAD = 0.25;
/** Norm of the first token of a row, against about 1 for the others. */
const SINK = 5;
const JITTER = 0.3;

/** Error of each SAE relative to a token's own scale. */
const ERRORS = [0.4, 0.42] as const;

function difficulty(stream: Random): number {
  return Math.exp(SPREAD * stream.gaussian());
}

/** E difficulty^power. */
function moment(power: number): number {
  return Math.exp((power * SPREAD) ** 2 / 2);
}

export function varianceExplained(rows: number): Population {
  const scaleSquared = (SINK ** 2 + (TOKENS - 1) * Math.exp(2 * JITTER ** 2)) / TOKENS;
  const truth = (error: number): number => 1 - (error ** 2 * moment(2) * scaleSquared) / (1 + scaleSquared);
  return {
    name: 'var_exp@pooled-v1',
    size: `${rows} rows`,
    truth: truth(ERRORS[0]),
    difference: truth(ERRORS[0]) - truth(ERRORS[1]),
    evaluate(set, count) {
      const stream = random('var_exp population', rows, set);
      const statistics = hookStatistics(WIDTH, [null, null]);
      for (let row = 0; row < rows; row++) {
        const x = new Float32Array(TOKENS * WIDTH);
        const outputs = ERRORS.map(() => new Float32Array(x.length));
        const topic = Float64Array.from({ length: WIDTH }, () => stream.gaussian());
        const hard = difficulty(stream);
        for (let t = 0; t < TOKENS; t++) {
          const scale = t === 0 ? SINK : Math.exp(JITTER * stream.gaussian());
          for (let i = 0; i < WIDTH; i++) {
            const at = t * WIDTH + i;
            x[at] = 3 + topic[i]! + scale * stream.gaussian();
            // The two SAEs err alike, as SAEs of one model do.
            const shared = stream.gaussian();
            ERRORS.forEach((error, sae) => {
              const own = 0.8 * shared + 0.6 * stream.gaussian();
              outputs[sae]![at] = x[at]! - error * hard * scale * own;
            });
          }
        }
        statistics.add(
          { x, tokens: TOKENS },
          outputs.map((reconstruction) => ({ reconstruction })),
        );
      }
      const [a, b] = reconstructionSuite(statistics.tables(), resampleRows(rows, { count, seed: set }));
      return [a!.statistics['var_exp@pooled-v1'], b!.statistics['var_exp@pooled-v1']];
    },
  };
}

export function lossRecovered(rows: number): Population {
  const predictions = 31;
  const clean = 0.7;
  const zero = 7;
  const damages = [0.05, 0.055] as const;
  const truth = (damage: number): number => 1 - (damage * moment(2)) / (zero - clean * moment(1));
  return {
    name: 'loss_recovered@interpscore-0.0.1',
    size: `${rows} rows`,
    truth: truth(damages[0]),
    difference: truth(damages[0]) - truth(damages[1]),
    evaluate(set, count) {
      const stream = random('loss population', rows, set);
      const column = (): Float64Array => new Float64Array(rows);
      const table = { predictions: column().fill(predictions), clean: column(), zero: column() };
      const saes = damages.map(column);
      for (let row = 0; row < rows; row++) {
        const hard = difficulty(stream);
        for (let t = 0; t < predictions; t++) {
          // Cross entropies are about exponential: most tokens are easy.
          const loss = -Math.log(1 - stream.next()) * clean * hard;
          table.clean[row]! += loss;
          table.zero[row]! += Math.max(0, zero + 1.5 * stream.gaussian());
          const shared = -Math.log(1 - stream.next());
          damages.forEach((damage, sae) => {
            const own = 0.8 * shared - 0.2 * Math.log(1 - stream.next());
            saes[sae]![row]! += loss + damage * hard * hard * own;
          });
        }
      }
      const resamples = resampleRows(rows, { count, seed: set });
      const [a, b] = saes.map(
        (sae) =>
          lossRecoveredSuite({ ...table, sae }, resamples).statistics['loss_recovered@interpscore-0.0.1'],
      );
      return [a!, b!];
    },
  };
}

/** Positives shifted by `shift` standard deviations: AUROC = Φ(shift/√2), given as `truth`. */
export function areaUnderCurve(texts: number, truth: number, shift: number): Population {
  return {
    name: `AUROC (truth ${truth.toFixed(2)})`,
    size: `${texts} texts`,
    truth,
    difference: 0,
    evaluate(set, count) {
      const stream = random('auroc population', texts, truth, set);
      const labels = Uint8Array.from({ length: texts }, (_, i) => i % 2);
      const shared = Float64Array.from(labels, () => stream.gaussian());
      const scores = (): Float64Array =>
        shared.map((value, i) => 0.8 * value + 0.6 * stream.gaussian() + shift * labels[i]!);
      const resamples: Resamples = resampleWithinClasses(labels, { count, seed: set });
      return [auroc(scores(), labels, resamples), auroc(scores(), labels, resamples)];
    },
  };
}
