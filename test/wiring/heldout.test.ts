/**
 * Training and held-out documents do not meet, shown on what the program makes of them: other held-out documents leave
 * every bit of the SAEs as it was, other training documents every figure of the evaluation. For each kind of corpus,
 * with a sweep, and with a training that was stopped and taken up again.
 */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { demoModelFolder, demoRow, type Register } from '../../runner/demo/index.ts';
import type { EvaluationRecord } from '../../runner/report/schema.ts';
import { demoMixture } from '../../runner/text/demo-source.ts';
import { mixture, startOfMixture } from '../../runner/text/mixture.ts';
import { loadTokenizer } from '../../runner/text/tokenizer.ts';
import { readRecords, runProgram, startProgram, until } from '../e2e/program.ts';
import { whole } from '../sample.ts';
import { configWord, type Settings, SMALL } from './program-run.ts';

const SHARE = 0.2;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'interpboard-heldout-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

type Side = 'training' | 'heldout';

/** The rule as README and definitions have it: 48 bits of the SHA-256 of the text, white space as one space. */
function sideOf(text: string): Side {
  const hash = createHash('sha256').update(text.replace(/\s+/g, ' ').trim()).digest('hex');
  return Number.parseInt(hash.slice(0, 12), 16) / 2 ** 48 < SHARE ? 'heldout' : 'training';
}

interface Row {
  side: Side;
  value: Record<string, string>;
}

function rows(register: Register, seed: number, count: number): Row[] {
  return Array.from({ length: count }, (_, i) => {
    const value = demoRow(register, seed, i) as unknown as Record<string, string>;
    const text =
      register === 'prose' ? value.text! : `Problem: ${value.problem}\n\nSolution: ${value.solution}`;
    return { side: sideOf(text), value };
  });
}

/** The rows with others, of the same side, in the place of those of one side. */
function replaced(given: readonly Row[], side: Side | null, others: readonly Row[]): Row[] {
  const fresh = others.filter((row) => row.side === side).values();
  return given.map((row) => (row.side === side ? fresh.next().value! : row));
}

const lines = (given: readonly Row[]): string => given.map(({ value }) => JSON.stringify(value)).join('\n');

const parquet = (given: readonly Row[]): Uint8Array =>
  new Uint8Array(
    parquetWriteBuffer({
      columnData: [{ name: 'text', data: given.map(({ value }) => value.text!), type: 'STRING' }],
      codec: 'UNCOMPRESSED',
      rowGroupSize: 100,
    }),
  );

/** Writes a corpus whose documents of one side are others; gives the settings that name it. */
type Corpus = (place: string, other: Side | null) => Promise<Settings>;

const prose = { given: rows('prose', 31, 1500), others: rows('prose', 32, 2500) };
const sums = { given: rows('arithmetic', 33, 2500), others: rows('arithmetic', 34, 4000) };

const corpora: Record<string, Corpus> = {
  async lines(place, other) {
    const path = join(place, 'text.jsonl');
    await writeFile(path, lines(replaced(prose.given, other, prose.others)));
    return { 'corpus.source': path };
  },
  async 'a mixture of parquet and compressed problems'(place, other) {
    const [one, two] = [join(place, 'text.parquet'), join(place, 'sums.jsonl.gz')];
    await writeFile(one, parquet(replaced(prose.given, other, prose.others)));
    await writeFile(two, gzipSync(lines(replaced(sums.given, other, sums.others))));
    const second = { data: two, weight: 1, extract: { kind: 'problem-solution', solutionField: 'solution' } };
    return { 'corpus.source': [{ data: one, weight: 2 }, second] };
  },
  async 'held-out text of its own, with documents of the training text among it'(place, other) {
    const [source, heldout] = [join(place, 'text.jsonl'), join(place, 'heldout.jsonl')];
    const own = replaced(prose.given, other, prose.others);
    await writeFile(source, lines(own));
    await writeFile(heldout, lines([...own].reverse()));
    return { 'corpus.source': source, 'corpus.heldout': heldout };
  },
};

const settings = {
  ...SMALL,
  // Steps enough after the first checkpoint for the stop to come among them.
  'training.tokens': 24_576,
  'corpus.heldoutShare': SHARE,
  'sweep.k': [8, 16],
  'validation.tokens': 1024,
  'evaluation.suites': ['core'],
  'evaluation.coreTokens': 512,
};

