/**
 * Populations as evaluations have them and textbooks do not: rows of one document alike, tails that a few rows carry,
 * values at a bound, few rows, few positives. Every truth is a closed formula.
 */
import { type Random, random } from '../../runner/math/random.ts';
import { normalTail } from '../../runner/math/student.ts';
import { alive } from '../../runner/metrics/alive.ts';
import { resampleRows, resampleWithinClasses } from '../../runner/metrics/bootstrap.ts';
import { firingSums } from '../../runner/metrics/firing.ts';
import { l0 } from '../../runner/metrics/l0.ts';
import { meanOf } from '../../runner/metrics/mover.ts';
import { clipped, combine, constant, type Statistic } from '../../runner/metrics/statistic.ts';
import { accuracy, accuracyFall } from '../../runner/probes/accuracy.ts';
import { auroc } from '../../runner/probes/auroc.ts';
import { skillOf } from '../../runner/suites/controls.ts';
import { l0Score, scoreOfL0 } from '../../runner/suites/interpscore/composite.ts';
import { lossRecoveredSuite } from '../../runner/suites/loss-recovered.ts';
import type { Population } from './populations.ts';

const PREDICTIONS = 31;
const CLEAN = 2;
/** What zeroing adds to the loss of a row, mean and standard deviation. */
const ZERO = [6, 0.5] as const;

/** A standard normal for each row; rows of one document share half of its variance. */
function alikeWithin(stream: Random, rows: number, perDocument: number): Float64Array {
  let shared = 0;
  return Float64Array.from({ length: rows }, (_, row) => {
    if (perDocument === 1) return stream.gaussian();
    if (row % perDocument === 0) shared = stream.gaussian();
    return Math.SQRT1_2 * shared + Math.SQRT1_2 * stream.gaussian();
  });
}

/** Loss recovered of SAEs from what each adds to the loss of every row. */
function recovered(
  stream: Random,
  damages: readonly Float64Array[],
  documents: number[] | undefined,
  draws: { count: number; seed: number },
): Statistic[] {
  const rows = damages[0]!.length;
  const column = (value: () => number): Float64Array => Float64Array.from({ length: rows }, value);
  const predictions = column(() => PREDICTIONS);
  const clean = column(() => PREDICTIONS * CLEAN);
  const zero = column(() => PREDICTIONS * (CLEAN + ZERO[0] + ZERO[1] * stream.gaussian()));
  const resamples = resampleRows(rows, draws, documents);
  return damages.map((damage) => {
    const sae = damage.map((each) => PREDICTIONS * (CLEAN + each));
    const table = { predictions, clean, zero, sae };
    return lossRecoveredSuite(table, resamples).statistics['loss_recovered@interpscore-0.0.1'];
  });
}

const numbered = (rows: number, perDocument: number): number[] =>
  Array.from({ length: rows }, (_, row) => Math.floor(row / perDocument));

/**
 * Damage log-normal over rows, mean 0.3 nats.
 *
 * @param asDocuments whether the documents are known; else every row is taken as its own
 */
export function unequalLosses(
  rows: number,
  { spread = 0.5, perDocument = 1, asDocuments = true } = {},
): Population {
  const documents = perDocument > 1 && asDocuments ? numbered(rows, perDocument) : undefined;
  const tail = spread === 0.5 ? '' : `, heavy tail (σ ${spread})`;
  const clusters = perDocument === 1 ? '' : `, documents of ${perDocument} rows`;
  return {
    name: `loss recovered${tail}${clusters}${asDocuments ? '' : ', drawn as rows'}`,
    size: `${rows} rows`,
    truth: 1 - 0.3 / ZERO[0],
    difference: 0,
    evaluate(set, count) {
      const stream = random('unequal losses', rows, spread, perDocument, set);
      const hard = alikeWithin(stream, rows, perDocument);
      const scale = 0.3 * Math.exp(-(spread ** 2) / 2);
      // Two SAEs of one quality: what they err by beside the row's difficulty is their own.
      const damages = [0, 1].map(() =>
        hard.map((each) => scale * Math.exp(spread * each) * (1 + 0.2 * stream.gaussian())),
      );
      const [a, b] = recovered(stream, damages, documents, { count, seed: set });
      return [a!, b!];
    },
  };
}

