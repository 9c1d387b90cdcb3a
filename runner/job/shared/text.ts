/** The text a run reads: training rows, held-out rows, probe texts. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import type { RunConfig } from '../../config/run-config.ts';
import { UserError } from '../../errors.ts';
import { dataFileFinder } from '../../hub/data-files.ts';
import { readHubSettings } from '../../hub/settings.ts';
import { openHub } from '../../hub/transport.ts';
import { describeFiles, type FindDataFiles } from '../../io/data-files.ts';
import type { TokenBatch } from '../../lm/language-model.ts';
import { type Reporter, Stopped } from '../../reporter.ts';
import { bosRows, CORE_ROW_TOKENS } from '../../text/bos-rows.ts';
import { corpora } from '../../text/corpora.ts';
import { DEMO_PROBES, demoProbeSet } from '../../text/demo-probes.ts';
import { demoMixture } from '../../text/demo-source.ts';
import { fileProbeSet } from '../../text/file-probes.ts';
import { fileSource, type SourceDeclaration } from '../../text/file-source.ts';
import { ALL, type Part } from '../../text/holdout.ts';
import { mixture, startOfMixture } from '../../text/mixture.ts';
import {
  EVALUATION_PACKING,
  type PackedRow,
  type PackingOptions,
  type PackingPosition,
  packRows,
  startOfPacking,
} from '../../text/packing.ts';
import { declaredProbes } from '../../text/probe-declaration.ts';
import { noSuchSet, type ProbeSetLoader } from '../../text/probe-sets.ts';
import type { TextSource } from '../../text/source.ts';
import type { Tokenizer } from '../../text/tokenizer.ts';

/** Data files of this machine and of the hub that the environment names. */
export const findFiles: FindDataFiles = dataFileFinder(
  async () => openHub({ settings: await readHubSettings(process.env, homedir()) }),
  { exists: existsSync, home: homedir() },
);

/**
 * Packed rows of training text, from a recorded position or from the start.
 *
 * @throws UserError when the text ends: going on with what is left of a mixture would be another one
 */
export async function* trainingRows(
  config: RunConfig,
  tokenizer: Tokenizer,
  from: PackingPosition | undefined,
  find: FindDataFiles = findFiles,
): AsyncGenerator<PackedRow> {
  const { corpus } = config;
  const { trainSeed, rowTokens, boundaries, heldoutShare, badRows } = corpus;
  const sources = await sourcesOf(corpus.source, trainSeed, find);
  const part: Part = corpus.source === 'small-world' ? ALL : { take: 'training', heldoutShare };
  const position = from ?? startOfPacking(startOfMixture(sources, trainSeed));
  let ended = '';
  const onEnd = (source: string): void => {
    ended = source;
  };
  const texts = mixture(sources, position.mixture, tokenizer, { part, onEnd, badRows });
  let { rows } = position;
  for await (const row of packRows(texts, tokenizer, position, { rowTokens, boundaries })) {
    rows = row.position.rows;
    yield row;
  }
  throw tooShort('training text', ended, rows * rowTokens, config.training.tokens, 'training.tokens');
}

export interface EvaluationText {
  batches: TokenBatch[];
  /**
   * Documents that the batches were packed from, in their order, and a hash over the hash of each; rows that were broken
   * on the way to them.
   */
  documents: { count: number; sha256: string; broken_rows: number };
}

/** Broken rows that are named on the terminal; all are counted. */
const SHOWN_BROKEN = 5;

/** Documents that training does not read, in the order of a seed; `ended` names a source that ran out. */
async function heldoutTexts(
  config: RunConfig,
  tokenizer: Tokenizer,
  reporter: Reporter,
  find: FindDataFiles,
  seed: number,
) {
  const { corpus } = config;
  const { heldoutShare, badRows } = corpus;
  const sources = await sourcesOf(corpus.heldout ?? corpus.source, seed, find);
  const demo = corpus.source === 'small-world' && corpus.heldout === null;
  const part: Part = demo ? ALL : { take: 'heldout', heldoutShare };
  const position = startOfPacking(startOfMixture(sources, seed));
  const heldout = {
    position,
    ended: '',
    broken: 0,
    // The small world is made at once; a share of a data set can take minutes to find.
    progress: demo ? () => undefined : reporter.progress,
    texts: mixture(sources, position.mixture, tokenizer, {
      part,
      onRow: stopWhenAsked(reporter),
      badRows,
      onBroken: ({ complaint }, broken): void => {
        heldout.broken = broken;
        if (broken <= SHOWN_BROKEN) reporter.note(`passed over ${complaint.thing}: ${complaint.found}`);
      },
      onEnd: (source: string): void => {
        heldout.ended = source;
      },
    }),
  };
  return heldout;
}

