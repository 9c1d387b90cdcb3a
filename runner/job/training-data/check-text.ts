import type { CorpusSettings, TrainingSettings } from '../../config/sections.ts';
import type { FindDataFiles } from '../../io/data-files.ts';
import type { Reporter } from '../../reporter.ts';
import type { Tokenizer } from '../../text/tokenizer.ts';
import { declarationsOf, findFiles, stopWhenAsked } from '../shared/text.ts';
import { trainingRows } from './training-rows.ts';
import { bufferCapacity } from './training-tokens.ts';

/** Of files with so many bytes for each token that is wanted, it is taken for granted that they hold enough text. */
const AMPLE_BYTES = 16;

/**
 * Where the files are local and may be too small, reads as much text as training will. Files of the hub are not downloaded
 * for this: a note says that they were not checked.
 *
 * @param widths numbers of a token at each hook, by which the shuffle buffer's megabytes hold tokens
 * @throws UserError where the text ends too early
 * @throws Stopped when the user asked to stop
 */
export async function checkTrainingText(
  config: {
    corpus: CorpusSettings;
    sae: { batchTokens: number; biasInitSamples: number };
    training: Pick<TrainingSettings, 'tokens' | 'policy' | 'shuffle'>;
  },
  tokenizer: Tokenizer,
  widths: ReadonlyMap<string, number>,
  reporter: Reporter,
  find: FindDataFiles = findFiles,
): Promise<void> {
  const { corpus } = config;
  const sources = declarationsOf(corpus.source);
  if (sources === null) return;
  const wanted = tokensRead(config, widths);
  const total = sources.reduce((sum, { weight }) => sum + weight, 0);
  const found = await Promise.all(
    sources.map(async ({ data, weight }) => {
      const { files, fingerprint } = await find(data);
      const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
      return { isLocal: fingerprint !== null, scarce: bytes < (AMPLE_BYTES * wanted * weight) / total };
    }),
  );
  if (!found.some(({ scarce }) => scarce)) return;
  if (!found.every(({ isLocal }) => isLocal)) {
    reporter.note(
      `not checked whether the training text holds ${wanted} tokens: not all of its files are on this machine; if it is too short, training ends with an error`,
    );
    return;
  }
  const stop = stopWhenAsked(reporter);
  for await (const { position } of trainingRows(corpus, wanted, tokenizer, undefined, find)) {
    stop();
    const read = position.rows * corpus.rowTokens;
    reporter.progress(Math.min(read, wanted), wanted);
    if (read >= wanted) return;
  }
}

/**
 * Tokens that training reads at the least: whole passes, those that b_dec starts from among them, with what the policy
 * drops at the start of rows and what waits in the shuffle buffer. What the policy drops for its norm comes on top.
 */
function tokensRead(
  { corpus, sae, training }: Parameters<typeof checkTrainingText>[0],
  widths: ReadonlyMap<string, number>,
): number {
  const { batchTokens, biasInitSamples } = sae;
  const kept = batchTokens * (1 - training.policy.dropFirst / corpus.rowTokens);
  const steps = Math.ceil(training.tokens / batchTokens);
  const trained = steps * batchTokens + bufferCapacity(training.shuffle.megabytes, widths);
  return batchTokens * (Math.ceil(biasInitSamples / batchTokens) + Math.ceil(trained / kept));
}
