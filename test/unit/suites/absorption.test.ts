import { describe, expect, test } from 'vitest';
import { hookOf } from '../../../runner/hook.ts';
import { cpythonRandom } from '../../../runner/math/cpython-random.ts';
import type { DenseFeatures, SparseFeatures } from '../../../runner/probes/features.ts';
import {
  type MultiProbeStart,
  trainMultiProbe,
  weightsOfOutput,
} from '../../../runner/probes/multi-probe.ts';
import { partFaults } from '../../../runner/report/part.ts';
import { absorption as declaration } from '../../../runner/report/suites/absorption.ts';
import { definitionOf } from '../../../runner/report/suites/find.ts';
import { absorptionOf, alignmentOf, splitLatents } from '../../../runner/suites/absorption/absorb.ts';
import { readWords } from '../../../runner/suites/absorption/read-words.ts';
import {
  absorptionSuite,
  knownLetters,
  latentsOfLetters,
  resamplesOfWords,
  type Truth,
  truthOf,
  type WordRows,
} from '../../../runner/suites/absorption/score.ts';
import {
  alphabeticWords,
  letterOf,
  promptOf,
  prompts,
  splitWords,
} from '../../../runner/suites/absorption/words.ts';
import golden from '../../fixtures/absorption/absorption.json' with { type: 'json' };
import { BOS, EOS, inTwo, lineWords, made, spellingTokenizer, vocabulary } from './spelling.ts';

const { d, latents: LATENTS, train: TRAIN, test: TEST, draws: seeds } = golden;

/** As `draws` of make_absorption.py. */
function draws(seed: number, rows: number, columns: number, scale = 1): number[][] {
  const stream = cpythonRandom(seed);
  return Array.from({ length: rows }, () =>
    Array.from({ length: columns }, () => (2 * stream.random() - 1) * scale),
  );
}

const count = 26 * (TRAIN + 2 * TEST);
const letters = Int32Array.from({ length: count }, (_, i) => i % 26);
const directions = draws(seeds.directions, 26, d);
const noise = draws(seeds.words, count, d, seeds.noise);
const residualRows = noise.map((row, i) => row.map((each, j) => each + directions[i % 26]![j]!));
const decoder = draws(seeds.decoder, LATENTS, d).map((row, j) => {
  const mixed =
    j < 26
      ? row.map((each, i) => directions[j]![i]! + 0.4 * each)
      : row.map((each, i) => directions[j - 26]![i]! + 0.7 * each);
  const norm = Math.hypot(...mixed);
  return mixed.map((each) => each / norm);
});
const residual: DenseFeatures = { rows: count, columns: d, values: Float32Array.from(residualRows.flat()) };
const latents: SparseFeatures = {
  rows: count,
  columns: LATENTS,
  entries: residualRows.map((row, word) => {
    const acts = decoder.map((direction, latent) => {
      const left = Math.floor(word / 26) % 3 === 0 && word % 26 < LATENTS - 26 && latent === word % 26;
      const act = row.reduce((sum, each, i) => sum + each * direction[i]!, -0.6);
      return left ? 0 : Math.max(0, act);
    });
    const indices = Int32Array.from(acts.keys()).filter((latent) => acts[latent] !== 0);
    return { indices, values: Float32Array.from(indices, (latent) => acts[latent]!) };
  }),
};
const range = (from: number, to: number): Int32Array =>
  Int32Array.from({ length: to - from }, (_, i) => from + i);
const words: WordRows = {
  letters,
  train: range(0, 26 * TRAIN),
  test: range(26 * TRAIN, 26 * (TRAIN + TEST)),
  again: range(26 * (TRAIN + TEST), count),
};

/** The first weights that the maker gives the program's probes: a row an output, the bias last. */
function start(seed: number, columns: number): MultiProbeStart {
  const drawn = draws(seed, 26, columns + 1, 1 / Math.sqrt(columns));
  const weights = new Float64Array(columns * 26);
  drawn.forEach((row, output) => {
    for (let j = 0; j < columns; j++) weights[j * 26 + output] = row[j]!;
  });
  return {
    columns,
    outputs: 26,
    weights,
    biases: Float64Array.from(drawn, (row) => row[columns]!),
    order: () => range(0, words.train.length),
  };
}

