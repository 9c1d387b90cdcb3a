import type { Section } from './docs.ts';

/** Shown at most. */
const LIMIT = 12;
/** Characters of a part's text around the first word found. */
const AROUND = 70;

export interface Hit {
  section: Section;
  /** A stretch of its text with the first of the words. */
  excerpt: string;
}

/**
 * Parts in which every word begins some word. Those that have more of them in their heading come first, else in the order of the
 * pages.
 */
export function searchSections(sections: readonly Section[], query: string): Hit[] {
  const words = query.toLowerCase().match(/[\p{L}\p{N}_@.]+/gu) ?? [];
  if (words.length === 0) return [];
  const begins = words.map((word) => new RegExp(`(?<![\\p{L}\\p{N}])${word.replaceAll('.', '\\.')}`, 'iu'));
  return sections
    .map((section) => ({ section, inHeading: begins.filter((word) => word.test(section.heading)).length }))
    .filter(({ section: { page, heading, text } }) =>
      begins.every((word) => word.test(`${page} ${heading} ${text}`)),
    )
    .toSorted((a, b) => b.inHeading - a.inHeading)
    .slice(0, LIMIT)
    .map(({ section }) => ({ section, excerpt: excerptOf(section.text, begins) }));
}

function excerptOf(text: string, begins: readonly RegExp[]): string {
  const at = Math.max(0, Math.min(...begins.map((word) => word.exec(text)?.index ?? text.length)));
  const start = at >= text.length ? 0 : Math.max(0, at - AROUND);
  const end = start + 2 * AROUND;
  return `${start > 0 ? '…' : ''}${text.slice(start, end).trim()}${end < text.length ? '…' : ''}`;
}
