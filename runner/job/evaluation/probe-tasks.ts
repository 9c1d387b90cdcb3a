/** The run's probing tasks of two classes: their texts as the suites take them. */
import type { EvaluationSettings, ProbingSettings } from '../../config/sections.ts';
import { UserError } from '../../errors.ts';
import type { ContentCache } from '../../io/content-cache.ts';
import type { Exclusion } from '../../report/schema.ts';
import type { Reporter } from '../../reporter.ts';
import type { AskedTasks, ProbeText } from '../../suites/suite.ts';
import { encodedTexts } from '../../text/encoded-texts.ts';
import type { ProbeSet } from '../../text/probe-sets.ts';
import type { Tokenizer } from '../../text/tokenizer.ts';
import { probeSets } from './probe-sets.ts';

export interface ProbeTasks {
  tasks: AskedTasks['tasks'];
  /** The texts of all tasks, one task after the other. */
  texts: ProbeText[];
  /** Texts of the data sets that no task reads. */
  removed: Exclusion[];
}

/** @throws UserError for a task without a usable text, or of more than two classes */
export async function probeTasks(
  config: { probing: ProbingSettings; evaluation: EvaluationSettings },
  tokenizer: Tokenizer,
  reporter: Reporter,
  cache: ContentCache | undefined,
): Promise<ProbeTasks> {
  const { probeTexts, probeTokens } = config.evaluation;
  const load = probeSets(config, reporter);
  const loaded = [];
  const removed: Exclusion[] = [];
  for (const task of config.probing.tasks) {
    const name = typeof task === 'string' ? task : task.name;
    const set = asTask(await load(name, { kind: 'first', rows: probeTexts }));
    loaded.push(set);
    removed.push(...removedTexts(set, 'probing.tasks'));
  }
  const texts = loaded.flatMap(({ train }) => train.map(({ text }) => text));
  const encoded = (await encodedTexts(tokenizer, texts, probeTokens, cache)).values();
  const sets = loaded.map(({ name, data, train }) => {
    const rows = train.map(({ text, label }) => ({ text, label, ids: encoded.next().value! }));
    // A text without a token has no mean over its tokens: it is not a usable row.
    const usable = rows.filter(({ ids }) => ids.length > 0);
    if (usable.length === 0) {
      throw new UserError({
        thing: `probe task ${name}`,
        found: 'no text with a token',
        expected: 'texts the tokenizer can read',
        next: 'Check the tokenizer of the model.',
      });
    }
    return { name, data, usable };
  });
  return {
    removed,
    texts: sets.flatMap(({ usable }) => usable.map(({ ids }) => ({ ids }))),
    tasks: sets.map(({ name, data, usable }) => ({
      name,
      data,
      labels: usable.map(({ label }) => label),
      texts: usable.map(({ text }) => text),
    })),
  };
}

/** What a data set left out of its rows, as the record says it. */
export function removedTexts({ name, removed }: ProbeSet, suite: string): Exclusion[] {
  const { duplicates, unused } = removed;
  return [
    ...(duplicates > 0
      ? [{ suite, data: name, reason: `${duplicates} test texts that also stand in the training part` }]
      : []),
    ...(unused > 0
      ? [
          {
            suite,
            data: name,
            reason: `${unused} rows without text, or of a label that the set does not name`,
          },
        ]
      : []),
  ];
}

/** @throws UserError for a set of more than two classes: its probe would need another rule */
function asTask(set: ProbeSet): ProbeSet {
  if (set.classes.length === 2) return set;
  throw new UserError({
    thing: `probing.tasks: ${set.name}`,
    found: `${set.classes.length} classes`,
    expected: 'two',
    next: 'Put it under probing.sets, or declare two of its classes.',
  });
}
