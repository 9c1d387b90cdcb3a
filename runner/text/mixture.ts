import { z } from 'zod';
import { MalformedError } from '../errors.ts';
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
  /** Rows that could not be read as text; 0 where missing, as in positions of earlier versions. */
  broken?: number | undefined;
}

export const mixturePosition: z.ZodType<MixturePosition> = z.strictObject({
  random: z.tuple([word, word, word, word]),
  rows: z.record(z.string(), sourcePosition),
  texts: count,
  skipped: count,
  withheld: count,
  broken: count.optional(),
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
  /** Share of rows that may be broken: they are passed over and counted. 0 by default: the first one ends the mixture. */
  badRows?: number;
  /** Told of each row that is passed over so. */
  onBroken?: (error: MalformedError, broken: number) => void;
}

/** A text of so many characters or fewer is passed over (reference recipe). */
const SHORTEST_SKIPPED = 50;

export function startOfMixture(sources: readonly TextSource[], seed: number): MixturePosition {
  return {
    random: random('mixture', seed).state(),
    rows: Object.fromEntries(sources.map((source) => [source.name, START])),
    texts: 0,
    skipped: 0,
    withheld: 0,
    broken: 0,
  };
}

/** Shares are of so many rows at least, so that the first broken row of a file does not end a run. */
const SMALLEST_SHARE_OF = 100;

/** The row that was one too many, with how many there were. */
function tooMany(error: MalformedError, broken: number, read: number, badRows: number): MalformedError {
  if (badRows === 0) return error;
  const { complaint } = error;
  const next = `${broken} of the first ${read} rows are broken, more than corpus.badRows (${badRows}). ${complaint.next}`;
  return new MalformedError({ ...complaint, next }, { cause: error });
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
  { part = ALL, onEnd, onRow, badRows = 0, onBroken }: MixtureOptions = {},
): AsyncGenerator<MixedText> {
  const stream = randomFrom(from.random);
  const total = sources.reduce((sum, source) => sum + source.weight, 0);
  const rows = { ...from.rows };
  const readers = new Map<string, AsyncIterator<SourceRow>>();
  let { texts, skipped, withheld, broken = 0 } = from;
  const passOver = (error: unknown): void => {
    if (!(error instanceof MalformedError)) throw error;
    broken++;
    const read = texts + skipped + withheld + broken;
    if (broken > badRows * Math.max(read, SMALLEST_SHARE_OF)) throw tooMany(error, broken, read, badRows);
    onBroken?.(error, broken);
  };
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
      let text: string;
      try {
        text = extractText(value, source.extractor, tokenizer, place);
      } catch (error) {
        passOver(error);
        continue;
      }
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
      const position = { random: stream.state(), rows: { ...rows }, texts, skipped, withheld, broken };
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