/** A reconstruction so good that the definition's clip at 1 cuts half of the resamples. */
export function nearlyAllRecovered(rows: number): Population {
  const mean = 0.00014 * ZERO[0];
  return {
    name: 'loss recovered 0.99986, clipped at 1',
    size: `${rows} rows`,
    truth: 1 - mean / ZERO[0],
    evaluate(set, count) {
      const stream = random('nearly all recovered', rows, set);
      const damage = Float64Array.from({ length: rows }, () => mean + 0.0068 * stream.gaussian());
      return [recovered(stream, [damage], undefined, { count, seed: set })[0]!];
    },
  };
}

/** Skill between an untrained SAE and the identity, from damages that rise with the same difficulty. */
export function skills(rows: number): Population {
  const [own, untrained] = [0.3, 1.5];
  return {
    name: 'skill of loss recovered',
    size: `${rows} rows`,
    truth: 1 - own / untrained,
    evaluate(set, count) {
      const stream = random('skills', rows, set);
      const hard = alikeWithin(stream, rows, 1);
      const damages = [own, untrained].map((mean) =>
        hard.map((each) => mean * Math.exp(0.5 * each - 0.125) * (1 + 0.2 * stream.gaussian())),
      );
      const [value, floor] = recovered(stream, damages, undefined, { count, seed: set });
      return [skillOf(value!, floor!, constant(1, resampleRows(rows, { count, seed: set })))];
    },
  };
}

/** Latents of unequal rarity, each of which fires on half of the rows of the documents it belongs to. */
export function aliveLatents(documents: number, perDocument: number, asDocuments = true): Population {
  const latents = 400;
  const half = 1 - 0.5 ** perDocument;
  const rates = Float64Array.from({ length: latents }, (_, j) => 0.002 * 250 ** (j / latents));
  const truth = rates.reduce((sum, rate) => sum + (1 - (1 - rate * half) ** documents) / latents, 0);
  return {
    name: `alive, documents of ${perDocument} rows${asDocuments ? '' : ', drawn as rows'}`,
    size: `${documents * perDocument} rows`,
    truth,
    evaluate(set, count) {
      const stream = random('alive latents', documents, perDocument, set);
      const sums = firingSums(latents);
      for (let document = 0; document < documents; document++) {
        const here = [...rates.keys()].filter((j) => stream.next() < rates[j]!);
        for (let row = 0; row < perDocument; row++) {
          const indices = Int32Array.from(here.filter(() => stream.next() < 0.5));
          const values = new Float32Array(indices.length).fill(1);
          sums.add({ tokens: 1, ...(asDocuments && { document }) }, { k: indices.length, indices, values });
        }
      }
      const rows = documents * perDocument;
      const ids = asDocuments ? numbered(rows, perDocument) : undefined;
      return [alive(sums.table(), resampleRows(rows, { count, seed: set }, ids))];
    },
  };
}

/** Latents a token that vary from row to row about an L0. */
export function scoresOfL0(rows: number, mean: number): Population {
  return {
    name: `L0 score, L0 ${mean}`,
    size: `${rows} rows`,
    truth: l0Score(mean),
    evaluate(set, count) {
      const stream = random('scores of l0', rows, mean, set);
      const tokens = new Float64Array(rows).fill(1);
      const active = tokens.map(() => mean * (1 + 0.1 * stream.gaussian()));
      const none = new Float64Array(1);
      const table = {
        latents: 1,
        rows,
        tokens,
        active,
        unique: tokens,
        firings: none,
        documents: none,
        first: none,
      };
      return [scoreOfL0(l0(table, resampleRows(rows, { count, seed: set })))];
    },
  };
}