/**
 * All held-out rows of the evaluation, as batches of the width of a training pass.
 *
 * @throws UserError when there are fewer held-out documents than the evaluation asks for; Stopped when asked to stop
 */
export async function evaluationText(
  config: RunConfig,
  tokenizer: Tokenizer,
  reporter: Reporter,
  find: FindDataFiles = findFiles,
): Promise<EvaluationText> {
  const { documentTokens, tokens } = config.evaluation;
  const packing = { ...EVALUATION_PACKING, documentTokens };
  const { heldoutSeed: seed } = config.corpus;
  return heldoutRows(
    config,
    tokenizer,
    reporter,
    { seed, tokens, packing, setting: 'evaluation.tokens' },
    find,
  );
}

/**
 * The rows of validation, packed as those of training.
 *
 * @param tokens how many of them
 * @throws UserError when there are fewer held-out documents than the validation asks for
 */
export async function validationText(
  config: RunConfig,
  tokenizer: Tokenizer,
  tokens: number,
  reporter: Reporter,
  find: FindDataFiles = findFiles,
): Promise<EvaluationText> {
  const { seed } = config.validation;
  const packing = { boundaries: config.corpus.boundaries };
  return heldoutRows(
    config,
    tokenizer,
    reporter,
    { seed, tokens, packing, setting: 'validation.tokens' },
    find,
  );
}

async function heldoutRows(
  config: RunConfig,
  tokenizer: Tokenizer,
  reporter: Reporter,
  wish: {
    seed: number;
    tokens: number;
    packing: Omit<PackingOptions, 'rowTokens'>;
    /** What the user would lower where there is too little text. */
    setting: string;
  },
  find: FindDataFiles,
): Promise<EvaluationText> {
  const { rowTokens } = config.corpus;
  const heldout = await heldoutTexts(config, tokenizer, reporter, find, wish.seed);
  const packing = { ...wish.packing, rowTokens };
  const digest = createHash('sha256');
  let count = 0;
  async function* documents() {
    for await (const text of heldout.texts) {
      digest.update(text.hash);
      count++;
      yield text;
    }
  }
  async function* rows() {
    yield* packRows(documents(), tokenizer, heldout.position, packing);
  }
  const wanted = Math.floor(wish.tokens / rowTokens);
  const { batches, taken } = await inBatches(rows(), wanted, config.sae.batchTokens, heldout.progress);
  if (taken < wanted)
    throw tooShort('held-out text', heldout.ended, taken * rowTokens, wanted * rowTokens, wish.setting);
  return { batches, documents: { count, sha256: digest.digest('hex'), broken_rows: heldout.broken } };
}

/**
 * Held-out rows of 128 tokens that begin with BOS, as SAEBench's core evaluation has them, from the same documents.
 *
 * @param begin the token that begins rows
 * @param setting what the user would lower where there is too little text
 * @throws UserError when there are fewer held-out documents than the suite asks for; Stopped when asked to stop
 */
export async function coreBatches(
  config: RunConfig,
  tokenizer: Tokenizer,
  { begin, tokens, setting }: { begin: number; tokens: number; setting: string },
  reporter: Reporter,
  find: FindDataFiles = findFiles,
): Promise<TokenBatch[]> {
  const heldout = await heldoutTexts(config, tokenizer, reporter, find, config.corpus.heldoutSeed);
  async function* documents() {
    for await (const { text } of heldout.texts) yield tokenizer.encode(text, { specialTokens: false });
  }
  const wanted = Math.floor(tokens / CORE_ROW_TOKENS);
  const { batches, taken } = await inBatches(
    bosRows(documents(), begin),
    wanted,
    CORE_BATCH_TOKENS,
    heldout.progress,
  );
  if (taken < wanted) {
    const [found, expected] = [taken * CORE_ROW_TOKENS, wanted * CORE_ROW_TOKENS];
    throw tooShort('held-out text', heldout.ended, found, expected, setting);
  }
  return batches;
}

