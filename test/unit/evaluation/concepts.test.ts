import { describe, expect, it } from 'vitest';
import { resolveRun } from '../../../runner/config/resolve.ts';
import { suitesOf } from '../../../runner/config/run-config.ts';
import { conceptTexts } from '../../../runner/evaluation/concepts.ts';
import { readingsOf } from '../../../runner/job/evaluation/pooled-memory.ts';
import { random } from '../../../runner/math/random.ts';
import type { ConceptSet } from '../../../runner/suites/concepts.ts';
import { kSparse } from '../../../runner/suites/k-sparse/suite.ts';
import { type ClassPair, plansOf, scr } from '../../../runner/suites/scr/suite.ts';
import type { ScoredSae, Suite, SuiteContext } from '../../../runner/suites/suite.ts';
import { tpp } from '../../../runner/suites/tpp/suite.ts';
import type { ProbeRow, ProbeSet } from '../../../runner/text/probe-sets.ts';
import { expectDeclared } from '../suites/declared.ts';

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

describe('the suites over sets', () => {
  const { set: known } = conceptTexts(set, encoded, new Set([BOS]));
  const draws = { resamples: 50, resampleSeed: 0 };

  it('scr takes classes two by two, or the pairs that are declared for the set', () => {
    const plans = (scrPairs: ClassPair[]) => plansOf(known, scrPairs, draws, () => undefined);
    const namesOf = (scrPairs: ClassPair[]) => plans(scrPairs).map(({ name }) => name);
    expect(namesOf([])).toEqual(['b / a']);
    expect(namesOf([{ set: 'another', positive: 'x', negative: 'y' }])).toEqual(['b / a']);
    const declared = [
      { set: 'three', positive: 'c', negative: 'a' },
      { set: 'three', positive: 'a', negative: 'b' },
    ];
    expect(namesOf(declared)).toEqual(['c / a', 'a / b']);
    const [first] = plans(declared);
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

  const stream = random('concept suites');
  const draw = (columns: number) => ({
    values: Float32Array.from({ length: 60 * columns }, () => stream.next()),
    rows: 60,
    columns,
  });
  const sparse = (columns: number) => {
    const { values } = draw(columns);
    const indices = Int32Array.from({ length: columns }, (_, j) => j);
    const entries = Array.from({ length: 60 }, (_, row) => ({
      indices,
      values: values.subarray(row * columns, (row + 1) * columns),
    }));
    return { rows: 60, columns, entries };
  };
  const pooled = { residual: draw(4), latents: [sparse(6), sparse(6)] };

  /** A context of one hook with two SAEs. */
  function contextOf(sets: readonly ConceptSet[], exclusions: [string, string][] = []): SuiteContext {
    const refuse = (): never => {
      throw new Error('not asked for by these suites');
    };
    return {
      hooks: [{ layer: 0, site: 'resid_post', d: 4, saes: [{ d_sae: 6 }, { d_sae: 6 }] }],
      draws: { resamples: 50, seed: 0 },
      probeSeed: 0,
      controls: false,
      truth: null,
      tokenizer: {
        encode: refuse,
        encodeAll: refuse,
        decode: refuse,
        special: new Set(),
        begin: null,
        size: 0,
      },
      exclude: (data, reason) => exclusions.push([data, reason]),
      remember: async (_key, make) => make(),
      tasks: refuse,
      sets: async () => sets.map((each) => ({ set: each, pooled: { at: () => pooled } })),
      probeSet: refuse,
      pooled: refuse,
      tokenOf: refuse,
      visit: refuse,
      heldOut: refuse,
      ablated: refuse,
      logitEffects: refuse,
      nearestRows: refuse,
      splicedLosses: refuse,
    };
  }

  const settings = { kValues: [1, 2], nValues: [1], scrPairs: [] };
  const sae = (index: number): ScoredSae => ({
    hook: 0,
    index,
    sha256: 'c'.repeat(64),
    directions: async () => ({ rows: Float32Array.from({ length: 24 }, () => 20 * stream.gaussian()) }),
    decoder: { rows: null, reason: 'not part of this test' },
    uses: [],
    base: { statistics: {}, measures: {}, tokens: 0 },
  });

  it.each([
    ['k-sparse', kSparse],
    ['tpp', tpp],
    ['scr', scr],
  ] as const)('%s gives each SAE a part as it declares it', async (id, suite) => {
    const run = await suite.begin(contextOf([known]), settings);
    const parts = [(await run!.score(sae(0))).part, (await run!.score(sae(1))).part];
    for (const part of parts) expectDeclared(id, part);
    // Where nothing is lost SCR is 0 for any SAE.
    if (suite !== scr) expect(parts[0]).not.toEqual(parts[1]);
  });

  it('say what they leave out', async () => {
    const exclusionsOf = async (suite: Suite, sets: readonly ConceptSet[]) => {
      const exclusions: [string, string][] = [];
      expect(await suite.begin(contextOf(sets, exclusions), settings)).toBeNull();
      return exclusions;
    };
    for (const suite of [kSparse, tpp, scr]) {
      expect(await exclusionsOf(suite, [])).toEqual([
        ['probing.sets', 'the run names no set of several classes'],
      ]);
    }
    const { attribute: _, ...plain } = known;
    expect(await exclusionsOf(scr, [plain])).toEqual([['three', 'the set has no second label']]);
    const onlyLow = { ...known, attribute: { ...known.attribute!, labels: known.texts.map(() => 0) } };
    expect(await exclusionsOf(scr, [onlyLow])).toEqual([
      ['three: b / a', expect.stringMatching(/0 training and 0 test texts/)],
    ]);
  });
});

describe('what the suites of a run read', () => {
  it('is each text once, whoever asks for it', async () => {
    const readingsWith = async (...names: string[]) => {
      const set = [`evaluation.suites=${JSON.stringify(names)}`];
      const config = await resolveRun(['small-world-quick'], { set });
      return readingsOf(config, suitesOf(config)).map(({ name }) => name);
    };
    expect(await readingsWith()).toEqual([]);
    expect(await readingsWith('tpp', 'scr')).toEqual(['sets']);
    expect(await readingsWith('interpscore', 'core', 'k-sparse')).toEqual(['tasks', 'rows from BOS', 'sets']);
  });
});