async function words(place: string, more: Settings): Promise<string[]> {
  return [
    ...['eval', 'small-world-quick', '--name=heldout', '--no-site', '--cache=off'],
    await configWord(place, { ...settings, ...more }),
    ...[`--runs=${join(place, 'runs')}`, `--content=${join(place, 'content')}`],
  ];
}

const recordsOf = (place: string): Promise<EvaluationRecord[]> =>
  readRecords(join(place, 'runs', 'heldout', 'records'));
const ofFile = (records: readonly EvaluationRecord[], name: string): EvaluationRecord =>
  records.find(({ sae }) => sae.files.some((file) => file.name === name))!;
const measured = ({ metrics, data, curves, suites }: EvaluationRecord) => {
  return { metrics, documents: data!.documents, tokens: data!.tokens, curves, suites };
};

const FILES = ['sae_L2_k8_latest.safetensors', 'sae_L2_k16_latest.safetensors'];

const all = Object.entries(corpora);
const chosen = whole ? all : all.slice(0, 1);
const rest = all.length - chosen.length;
describe(`documents of the two sides${rest > 0 ? ` (${rest} more kinds of corpora: npm run test:wiring)` : ''}`, () => {
  test.each(chosen)('%s', async (kind, corpus) => {
    const place = async (name: string): Promise<string> => {
      const path = join(folder, kind.replaceAll(/\W+/g, '-'), name);
      await mkdir(path, { recursive: true });
      return path;
    };
    const given = await place('given');
    const whole = await runProgram(await words(given, await corpus(given, null)));
    expect({ code: whole.code, err: whole.err }).toEqual({ code: 0, err: '' });
    const before = await recordsOf(given);

    // Other held-out documents, and a training in two sessions.
    const heldout = await place('heldout');
    const again = await words(heldout, await corpus(heldout, 'heldout'));
    const stopped = startProgram(again);
    const checkpoints = join(heldout, 'runs', 'heldout', 'checkpoints');
    await until(
      async () => (await readdir(checkpoints).catch(() => [])).some((name) => name.startsWith('generation')),
      stopped,
    );
    stopped.child.kill('SIGINT');
    expect((await stopped.outcome).code).toBe(130);
    const resumed = await runProgram(again);
    expect({ code: resumed.code, err: resumed.err }).toEqual({ code: 0, err: '' });
    expect(resumed.out).toContain('resumes training');
    const otherHeldout = await recordsOf(heldout);
    for (const name of FILES) {
      expect(ofFile(otherHeldout, name).sae.sha256).toBe(ofFile(before, name).sae.sha256);
      // They were read, too.
      expect(measured(ofFile(otherHeldout, name))).not.toEqual(measured(ofFile(before, name)));
    }

    // Other training documents; the SAEs of before are measured beside the new ones.
    const training = await place('training');
    const trained = FILES.map((name) => join(given, 'runs', 'heldout', name));
    const third = await runProgram(
      await words(training, { ...(await corpus(training, 'training')), saes: trained }),
    );
    expect({ code: third.code, err: third.err }).toEqual({ code: 0, err: '' });
    const otherTraining = await recordsOf(training);
    for (const name of FILES) {
      const old = ofFile(before, name);
      const measuredAgain = otherTraining.find(
        ({ sae }) => sae.source !== undefined && sae.sha256 === old.sae.sha256,
      );
      expect(measured(measuredAgain!)).toEqual(measured(old));
      const own = otherTraining.find(({ sae }) => sae.training !== null && sae.k === old.sae.k)!;
      expect(own.sae.sha256).not.toBe(old.sae.sha256);
    }
  });
});

test('the small world of one seed has no document of the other', async () => {
  const tokenizer = await loadTokenizer(demoModelFolder);
  const hashes = async (seed: number, count: number): Promise<Set<string>> => {
    const sources = demoMixture(seed);
    const found = new Set<string>();
    for await (const { hash } of mixture(sources, startOfMixture(sources, seed), tokenizer)) {
      found.add(hash);
      if (found.size === count) break;
    }
    return found;
  };
  // As many as the presets read, and more.
  const [training, heldout] = [await hashes(42, 4_000), await hashes(43, 600)];
  expect([...heldout].filter((hash) => training.has(hash))).toEqual([]);
});
