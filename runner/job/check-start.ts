/** What would end a run after hours of training, looked for before them. */
import type { RunConfig } from '../config/run-config.ts';
import { openCheckpoint } from '../lm/checkpoint.ts';
import { familyOf } from '../lm/families/index.ts';
import { checkHooks } from '../lm/placement.ts';
import type { Reporter } from '../reporter.ts';
import { needsOf } from '../suites/needs.ts';
import { beginningToken } from '../text/bos-rows.ts';
import { loadTokenizer } from '../text/tokenizer.ts';
import type { ModelPlace } from './identity.ts';
import { probeTasks } from './probe-tasks.ts';
import { coreBatches, evaluationText, probeSets, validationText } from './text.ts';

/**
 * Reads, once and without keeping it, all text that will be measured on: the held-out rows of evaluation, validation
 * and core losses, and the probe sets. (What of it no run can lack, the small world's, is made without end.)
 *
 * @throws UserError for layers that the model has not, for too little held-out text, and as the probe sets do
 * @throws Stopped when the user asked to stop
 */
export async function checkStart(config: RunConfig, model: ModelPlace, reporter: Reporter): Promise<void> {
  checkHooks(config.layers, familyOf(await openCheckpoint(model.folder)).blocks);
  const tokenizer = await loadTokenizer(model.folder);
  const { corpus, evaluation, probing, validation } = config;
  const needs = needsOf(evaluation.suites);
  if (corpus.source !== 'small-world' || corpus.heldout !== null) {
    await evaluationText(config, tokenizer, reporter);
    if (validation.tokens !== null) await validationText(config, tokenizer, validation.tokens, reporter);
    const begin = needs.bosRows ? beginningToken(tokenizer) : null;
    if (begin !== null) await coreBatches(config, tokenizer, begin.id, reporter);
  }
  if (needs.tasks) await probeTasks(config, tokenizer, reporter, undefined);
  if (!needs.sets) return;
  const load = probeSets(config, reporter);
  for (const set of probing.sets) {
    await load(typeof set === 'string' ? set : set.name, {
      kind: 'balanced',
      trainPerClass: evaluation.setTrainTexts,
      testPerClass: evaluation.setTestTexts,
      seed: evaluation.probeSeed,
    });
  }
}