/** Tokens of one batch of core rows: 16 rows, as in SAEBench. */
export const CORE_BATCH_TOKENS = 16 * CORE_ROW_TOKENS;

interface RowOfDocument {
  row: Int32Array;
  document: number;
}

/** The first rows, in batches of at least so many tokens. */
async function inBatches(
  rows: AsyncIterable<RowOfDocument>,
  wanted: number,
  tokens: number,
  progress: Reporter['progress'],
): Promise<{ batches: TokenBatch[]; taken: number }> {
  const batches: TokenBatch[] = [];
  let pending: RowOfDocument[] = [];
  let taken = 0;
  for await (const { row, document } of rows) {
    pending.push({ row, document });
    taken++;
    progress(taken * row.length, wanted * row.length);
    if (pending.length * row.length >= tokens || taken >= wanted) {
      const documents = Int32Array.from(pending, (each) => each.document);
      batches.push({ ...batchOf(pending.map((each) => each.row)), documents });
      pending = [];
    }
    if (taken >= wanted) break;
  }
  return { batches, taken };
}

/** Rows of equal length as one batch. */
export function batchOf(rows: readonly Int32Array[]): TokenBatch {
  const tokens = rows[0]!.length;
  const ids = new Int32Array(rows.length * tokens);
  rows.forEach((row, i) => {
    ids.set(row, i * tokens);
  });
  return { ids, rows: rows.length, tokens };
}

/** Probe sets by name or declared: those of the configuration, those known by name, those of the small world. */
export function probeSets(
  config: RunConfig,
  reporter: Reporter,
  find: FindDataFiles = findFiles,
): ProbeSetLoader {
  const { tasks, sets } = config.probing;
  const own = [...tasks, ...sets].filter((each) => typeof each !== 'string');
  const files = [...own, ...declaredProbes];
  return async (set, demand) => {
    const name = typeof set === 'string' ? set : set.name;
    const demo = DEMO_PROBES.find((each) => each === name);
    const declared = typeof set === 'string' ? files.find((each) => each.name === name) : set;
    if (declared !== undefined) {
      reporter.note(`reading probe set ${name}`);
      return fileProbeSet(declared, demand, find, stopWhenAsked(reporter));
    }
    if (demo !== undefined) return demoProbeSet(demo, config.evaluation.probeSeed, demand);
    throw noSuchSet(name, [...DEMO_PROBES, ...files.map((each) => each.name)]);
  };
}

function stopWhenAsked(reporter: Reporter): () => void {
  return () => {
    if (reporter.stopRequested()) throw new Stopped();
  };
}

/** The declarations behind a corpus; null for the generator of the small world. */
export function declarationsOf(source: RunConfig['corpus']['source']): readonly SourceDeclaration[] | null {
  if (source === 'small-world') return null;
  return typeof source === 'string' ? corpora[source] : source;
}

async function sourcesOf(
  source: RunConfig['corpus']['source'],
  seed: number,
  find: FindDataFiles,
): Promise<TextSource[]> {
  const declarations = declarationsOf(source);
  if (declarations === null) return demoMixture(seed);
  const sources: TextSource[] = [];
  for (const [index, declaration] of declarations.entries()) {
    const { files } = await find(declaration.data);
    const { data: reference, fingerprint = null } = declaration;
    // The number keeps two declarations of the same files apart. Of local files neither draws nor the saved state may
    // depend on where they lie.
    sources.push(fileSource(`${index} ${describeFiles({ reference, fingerprint })}`, declaration, files));
  }
  return sources;
}

function tooShort(
  thing: string,
  source: string,
  found: number,
  expected: number,
  setting: string,
): UserError {
  return new UserError({
    thing,
    found: `the end of source ${JSON.stringify(source)} after ${found} tokens`,
    expected: `${expected}`,
    next: `Lower ${setting}, or give the sources more text.`,
  });
}
