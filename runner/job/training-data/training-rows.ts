import type { CorpusSettings } from '../../config/sections.ts';
import type { FindDataFiles } from '../../io/data-files.ts';
import { ALL, type Part } from '../../text/holdout.ts';
import { mixture, startOfMixture } from '../../text/mixture.ts';
import { type PackedRow, type PackingPosition, packRows, startOfPacking } from '../../text/packing.ts';
import type { Tokenizer } from '../../text/tokenizer.ts';
import { findFiles, sourcesOf, tooShort } from '../shared/text.ts';

/**
 * Packed rows of training text, from a recorded position or from the start.
 *
 * @param wanted tokens that the run trains on, for the error
 * @throws UserError when the text ends: going on with what is left of a mixture would be another one
 */
export async function* trainingRows(
  corpus: CorpusSettings,
  wanted: number,
  tokenizer: Tokenizer,
  from: PackingPosition | undefined,
  find: FindDataFiles = findFiles,
): AsyncGenerator<PackedRow> {
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
  throw tooShort('training text', ended, rows * rowTokens, wanted, 'training.tokens');
}
