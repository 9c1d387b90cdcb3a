import { type RandomState, random, randomFrom } from '../math/random.ts';
import { type Extractor, extractText } from './extract.ts';
import type { Tokenizer } from './tokenizer.ts';

/** A sequence of rows that can be read from any row on. Reading ends with the last row, or never. */
export interface TextSource {
  /** Unique in its mixture; positions are kept under it. */
  name: string;
  /** Share of the texts drawn, relative to the other sources; positive. */
  weight: number;
  extractor: Extractor;
  rows(start: number): AsyncIterable<unknown>;
}

/** Where a mixture stands: what is needed to draw the next text. JSON-serialisable. */
export interface MixturePosition {
  random: RandomState;
  /** Next row of each source, by name. */
  rows: Record<string, number>;
  /** Texts drawn so far, and those passed over because they were too short. */
  texts: number;
  skipped: number;
}

export interface MixedText {
  text: string;
  source: string;
  /** After this text. */
  position: MixturePosition;
}

/** A text of so many characters or fewer is passed over (reference recipe). */
export const SHORTEST_SKIPPED = 50;

export function startOfMixture(sources: readonly TextSource[], seed: number): MixturePosition {
  return {
    random: random('mixture', seed).state(),
    rows: Object.fromEntries(sources.map((source) => [source.name, 0])),
    texts: 0,
    skipped: 0,
  };
}

/**
 * Texts of several sources; a weighted draw picks the source of each. The sequence depends on the sources and the
 * position alone, so that a recorded position continues it exactly. It ends when a drawn source has no more rows:
 * going on with the others would change the mixture.
 */
export async function* mixture(
  sources: readonly TextSource[],
  from: MixturePosition,
  tokenizer: Pick<Tokenizer, 'applyChat'>,
): AsyncGenerator<MixedText> {
  const stream = randomFrom(from.random);
  const total = sources.reduce((sum, source) => sum + source.weight, 0);
  const rows = { ...from.rows };
  const readers = new Map<string, AsyncIterator<unknown>>();
  let { texts, skipped } = from;
  try {
    for (;;) {
      const source = draw(sources, stream.next() * total);
      const row = rows[source.name] ?? 0;
      let reader = readers.get(source.name);
      if (reader === undefined) {
        reader = source.rows(row)[Symbol.asyncIterator]();
        readers.set(source.name, reader);
      }
      const next = await reader.next();
      if (next.done) return;
      rows[source.name] = row + 1;
      const text = extractText(next.value, source.extractor, tokenizer, `${source.name} row ${row}`);
      if (text.length <= SHORTEST_SKIPPED) {
        skipped++;
        continue;
      }
      texts++;
      yield {
        text,
        source: source.name,
        position: { random: stream.state(), rows: { ...rows }, texts, skipped },
      };
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
