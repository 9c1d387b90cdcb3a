import { describe, expect, it } from 'vitest';
import {
  type ConceptOptions,
  conceptTexts,
  evaluateConcepts,
  planConceptSuites,
} from '../../../runner/evaluation/concepts.ts';
import { random } from '../../../runner/math/random.ts';
import { needsOf, suiteNames } from '../../../runner/suites/needs.ts';
import type { ProbeRow, ProbeSet } from '../../../runner/text/probe-sets.ts';

const options: ConceptOptions = {
  suites: suiteNames,
  ks: [1, 2],
  ns: [1],
  scrPairs: [],
  seed: 0,
  resamples: 50,
  resampleSeed: 0,
};
const BOS = 0;

const rows = (count: number, offset: number): ProbeRow[] =>
  Array.from({ length: count }, (_, i) => ({
    text: `t${offset + i}`,
    label: i % 3,
    attribute: Math.floor(i / 3) % 2,
  }));

const set: ProbeSet = {
  name: 'three',
  data: 'simulated',
  classes: ['a', 'b', 'c'],
  attribute: { name: 'tone', values: ['low', 'high'] },
  train: rows(36, 0),
  test: rows(24, 100),
  removed: { duplicates: 0, unused: 0 },
};
const read = ({ text }: ProbeRow): number[] => [BOS, Number(text.slice(1)) + 1];
const encoded = [...set.train, ...set.test].map(read);

describe('conceptTexts', () => {
  it('numbers training rows first, and counts no special token', () => {
    const { set: found, texts } = conceptTexts(set, encoded, new Set([BOS]));
    expect(Array.from(found.train)).toEqual(Array.from({ length: 36 }, (_, i) => i));
    expect(Array.from(found.test)).toEqual(Array.from({ length: 24 }, (_, i) => 36 + i));
    expect(texts[36]).toEqual({ ids: [BOS, 101], kept: Uint8Array.of(0, 1) });
    expect(found.attribute?.labels[39]).toBe(1);
  });

  it('splits a set that has no test part of its own', () => {
    const { set: found } = conceptTexts({ ...set, test: [] }, encoded.slice(0, 36), new Set([BOS]));
    expect(found.train).toHaveLength(28);
    expect(found.test).toHaveLength(8);
  });

  it('refuses a text of special tokens alone', () => {
    expect(() =>
      conceptTexts(
        set,
        encoded.map(() => [BOS]),
        new Set([BOS]),
      ),
    ).toThrow(/probe set three, text 0: found 1 tokens, none that counts/);
  });
});

describe('planConceptSuites', () => {
  const { set: known } = conceptTexts(set, encoded, new Set([BOS]));

  it('takes classes two by two, or the pairs that are declared for the set', () => {
    const namesOf = (scrPairs: ConceptOptions['scrPairs']) =>
      planConceptSuites([known], { ...options, scrPairs }).sets[0]!.pairs.map(({ name }) => name);
    expect(namesOf([])).toEqual(['b / a']);
    expect(namesOf([{ set: 'another', positive: 'x', negative: 'y' }])).toEqual(['b / a']);
    const declared = [
      { set: 'three', positive: 'c', negative: 'a' },
      { set: 'three', positive: 'a', negative: 'b' },
    ];
    expect(namesOf(declared)).toEqual(['c / a', 'a / b']);
    const [first] = planConceptSuites([known], { ...options, scrPairs: declared }).sets[0]!.pairs;
    // Where the probe is biased, c has the second value of the attribute and a the first.
    const { rows, labels } = first!.biased;
    expect(rows.length).toBeGreaterThan(0);
    rows.forEach((row, i) => {
      expect(known.labels[row]).toBe(labels[i] === 1 ? 2 : 0);
      expect(known.attribute!.labels[row]).toBe(labels[i]);
    });
    expect(() => namesOf([{ set: 'three', positive: 'c', negative: 'd' }])).toThrow(
      /probing.scrPairs: set three: found class "d"; expected one of "a", "b", "c"/,
    );
  });

  it('records what it leaves out', () => {
    expect(planConceptSuites([], options).exclusions.map(({ suite }) => suite)).toEqual([
      'k-sparse',
      'tpp',
      'scr',
    ]);
    const { attribute: _, ...plain } = known;
    expect(planConceptSuites([plain], options).exclusions).toEqual([
      { suite: 'scr', data: 'three', reason: 'the set has no second label' },
    ]);
    const onlyLow = { ...known, attribute: { ...known.attribute!, labels: known.texts.map(() => 0) } };
    expect(planConceptSuites([onlyLow], options).exclusions).toMatchObject([
      { suite: 'scr', data: 'three: b / a', reason: expect.stringMatching(/0 training and 0 test texts/) },
    ]);
  });

  it('gives each SAE what its suites ask for, and nothing else', async () => {
    const stream = random('concept suites');
    const draw = (columns: number) => ({
      values: Float32Array.from({ length: 60 * columns }, () => stream.next()),
      rows: 60,
      columns,
    });
    const features = [{ residual: draw(4), latents: [draw(6), draw(6)] }];
    const directions = async () => ({ rows: new Float32Array(24).fill(1) });
    const run = async (suites: ConceptOptions['suites']) => {
      const asked = { ...options, suites };
      const found = [];
      for await (const each of evaluateConcepts(
        planConceptSuites([known], asked),
        features,
        [directions, directions],
        asked,
      ))
        found.push(Object.keys(each));
      return found;
    };
    expect(await run(suiteNames)).toEqual([
      ['k-sparse', 'tpp', 'scr'],
      ['k-sparse', 'tpp', 'scr'],
    ]);
    expect(await run(['tpp'])).toEqual([['tpp'], ['tpp']]);
  });
});

describe('needsOf', () => {
  it('is the union of what the suites ask for', () => {
    expect(needsOf([])).toEqual({ bosRows: false, tasks: false, sets: false, divergence: false });
    expect(needsOf(['tpp', 'scr'])).toEqual({ bosRows: false, tasks: false, sets: true, divergence: false });
    expect(needsOf(suiteNames)).toEqual({ bosRows: true, tasks: true, sets: true, divergence: true });
  });
});
