/** First-letter absorption of one SAE: its latents for each letter, and how far words of the letter go by others. */
import { type Hook, hookName } from '../../hook.ts';
import { canonicalJson, sha256 } from '../../io/hash.ts';
import type { Resamples } from '../../metrics/bootstrap.ts';
import { resampleWithinClasses } from '../../metrics/bootstrap.ts';
import { meanOf } from '../../metrics/mover.ts';
import { combine, type Statistic, sumOf, toMeasure, unmeasured } from '../../metrics/statistic.ts';
import { f1Score } from '../../probes/accuracy.ts';
import { chosenColumns, type DenseFeatures, rowReader, type SparseFeatures } from '../../probes/features.ts';
import { decisionValues, fitLogistic } from '../../probes/logistic-regression.ts';
import { largest } from '../../probes/mean-difference.ts';
import {
  type MultiProbe,
  type MultiProbeRecipe,
  type MultiProbeStart,
  multiScores,
  trainMultiProbe,
  weightsOfOutput,
} from '../../probes/multi-probe.ts';
import type { Row } from '../../report/part.ts';
import type { Measure, Part } from '../../report/schema.ts';
import type { Directions } from '../ablation.ts';
import { absorptionOf, alignmentOf, splitLatents } from './absorb.ts';
import { LETTERS } from './words.ts';

/** SAEBench's training of the probe that says whether the model knows a letter, and of that on latents. */
const TRUTH: MultiProbeRecipe = {
  epochs: 50,
  batchRows: 4_096,
  learningRate: [1e-2, 1e-5],
  weightDecay: 1e-4,
  l1: 0,
};
export const SPARSE: MultiProbeRecipe = { ...TRUTH, weightDecay: 1e-6, l1: 0.01 };

/** The probe must find a letter this well for it to count, and so many letters must. */
export const LEAST_F1 = 0.6;
export const LEAST_LETTERS = 20;

/** Rows of all texts: the words that train, those that test, and these once more in prompts of their own. */
export interface WordRows {
  letters: Int32Array;
  train: Int32Array;
  test: Int32Array;
  /** Of each test word, in the order of `test`. */
  again: Int32Array;
}

/** What the residual says of each letter: the same for all SAEs of a hook. */
export interface Truth {
  probe: MultiProbe;
  /** Of the probe on the test words, by letter. */
  f1: number[];
  /** Places among the test words that the probe assigns rightly to the letter, by letter. */
  found: Int32Array[];
}

/** @param letters numbers of the letters that count as classes, 26 of them */
export function truthOf(residual: DenseFeatures, words: WordRows, start: MultiProbeStart): Truth {
  const lettersOf = (rows: Int32Array) => rows.map((row) => words.letters[row]!);
  const probe = trainMultiProbe(residual, words.train, lettersOf(words.train), start, TRUTH);
  const tested = lettersOf(words.test);
  const scores = Array.from(LETTERS, (_, letter) => multiScores(residual, words.test, probe, letter));
  return {
    probe,
    f1: scores.map((each, letter) => f1Of(each, tested, letter)),
    found: scores.map((each, letter) =>
      Int32Array.from(each.keys()).filter((place) => each[place]! > 0 && tested[place] === letter),
    ),
  };
}

/** F1 of scores above 0 for one letter. */
function f1Of(scores: Float64Array, letters: ArrayLike<number>, letter: number): number {
  let [right, wrong] = [0, 0];
  scores.forEach((score, i) => {
    const [foretold, is] = [score > 0, letters[i] === letter];
    if (foretold && is) right++;
    else if (foretold !== is) wrong++;
  });
  return f1Score(right, wrong);
}

export interface LetterLatents {
  /** F1 of the probes on 1, 2, … latents. */
  f1: number[];
  /** The latents that the letter is split into. */
  split: Int32Array;
}

/**
 * For each letter the latents of largest positive weight in a sparse probe over all letters, and how well probes on the
 * first of them find it.
 */
export function latentsOfLetters(
  latents: SparseFeatures,
  words: WordRows,
  start: MultiProbeStart,
  options: { most: number; jump: number; letters: readonly number[] },
): Map<number, LetterLatents> {
  const { letters } = words;
  const trained = words.train.map((row) => letters[row]!);
  const probe = trainMultiProbe(latents, words.train, trained, start, SPARSE);
  const rows = Int32Array.from([...words.train, ...words.test]);
  const places = Int32Array.from(rows.keys());
  const train = places.subarray(0, words.train.length);
  const test = places.subarray(words.train.length);
  const tested = words.test.map((row) => letters[row]!);
  return new Map(
    options.letters.map((letter) => {
      const order = largest(weightsOfOutput(probe, letter), Math.min(options.most, latents.columns));
      const labels = Uint8Array.from(rows, (row) => (letters[row] === letter ? 1 : 0));
      const f1 = Array.from(order, (_, i) => {
        const chosen = chosenColumns(latents, rows, order.subarray(0, i + 1));
        const fit = fitLogistic(chosen, labels, train, { name: `letter ${LETTERS[letter]}` });
        return f1Of(decisionValues(chosen, test, fit), tested, letter);
      });
      return [letter, { f1, split: splitLatents(order, f1, options.jump) }];
    }),
  );
}