/** The z with P(Z < z) = `share`. */
function normalQuantile(share: number): number {
  let [low, high] = [-8, 8];
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2;
    if (normalTail(-middle) < share) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** Normal scores of two classes of unequal size. */
export function unbalancedArea(texts: number, truth: number, positives: number): Population {
  const shift = Math.SQRT2 * normalQuantile(truth);
  return {
    name: `AUROC ${truth}, ${Math.round(100 * positives)} % positives`,
    size: `${texts} texts`,
    truth,
    evaluate(set, count) {
      const stream = random('unbalanced area', texts, truth, positives, set);
      const labels = Uint8Array.from({ length: texts }, (_, i) => (i < positives * texts ? 1 : 0));
      const scores = Float64Array.from(labels, (label) => stream.gaussian() + shift * label);
      return [auroc(scores, labels, resampleWithinClasses(labels, { count, seed: set }))];
    },
  };
}

/** InterpScore's TPP: the share of an AUROC of 0.95 that is lost when latents are ablated. */
export function areaLost(texts: number, drop: number): Population {
  const [before, after] = [0.95, 0.95 * (1 - drop)].map((area) => Math.SQRT2 * normalQuantile(area));
  return {
    name: `tpp (InterpScore), drop ${drop}`,
    size: `${texts} texts`,
    truth: drop,
    evaluate(set, count) {
      const stream = random('area lost', texts, drop, set);
      const labels = Uint8Array.from({ length: texts }, (_, i) => i % 2);
      const resamples = resampleWithinClasses(labels, { count, seed: set });
      const own = Float64Array.from(labels, () => stream.gaussian());
      const full = auroc(
        own.map((score, i) => score + before! * labels[i]!),
        labels,
        resamples,
      );
      const left = own.map(
        (score, i) => 0.98 * score + Math.sqrt(1 - 0.98 ** 2) * stream.gaussian() + after! * labels[i]!,
      );
      const share = combine(
        [full, auroc(left, labels, resamples)],
        (a, b) => (a - b) / Math.max(a, 1e-8),
        'AUROC is not finite',
      );
      return [clipped(share, [0, 1])];
    },
  };
}

/** Texts of classes told from the rest, each class with texts of its own; `shared` of the errors are all classes'. */
export function accuracies(texts: number, truth: number, classes = 1, shared = 0.5): Population {
  return {
    name: classes === 1 ? `accuracy ${truth}` : `accuracy ${truth}, mean of ${classes} classes`,
    size: `${texts} texts`,
    truth,
    evaluate(set, count) {
      const stream = random('accuracies', texts, truth, classes, set);
      const labels = new Uint8Array(texts);
      const resamples = resampleWithinClasses(labels, { count, seed: set });
      const places = Int32Array.from(labels, (_, i) => i);
      const common = Float64Array.from(labels, () => stream.next());
      const rightOf = (): Uint8Array =>
        common.map((each) =>
          (classes > 1 && stream.next() < shared ? each : stream.next()) < truth ? 1 : 0,
        ) as never;
      return [
        meanOf(
          Array.from({ length: classes }, () => accuracy(Uint8Array.from(rightOf()), places, resamples)),
        ),
      ];
    },
  };
}

/** The fall of an accuracy of 0.95 of which few texts are part. */
export function accuracyFalls(texts: number, lost: number, gained: number): Population {
  return {
    name: `fall of accuracy ${Number((lost - gained).toFixed(4))}`,
    size: `${texts} texts`,
    truth: lost - gained,
    evaluate(set, count) {
      const stream = random('accuracy falls', texts, lost, set);
      const before = new Uint8Array(texts);
      const after = before.map((_, i) => {
        const draw = stream.next();
        before[i] = draw < gained || draw > 0.95 ? 0 : 1;
        if (draw < gained) return 1;
        return draw < gained + lost ? 0 : before[i]!;
      });
      const places = Int32Array.from(before, (_, i) => i);
      const resamples = resampleWithinClasses(new Uint8Array(texts), { count, seed: set });
      return [accuracyFall(before, after, places, resamples)];
    },
  };
}