const truth: Truth = truthOf(residual, words, start(seeds.truth, d));
const found = latentsOfLetters(latents, words, start(seeds.sparse, LATENTS), {
  most: 10,
  jump: 0.03,
  letters: [...range(0, 26)],
});

describe('absorption, held to SAEBench', () => {
  test('the probe on the residual', () => {
    for (const [letter, weights] of golden.truth.weights.entries()) {
      const ours = weightsOfOutput(truth.probe, letter);
      weights.forEach((weight, j) => {
        expect(ours[j]!).toBeCloseTo(weight, 4);
      });
      expect(truth.probe.biases[letter]!).toBeCloseTo(golden.truth.biases[letter]!, 4);
    }
    expect(truth.f1.map((each) => each.toFixed(6))).toEqual(
      golden.letters.map(({ probe_f1 }) => probe_f1.toFixed(6)),
    );
    expect(truth.found.map((places) => [...places])).toEqual(golden.letters.map((each) => each.words));
  });

  test('the latents of each letter, the probes on them, and into how many the letter is split', () => {
    for (const [letter, { f1, split, order }] of golden.letters.entries()) {
      const ours = found.get(letter)!;
      expect([...ours.split]).toEqual(split);
      expect(ours.f1.map((each) => each.toFixed(6))).toEqual(f1.map((each) => each.toFixed(6)));
      expect([...splitLatents(Int32Array.from(order), f1, 0.03)]).toEqual(split);
    }
  });

  test('both fractions and full absorption of every word', () => {
    const kinds = { none: 0, part: 0, whole: 0, full: 0 };
    for (const [letter, theirs] of golden.letters.entries()) {
      const weights = weightsOfOutput(truth.probe, letter);
      const norm = Math.hypot(...weights);
      const alignment = alignmentOf(weights, Float32Array.from(decoder.flat()));
      theirs.words.forEach((place, i) => {
        const row = words.again[place]!;
        const along = residualRows[row]!.reduce((sum, each, j) => sum + each * weights[j]!, 0) / norm;
        const ours = absorptionOf(latents.entries[row]!, new Set(theirs.split), alignment, along);
        expect(ours.fraction).toBeCloseTo(theirs.fraction[i]!, 4);
        expect(ours.earlierFraction).toBeCloseTo(theirs.earlier[i]!, 4);
        expect(ours.full).toBe(theirs.full[i]);
        kinds[ours.fraction === 0 ? 'none' : ours.fraction === 1 ? 'whole' : 'part']++;
        if (ours.full) kinds.full++;
      });
    }
    // The made words show every branch of the rules.
    expect(Math.min(...Object.values(kinds))).toBeGreaterThan(0);
  });

  test('the means over letters, with intervals that hold them', () => {
    // With 26 letters in twelve dimensions no probe is as good as a letter needs.
    expect(knownLetters(truth)).toEqual([]);
    const known = knownLetters({ ...truth, f1: truth.f1.map(() => 0.61) });
    expect(known).toEqual([...range(0, 26)].filter((letter) => golden.letters[letter]!.words.length > 0));
    expect(known.length).toBeGreaterThan(20);
    const resamples = resamplesOfWords(truth, known, { resamples: 100, seed: 0 }, hookOf(0));
    const ofLetters = new Map(known.map((letter) => [letter, found.get(letter)!]));
    const rows = Float32Array.from(decoder.flat());
    const { part } = absorptionSuite({ residual, latents }, words, truth, ofLetters, rows, resamples);
    const of = (read: (letter: (typeof golden.letters)[number]) => number): number =>
      known.reduce((sum, letter) => sum + read(golden.letters[letter]!), 0) / known.length;
    const mean = (values: readonly number[]): number =>
      values.reduce((sum, each) => sum + each, 0) / values.length;
    const measure = (id: string) => {
      const value = part.measures![id]!;
      if (value.value === null) throw new Error(value.reason);
      return value;
    };
    const fraction = measure('absorption_fraction@saebench-0.6');
    expect(fraction.value).toBeCloseTo(
      of(({ fraction: each }) => mean(each)),
      4,
    );
    expect(fraction.interval!.low).toBeLessThan(fraction.value);
    expect(fraction.interval!.high).toBeGreaterThan(fraction.value);
    expect(measure('absorption_fraction@saebench-0.3').value).toBeCloseTo(
      of(({ earlier }) => mean(earlier)),
      4,
    );
    expect(measure('absorption_full@saebench').value).toBeCloseTo(
      of(({ full }) => mean(full.map(Number))),
      9,
    );
    expect(measure('split_latents@saebench').value).toBeCloseTo(
      of(({ split }) => split.length),
      9,
    );
    expect(partFaults(part, declaration, (id) => definitionOf({}, id))).toEqual([]);
  });

  test('the words of a vocabulary, and the prompt', () => {
    const { tokens, words: theirs } = golden.vocabulary;
    const tokenizer = {
      decode: (ids: readonly number[]) => ids.map((id) => tokens[id]).join(''),
      size: tokens.length,
      special: new Set<number>(),
    };
    expect(alphabeticWords(tokenizer)).toEqual(theirs);
    const { word, examples, base } = golden.prompt;
    const lines = base.split('\n');
    const drawn = lines.slice(1, -1).map((line) => examples.find((each) => line.startsWith(`${each} has`))!);
    expect(promptOf(word, drawn)).toBe(base);
  });
});