/** Letters that the model knows, of which some test word is rightly found. */
export function knownLetters({ f1, found }: Truth): number[] {
  return Array.from(LETTERS, (_, letter) => letter).filter(
    (letter) => f1[letter]! > LEAST_F1 && found[letter]!.length > 0,
  );
}

/**
 * Of the words that are found, within their letters: the same draws for all SAEs of a hook. Each hook finds words of its
 * own, so the seed names them: draws of equal seeds are of the same words.
 */
export function resamplesOfWords(
  { found }: Truth,
  letters: readonly number[],
  draws: { resamples: number; seed: number },
  { layer, site }: Hook,
): Resamples {
  const labels = letters.flatMap((letter, i) => new Array<number>(found[letter]!.length).fill(i));
  const place = site === 'resid_post' ? layer : hookName({ layer, site });
  const words = sha256(canonicalJson([place, letters.map((letter) => [letter, [...found[letter]!]])]));
  return resampleWithinClasses(labels, {
    count: draws.resamples,
    seed: `${draws.seed}:first letters:${words}`,
  });
}

const FRACTION = 'absorption_fraction@saebench-0.6';
const EARLIER = 'absorption_fraction@saebench-0.3';
const FULL = 'absorption_full@saebench';
const SPLIT = 'split_latents@saebench';

/** @returns the part, and its statistics by definition */
export function absorptionSuite(
  { residual, latents }: { residual: DenseFeatures; latents: SparseFeatures },
  words: WordRows,
  truth: Truth,
  ofLetters: ReadonlyMap<number, LetterLatents>,
  directions: NonNullable<Directions['rows']>,
  resamples: Resamples,
): { part: Part; statistics: Record<string, Statistic> } {
  const read = [rowReader(latents), rowReader(residual)] as const;
  const rows: Row[] = [];
  const all: Record<'fraction' | 'earlier' | 'full', Statistic[]> = { fraction: [], earlier: [], full: [] };
  let from = 0;
  for (const [letter, { f1, split }] of ofLetters) {
    const weights = weightsOfOutput(truth.probe, letter);
    const norm = Math.sqrt(weights.reduce((sum, each) => sum + each * each, 0));
    const alignment = alignmentOf(weights, directions);
    const main = new Set(split);
    const found = truth.found[letter]!;
    const absorbed = Array.from(found, (place) => {
      const row = words.again[place]!;
      const { values } = read[1](row);
      const along = values.reduce((sum, value, i) => sum + value * weights[i]!, 0) / norm;
      return absorptionOf(read[0](row), main, alignment, along);
    });
    const mean = (of: (word: (typeof absorbed)[number]) => number): Statistic => {
      const column = new Float64Array(resamples.rows);
      absorbed.forEach((word, i) => {
        column[from + i] = of(word);
      });
      return combine([sumOf(column, resamples)], (sum) => sum / absorbed.length, 'no word is found');
    };
    const own = {
      fraction: mean(({ fraction }) => fraction),
      earlier: mean(({ earlierFraction }) => earlierFraction),
      full: mean(({ full }) => (full ? 1 : 0)),
    };
    for (const key of ['fraction', 'earlier', 'full'] as const) all[key].push(own[key]);
    rows.push({
      name: LETTERS[letter]!,
      cells: {
        words: absorbed.length,
        probe_f1: truth.f1[letter]!,
        latent_f1: f1[0]!,
        split: split.length,
        fraction: share(own.fraction),
        earlier: share(own.earlier),
        full: share(own.full),
        full_words: absorbed.filter(({ full }) => full).length,
      },
    });
    from += absorbed.length;
  }
  const statistics = {
    [FRACTION]: meanOf(all.fraction),
    [EARLIER]: meanOf(all.earlier),
    [FULL]: meanOf(all.full),
  };
  const splits = [...ofLetters.values()].map(({ split }) => split.length);
  const measures = Object.fromEntries(Object.entries(statistics).map(([id, each]) => [id, share(each)]));
  const count: Measure = {
    value: splits.reduce((sum, each) => sum + each, 0) / splits.length,
    interval: null,
    interval_note: 'a count of latents, chosen before the words are drawn again',
  };
  return { part: { measures: { ...measures, [SPLIT]: count }, tables: { letters: rows } }, statistics };
}

/** A part without values, for the reason given. */
export function withoutValues(reason: string): Part {
  const missing = toMeasure(unmeasured(reason));
  return { measures: Object.fromEntries([FRACTION, EARLIER, FULL, SPLIT].map((id) => [id, missing])) };
}

function share(statistic: Statistic): Measure {
  return toMeasure(statistic, {}, [0, 1]);
}
