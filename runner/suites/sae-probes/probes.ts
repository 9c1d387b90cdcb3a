/** The probes of sae-probes: the columns they may read, the penalty chosen by validation, and the fit that is tested. */
import { areaUnder } from '../../probes/auroc.ts';
import { type DenseFeatures, type Features, rowReader } from '../../probes/features.ts';
import { fitL1Logistic, type L1Fit } from '../../probes/l1-logistic.ts';
import { decisionValues, fitLogistic } from '../../probes/logistic-regression.ts';
import { largest, meanDifference } from '../../probes/mean-difference.ts';
import { type Fold, folds } from './split.ts';

export type Penalty = 'l1' | 'l2';

/** Ten values of C, evenly spaced in their logarithm from 1e5 to 1e-5, in the order in which they are tried. */
const CS = Array.from({ length: 10 }, (_, i) => 10 ** (5 - (10 * i) / 9));

/** Added to counts and means, as the program does. */
const EPSILON = 1e-6;

/**
 * Columns by |mean⁺ − mean⁻| over the training rows, each first divided by its mean size where it is not zero.
 *
 * @param labels 0 or 1 for each entry of `rows`
 */
export function rankedColumns(
  features: Features,
  rows: ArrayLike<number>,
  labels: ArrayLike<number>,
  count: number,
): Int32Array {
  const read = rowReader(features);
  const sums = new Float64Array(features.columns);
  const counts = new Float64Array(features.columns);
  for (let i = 0; i < rows.length; i++) {
    const { indices, values } = read(rows[i]!);
    for (let entry = 0; entry < values.length; entry++) {
      if (values[entry] === 0) continue;
      sums[indices[entry]!]! += Math.abs(values[entry]!);
      counts[indices[entry]!]!++;
    }
  }
  const difference = meanDifference(features, rows, labels);
  return largest(
    difference.map((each, j) => Math.abs(each / (sums[j]! / (counts[j]! + EPSILON) + EPSILON))),
    Math.min(count, features.columns),
  );
}

export interface Chosen {
  fit: L1Fit;
  c: number;
  /** AUROC on the validation rows, the mean over the folds. */
  validation: number;
}

/**
 * The probe fitted on all training rows, with the first C of highest validation AUROC.
 *
 * @param rows training rows in their order, which decides what validates
 * @param labels 0 or 1 for every row of `features`
 */
export function chooseProbe(
  features: DenseFeatures,
  rows: Int32Array,
  labels: ArrayLike<number>,
  penalty: Penalty,
  name: string,
): Chosen {
  const parts = folds(Array.from(rows, (row) => labels[row]!));
  const paths = parts.map((fold) => fits(features, rowsOf(rows, fold.fit), labels, penalty, name, CS));
  let best: { c: number; validation: number } = { c: CS[0]!, validation: Number.NEGATIVE_INFINITY };
  for (const c of CS) {
    const areas = parts.map((fold, i) =>
      areaOf(features, rowsOf(rows, fold.validate), labels, paths[i]!.get(c)!),
    );
    const validation = areas.reduce((sum, each) => sum + each, 0) / areas.length;
    if (validation > best.validation) best = { c, validation };
  }
  return { ...best, fit: fits(features, rows, labels, penalty, name, [best.c]).get(best.c)! };
}

/** A fit for each C of `wanted`; those with an L1 penalty come from the smallest C on, each begun from the one before. */
function fits(
  features: DenseFeatures,
  rows: Int32Array,
  labels: ArrayLike<number>,
  penalty: Penalty,
  name: string,
  wanted: readonly number[],
): Map<number, L1Fit> {
  const found = new Map<number, L1Fit>();
  if (penalty === 'l2') {
    for (const c of wanted) found.set(c, fitLogistic(features, labels, rows, { c, name, balanced: false }));
    return found;
  }
  let start: L1Fit | undefined;
  for (const c of CS.toReversed().filter((each) => each <= Math.max(...wanted))) {
    start = fitL1Logistic(features, labels, rows, { c, name, ...(start && { start }) });
    if (wanted.includes(c)) found.set(c, start);
  }
  return found;
}

function rowsOf(rows: Int32Array, places: Fold['fit']): Int32Array {
  return places.map((place) => rows[place]!);
}

function areaOf(features: DenseFeatures, rows: Int32Array, labels: ArrayLike<number>, fit: L1Fit): number {
  return areaUnder(
    decisionValues(features, rows, fit),
    Uint8Array.from(rows, (row) => labels[row]!),
  );
}
