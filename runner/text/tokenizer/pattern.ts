/** Patterns of a tokenizer.json, and the ways to split a text by what they find. */
import { z } from 'zod';
import { SplitPreTokenizer } from './library.ts';
import { UnsupportedPart } from './unsupported-part.ts';

export const pattern = z.union([
  z.strictObject({ Regex: z.string() }),
  z.strictObject({ String: z.string() }),
]);
export type Pattern = z.infer<typeof pattern>;

/** Names as the Python library writes them. */
export const behavior = z.enum(['Removed', 'Isolated', 'MergedWithPrevious', 'MergedWithNext', 'Contiguous']);
export type Behavior = z.infer<typeof behavior>;

/** The pattern for JavaScript. Regular expressions are Oniguruma's: the library below writes them anew. */
export function compiled(source: Pattern): RegExp {
  if ('String' in source) return new RegExp(source.String.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'), 'gu');
  try {
    const { pattern: found } = new SplitPreTokenizer({
      type: 'Split',
      pattern: source,
      behavior: 'Isolated',
      invert: false,
    });
    if (found !== null) return found;
  } catch {
    // Said below, with the pattern.
  }
  throw new UnsupportedPart(`the regular expression ${source.Regex.slice(0, 100)}`);
}

/** Pieces of a text, none of them empty, by what is found in it; `invert` takes what is between for what is found. */
export function split(text: string, found: RegExp, how: Behavior, invert = false): string[] {
  if (how === 'Isolated' && !invert) return isolated(text, found);
  const parts: { start: number; end: number; match: boolean }[] = [];
  let at = 0;
  for (const { index: start, 0: match } of text.matchAll(found)) {
    if (start > at) parts.push({ start: at, end: start, match: invert });
    parts.push({ start, end: start + match.length, match: !invert });
    at = start + match.length;
  }
  if (at < text.length) parts.push({ start: at, end: text.length, match: invert });
  return merged(parts, how)
    .filter(({ start, end }) => end > start)
    .map(({ start, end }) => text.slice(start, end));
}

/** The common case, without objects in between. */
function isolated(text: string, found: RegExp): string[] {
  const pieces: string[] = [];
  let at = 0;
  for (const { index, 0: match } of text.matchAll(found)) {
    if (index > at) pieces.push(text.slice(at, index));
    if (match !== '') pieces.push(match);
    at = index + match.length;
  }
  if (at < text.length) pieces.push(text.slice(at));
  return pieces;
}

interface Part {
  start: number;
  end: number;
  match: boolean;
}

function merged(parts: Part[], how: Behavior): Part[] {
  switch (how) {
    case 'Isolated':
      return parts;
    case 'Removed':
      return parts.filter(({ match }) => !match);
    case 'Contiguous':
      return joined(parts, (part, before) => part.match === before);
    case 'MergedWithPrevious':
      return joined(parts, (part, before) => part.match && !before);
    case 'MergedWithNext': {
      const turned = parts.toReversed().map(({ start, end, match }) => ({ start: -end, end: -start, match }));
      return joined(turned, (part, before) => part.match && !before)
        .reverse()
        .map(({ start, end, match }) => ({ start: -end, end: -start, match }));
    }
    default:
      return how satisfies never;
  }
}

/** Parts in a row become one where `joins` says so of a part and of whether the one before it was a match. */
function joined(parts: readonly Part[], joins: (part: Part, before: boolean) => boolean): Part[] {
  const result: Part[] = [];
  let before = false;
  for (const part of parts) {
    const last = result.at(-1);
    if (joins(part, before) && last !== undefined) last.end = part.end;
    else result.push({ ...part });
    before = part.match;
  }
  return result;
}
