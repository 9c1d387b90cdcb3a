import { z } from 'zod';
import { type RandomState, random, randomFrom } from '../math/random.ts';
import { extractText } from './extract.ts';
import { ALL, belongs, documentHash, type Part } from './holdout.ts';
import { type SourcePosition, type SourceRow, START, sourcePosition, type TextSource } from './source.ts';
import type { Tokenizer } from './tokenizer.ts';

const word = z
  .int()
  .min(0)
  .max(2 ** 32 - 1);
const count = z.int().nonnegative();

/** Where a mixture stands: what is needed to draw the next text. JSON-serialisable. */
export interface MixturePosition {
  random: RandomState;
  /** Next row of each source, by name. */
  rows: Record<string, SourcePosition>;
  /** Texts drawn so far; those passed over because they were too short; those of the other part. */
  texts: number;
  skipped: number;
  withheld: number;
}

export const mixturePosition: z.ZodType<MixturePosition> = z.strictObject({
  random: z.tuple([word, word, word, word]),
  rows: z.record(z.string(), sourcePosition),
  texts: count,
  skipped: count,
  withheld: count,
});

export interface MixedText {
  text: string;
  source: string;
  /** Hash of the text, as `documentHash` takes it. */
  hash: string;
  /** After this text. */
  position: MixturePosition;
}

export interface MixtureOptions {
  part?: Part;
  /** Told the name of the source whose end ended the mixture. */
  onEnd?: (source: string) => void;
  /** Called for every row that is read, those passed over too; what it throws ends the mixture. */
  onRow?: () => void;
}

/** A text of so many characters or fewer is passed over (reference recipe). */
export const SHORTEST_SKIPPED = 50;

export function startOfMixture(sources: readonly TextSource[], seed: number): MixturePosition {
  return {
    random: random('mixture', seed).state(),
    rows: Object.fromEntries(sources.map((source) => [source.name, START])),
    texts: 0,
    skipped: 0,
    withheld: 0,
  };
}

/**
 * Texts of several sources; a weighted draw picks the source of each. The sequence depends on the sources and the
 * position alone, so that a recorded position continues it exactly. It ends when a drawn source has no more rows:
 * going on with the others would change the mixture. A text that is passed over, for its length or because it belongs
 * to the other part, is followed by a new draw.
 */
export async function* mixture(
  sources: readonly TextSource[],
  from: MixturePosition,
  tokenizer: Pick<Tokenizer, 'applyChat'>,
  { part = ALL, onEnd, onRow }: MixtureOptions = {},
): AsyncGenerator<MixedText> {
  const stream = randomFrom(from.random);
  const total = sources.reduce((sum, source) => sum + source.weight, 0);
  const rows = { ...from.rows };
  const readers = new Map<string, AsyncIterator<SourceRow>>();
  let { texts, skipped, withheld } = from;
  try {
    for (;;) {
      const source = draw(sources, stream.next() * total);
      let reader = readers.get(source.name);
      if (reader === undefined) {
        reader = source.rows(rows[source.name] ?? START)[Symbol.asyncIterator]();
        readers.set(source.name, reader);
      }
      const read = await reader.next();
      if (read.done) {
        onEnd?.(source.name);
        return;
      }
      onRow?.();
      const { value, place, next } = read.value;
      rows[source.name] = next;
      const text = extractText(value, source.extractor, tokenizer, place);
      if (text.length <= SHORTEST_SKIPPED) {
        skipped++;
        continue;
      }
      const hash = documentHash(text);
      if (!belongs(hash, part)) {
        withheld++;
        continue;
      }
      texts++;
      const position = { random: stream.state(), rows: { ...rows }, texts, skipped, withheld };
      yield { text, source: source.name, hash, position };
    }
  } finally {
    for (const reader of readers.values()) await reader.return?.();
  }
}

function draw(sources: readonly TextSource[], point: number): TextSource {
  let rest = point;
  for (const source of sources) {
    rest -= source.weight;
    if (rest < 0) return source;
  }
  return sources.at(-1)!;
}
