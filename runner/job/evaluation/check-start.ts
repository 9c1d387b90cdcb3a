/** What would end a run after hours of training, looked for before them. */
import type { CorpusSettings, SuitesSettings, ValidationSettings } from '../../config/sections.ts';
import { settingsOf } from '../../config/suite-settings.ts';
import { sweepAsks } from '../../evaluation/asks.ts';
import type { Reporter } from '../../reporter.ts';
import type { Suite } from '../../suites/suite.ts';
import { loadTokenizer } from '../../text/tokenizer.ts';
import type { ModelPlace } from '../shared/model-place.ts';
import { evaluationText, validationText } from './heldout-text.ts';
import { readingsOf } from './pooled-memory.ts';
import { isDemo, suiteContexts } from './suite-contexts.ts';

/**
 * Reads, once and without keeping it, all text that will be measured on: the held-out rows of evaluation and validation,
 * and what the suites read. (What of it no run can lack, the small world's, is made without end.)
 *
 * @param checked hears of how many suites the text is there
 * @throws UserError for too little held-out text, and as the probe sets do
 * @throws Stopped when the user asked to stop
 */
export async function checkStart(
  config: SuitesSettings & {
    corpus: CorpusSettings;
    validation: ValidationSettings;
    sae: { batchTokens: number };
  },
  suites: readonly Suite[],
  model: ModelPlace,
  reporter: Reporter,
  checked: (suites: number) => void,
): Promise<void> {
  const tokenizer = await loadTokenizer(model.folder);
  if (!isDemo(config.corpus)) {
    await evaluationText(config, tokenizer, reporter);
    const { tokens } = config.validation;
    if (tokens !== null) await validationText(config, tokenizer, tokens, reporter);
  }
  // Suites begin as they will, with nothing to look at: what they ask for is read, and what they refuse is refused.
  const contexts = suiteContexts({
    config,
    tokenizer,
    reading: reporter,
    hooks: [],
    asks: sweepAsks([], undefined),
    controls: false,
    cached: undefined,
    checking: true,
    batches: [],
    effects: () => Promise.reject(new TypeError('effects on logits before there is a model')),
    nearest: () => Promise.reject(new TypeError('neighbours before there are SAEs')),
    readings: readingsOf(config, suites),
  });
  for (const [i, suite] of suites.entries()) {
    await suite.begin(contexts.of(suite), settingsOf(suite, config));
    checked(i + 1);
  }
}
