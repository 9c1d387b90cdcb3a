/** Sets of several classes as suites read them. */
import { MalformedError } from '../errors.ts';
import { splitRows } from '../probes/split.ts';
import type { ConceptSet } from '../suites/concepts.ts';
import type { ProbeText } from '../suites/suite.ts';
import type { ProbeSet } from '../text/probe-sets.ts';

export interface ConceptTexts {
  set: ConceptSet;
  /** One for each row of the set. */
  texts: ProbeText[];
}

/**
 * A set's texts as the suites number them, training rows first.
 *
 * @param encoded token ids of each text, truncated
 * @param special ids that do not count
 * @throws MalformedError for a text without a token that counts, and for a test part that cannot be split off
 */
export function conceptTexts(
  loaded: ProbeSet,
  encoded: readonly (readonly number[])[],
  special: ReadonlySet<number>,
): ConceptTexts {
  const { name, data, classes, attribute, train, test } = loaded;
  const rows = [...train, ...test];
  const texts = encoded.map((ids, row): ProbeText => {
    const kept = Uint8Array.from(ids, (id) => (special.has(id) ? 0 : 1));
    if (kept.some((each) => each === 1)) return { ids, kept };
    throw new MalformedError({
      thing: `probe set ${name}, text ${row}`,
      found: `${ids.length} tokens, none that counts`,
      expected: 'a token that is not a special one',
      next: 'Remove empty texts from the data set, or check the tokenizer.',
    });
  });
  const split =
    test.length > 0
      ? {
          train: Int32Array.from(train, (_, row) => row),
          test: Int32Array.from(test, (_, row) => train.length + row),
        }
      : splitRows(train.length, { limit: train.length });
  return {
    texts,
    set: {
      name,
      data,
      classes,
      labels: rows.map(({ label }) => label),
      texts: rows.map(({ text }) => text),
      ...split,
      ...(attribute && {
        attribute: { ...attribute, labels: rows.map((row) => row.attribute ?? -1) },
      }),
    },
  };
}