describe('the words of the task', () => {
  const pool = Array.from({ length: 50 }, (_, i) => `${'abcde'[i % 5]}${'x'.repeat(Math.floor(i / 5) + 1)}`);

  test('are divided by the seed, none on both sides, and at most as many as asked for', () => {
    const { train, test: tested } = splitWords(pool, 40, 3);
    expect([train.length, tested.length]).toEqual([32, 8]);
    expect(new Set([...train, ...tested]).size).toBe(40);
    expect(splitWords(pool, 40, 4).train).not.toEqual(train);
    expect(splitWords(pool, 40, 3).train).toEqual(train);
  });

  test('never stand among their own examples', () => {
    for (const [i, prompt] of prompts(pool, pool, 10, ['seed']).entries()) {
      const lines = prompt.split('\n').slice(1);
      expect(lines).toHaveLength(11);
      expect(lines.filter((line) => line.startsWith(`${pool[i]} has`))).toHaveLength(1);
    }
  });
});

describe('the prompts of a tokenizer', () => {
  test.each<[string, number[], number[]]>([
    ['no special tokens', [], []],
    ['BOS', [BOS], []],
    ['EOS at the end', [], [EOS]],
    ['both', [BOS], [EOS]],
  ])('hold every word that is one token, where the model is read: %s', async (_name, before, after) => {
    const excluded: string[] = [];
    const asked: string[] = [];
    const read = await readWords(
      {
        tokenizer: spellingTokenizer([before, after]),
        probeSeed: 0,
        exclude: (_data, reason) => excluded.push(reason),
        tokenOf: (texts, position) => {
          for (const [i, text] of texts.entries()) asked.push(vocabulary[text.ids[position(text, i)]!]!);
          return { at: () => ({ latents: [], residual: null }) };
        },
      },
      1000,
      10,
    );
    const whole = made.filter((word) => !inTwo.has(word));
    expect(new Set(asked)).toEqual(new Set([...whole, ...lineWords]));
    const { train, test: tested, again } = read!.words;
    expect(train.length + tested.length).toBe(new Set(asked).size);
    expect(again).toHaveLength(tested.length);
    expect([...read!.words.letters]).toEqual(asked.map(letterOf));
    expect(excluded).toEqual([`${inTwo.size} words that are no single token within the prompt`]);
  });
});

test('an L1 penalty is what makes the probe sparse', () => {
  const recipe = {
    epochs: 50,
    batchRows: 4096,
    learningRate: [1e-2, 1e-5] as const,
    weightDecay: 1e-6,
    l1: 0,
  };
  const classes = words.train.map((row) => letters[row]!);
  const size = (l1: number): number =>
    trainMultiProbe(latents, words.train, classes, start(seeds.sparse, LATENTS), {
      ...recipe,
      l1,
    }).weights.reduce((sum, each) => sum + Math.abs(each), 0);
  expect(size(1)).toBeLessThan(0.7 * size(0));
});
