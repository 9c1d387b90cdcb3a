/** The suite from its settings to its scores, where the residual spells: the embedded model of the other tests cannot. */
import { expect, test } from 'vitest';
import { keysAt, type PairingKeys, pairedPart } from '../../../runner/evaluation/pairing.ts';
import type { SparseFeatures } from '../../../runner/probes/features.ts';
import { pairedDifference } from '../../../runner/report/paired.ts';
import { type EvaluationRecord, record } from '../../../runner/report/schema.ts';
import { absorption } from '../../../runner/suites/absorption/suite.ts';
import { letterOf } from '../../../runner/suites/absorption/words.ts';
import type { ProbeText, ScoredSae, SuiteContext, SuiteResult } from '../../../runner/suites/suite.ts';
import { fixture } from '../site/fixtures.ts';
import { spellingTokenizer, vocabulary } from './spelling.ts';

const LETTERS = 26;
/** Axes of each letter: the probe's few steps must outweigh where it starts. */
const AXES = 6;
const D = LETTERS * AXES;
/** Most of them silent: the more there are, the nearer to 0 a probe's weights begin. */
const LATENTS = 400;
const FRACTION = 'absorption_fraction@saebench-0.6';
const settings = { words: 20_000, examples: 4, latents: 3, f1Jump: 0.03 };

/** In the second layer these words point to the next letter, which no probe can put right. */
const ASTRAY = /^[a-e][c-f]$/;

interface At {
  word: string;
  letter: number;
}

/** Each letter along axes of its own. */
function residualOf(words: readonly At[], hook: number) {
  const values = new Float32Array(words.length * D);
  words.forEach(({ word, letter }, row) => {
    const seen = hook === 1 && ASTRAY.test(word) ? (letter + 1) % LETTERS : letter;
    const from = row * D + seen * AXES;
    values.fill(10, from, from + AXES);
  });
  return { rows: words.length, columns: D, values };
}

/** Of each letter two latents, for words that end in a to k and for the others. */
function latentsOf(words: readonly At[]): SparseFeatures {
  const entries = words.map(({ word, letter }) => ({
    indices: Int32Array.of(2 * letter + (/[l-p]$/.test(word) ? 1 : 0)),
    values: Float32Array.of(5),
  }));
  return { rows: words.length, columns: LATENTS, entries };
}

/** One unit of a latent adds one along its letter's axes. */
const rows = Float32Array.from({ length: LATENTS * D }, (_, i) =>
  Math.floor(i / D / 2) === Math.floor((i % D) / AXES) ? 1 : 0,
);

const unused = (): never => {
  throw new Error('not of this suite');
};

/** The probe of a layer is the same whatever is asked of the latents. */
const remembered = new Map<string, unknown>();
async function remember<T>(key: unknown, make: () => T | Promise<T>): Promise<T> {
  const name = JSON.stringify(key);
  if (!remembered.has(name)) remembered.set(name, await make());
  return remembered.get(name) as T;
}

async function scored(changed: Partial<typeof settings> = {}, hook = 0) {
  let texts: readonly ProbeText[] = [];
  const context: SuiteContext = {
    hooks: [0, 1].map((layer) => ({ layer, site: 'resid_post', d: D, saes: [{ d_sae: LATENTS }] })),
    draws: { resamples: 100, seed: 0 },
    probeSeed: 0,
    controls: false,
    truth: null,
    tokenizer: spellingTokenizer(),
    exclude: () => undefined,
    remember,
    tasks: unused,
    sets: unused,
    probeSet: unused,
    pooled: unused,
    visit: unused,
    heldOut: unused,
    ablated: unused,
    logitEffects: unused,
    nearestRows: unused,
    splicedLosses: unused,
    tokenOf(asked, position) {
      texts = asked;
      const words = asked.map((text, i) => {
        const word = vocabulary[text.ids[position(text, i)]!]!;
        return { word, letter: letterOf(word) };
      });
      return { at: (at) => ({ latents: [latentsOf(words)], residual: residualOf(words, at) }) };
    },
  };
  const run = (await absorption.begin(context, { ...settings, ...changed }))!;
  const sae: ScoredSae = {
    hook,
    index: 0,
    sha256: 'c'.repeat(64),
    directions: async () => ({ rows }),
    decoder: { rows: null, reason: 'not part of this test' },
    uses: [],
    base: { statistics: {}, measures: {}, tokens: 0 },
  };
  const lines = texts.map(({ ids }) => ids.filter((id) => vocabulary[id] === '\n').length);
  return { run, result: await run.score(sae), lines };
}

const splitOf = ({ part }: SuiteResult) => part.measures!['split_latents@saebench']!.value;

test('the settings reach the latents of a letter and the prompts', async () => {
  const usual = await scored();
  expect(usual.result.part.tables!.letters!.length).toBeGreaterThanOrEqual(20);
  // A letter of which no test word belongs to the second latent has one.
  expect(splitOf(usual.result)).toBeGreaterThan(1.5);
  expect(new Set(usual.lines)).toEqual(new Set([settings.examples + 1]));
  expect(splitOf((await scored({ latents: 1 })).result)).toBe(1);
  expect(splitOf((await scored({ f1Jump: 1 })).result)).toBe(1);
  expect(new Set((await scored({ examples: 2 })).lines)).toEqual(new Set([3]));
});

test('two layers that find other words are not compared as over the same ones', async () => {
  const recordAt = async (hook: number): Promise<EvaluationRecord> => {
    const { run, result } = await scored({}, hook);
    expect(run.pairing).toHaveLength(1);
    const keys: PairingKeys = {
      tokens: 'a'.repeat(64),
      probes: 'b'.repeat(64),
      suites: { absorption: 'c'.repeat(64) },
    };
    const copy = structuredClone(fixture('small-world-l0'));
    copy.suites = { absorption: result.part };
    copy.paired = pairedPart({}, keysAt(keys, { absorption: result.pairing }), {
      absorption: { [FRACTION]: result.statistics![FRACTION]! },
    })!;
    return record.parse(copy);
  };
  const [first, second] = [await recordAt(0), await recordAt(1)];
  expect(pairedDifference(first, first, FRACTION)).not.toBeNull();
  expect(pairedDifference(first, second, FRACTION)).toBeNull();
  expect(first.paired!.sources).not.toEqual(second.paired!.sources);
});
