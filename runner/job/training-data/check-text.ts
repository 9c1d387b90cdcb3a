import type { CorpusSettings, TrainingSettings } from '../../config/sections.ts';
import type { FindDataFiles } from '../../io/data-files.ts';
import type { Reporter } from '../../reporter.ts';
import type { Tokenizer } from '../../text/tokenizer.ts';
import { declarationsOf, findFiles, stopWhenAsked } from '../shared/text.ts';
import { trainingRows } from './training-rows.ts';

/** Of files with so many bytes for each token that is wanted, it is taken for granted that they hold enough text. */
const AMPLE_BYTES = 16;

/**
 * Reads, before training, as much text as training will: where it is of this machine and might be too little. What a
 * hub's files hold is known only once they are downloaded, so that is said, and found out while training.
 *
 * @throws UserError where the text ends too early
 * @throws Stopped when the user asked to stop
 */
export async function checkTrainingText(
  config: {
    corpus: CorpusSettings;
    sae: { batchTokens: number; biasInitSamples: number };
    training: Pick<TrainingSettings, 'tokens' | 'policy'>;
  },
  tokenizer: Tokenizer,
  reporter: Reporter,
  find: FindDataFiles = findFiles,
): Promise<void> {
  const { corpus } = config;
  const sources = declarationsOf(corpus.source);
  if (sources === null) return;
  const wanted = tokensRead(config);
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
      `whether the training text holds ${wanted} tokens shows while training: its files are not on this machine`,
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
 * drops at the start of rows. What it drops for its norm, and what waits in the shuffle buffer, comes on top.
 */
function tokensRead({ corpus, sae, training }: Parameters<typeof checkTrainingText>[0]): number {
  const { batchTokens, biasInitSamples } = sae;
  const kept = batchTokens * (1 - training.policy.dropFirst / corpus.rowTokens);
  const steps = Math.ceil(training.tokens / batchTokens);
  return batchTokens * (Math.ceil(biasInitSamples / batchTokens) + Math.ceil((steps * batchTokens) / kept));
}
