/** The rows that SAEs are measured on: documents that training does not read. */
import { createHash } from 'node:crypto';
import type { CorpusSettings } from '../../config/sections.ts';
import type { FindDataFiles } from '../../io/data-files.ts';
import type { TokenBatch } from '../../lm/language-model.ts';
import type { Reporter } from '../../reporter.ts';
import { bosRows, CORE_ROW_TOKENS } from '../../text/bos-rows.ts';
import { ALL, type Part } from '../../text/holdout.ts';
import { mixture, startOfMixture } from '../../text/mixture.ts';
import { EVALUATION_PACKING, type PackingOptions, packRows, startOfPacking } from '../../text/packing.ts';
import type { Tokenizer } from '../../text/tokenizer.ts';
import { batchOf, corpusText, findFiles, sourcesOf, stopWhenAsked, tooShort } from '../shared/text.ts';

export interface EvaluationText {
  batches: TokenBatch[];
  /**
   * Documents that the batches were packed from, in their order, and a hash over the hash of each; rows that were broken
   * on the way to them.
   */
  documents: { count: number; sha256: string; broken_rows: number };
}

/** What the held-out text is of, and which part of it, in words. */
export function heldOutNames(
  corpus: CorpusSettings,
  { documentTokens }: { documentTokens: number },
): { name: string; split: string } {
  const source = corpus.heldout ?? corpus.source;
  if (source === 'samples')
    return { name: corpusText(source), split: 'samples of a stream that training never reads' };
  const split =
    source === 'small-world'
      ? 'held out by seed'
      : `documents whose hash falls into the ${corpus.heldoutShare * 100} % that training never reads`;
  return { name: corpusText(source), split: `${split}; documents cut to ${documentTokens} tokens` };
}

/** Of every text that is held out: its documents and rows, and the tokens of a batch. */
interface HeldoutSettings {
  corpus: CorpusSettings;
  sae: { batchTokens: number };
}

/** Broken rows that are named on the terminal; all are counted. */
const SHOWN_BROKEN = 5;

/** Documents that training does not read, in the order of a seed; `ended` names a source that ran out. */
async function heldoutTexts(
  corpus: CorpusSettings,
  tokenizer: Tokenizer,
  reporter: Reporter,
  find: FindDataFiles,
  seed: number,
) {
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
  config: HeldoutSettings & { evaluation: { tokens: number; documentTokens: number } },
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
  config: HeldoutSettings & { validation: { seed: number } },
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
  { corpus, sae }: HeldoutSettings,
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
  const { rowTokens } = corpus;
  const heldout = await heldoutTexts(corpus, tokenizer, reporter, find, wish.seed);
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
  const { batches, taken } = await inBatches(rows(), wanted, sae.batchTokens, heldout.progress);
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
  corpus: CorpusSettings,
  tokenizer: Tokenizer,
  { begin, tokens, setting }: { begin: number; tokens: number; setting: string },
  reporter: Reporter,
  find: FindDataFiles = findFiles,
): Promise<TokenBatch[]> {
  const heldout = await heldoutTexts(corpus, tokenizer, reporter, find, corpus.heldoutSeed);
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
