/** Tokens as readers see them: what cannot be seen, or turns the text around it, is named. */

const NAMED: Readonly<Record<string, string>> = { '\n': '↵', '\r': '␍', '\t': '⇥' };
/** Control characters, zero-width and bidirectional ones. */
const UNSEEN = /[\p{Cc}\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/gu;

export function visibleToken(text: string): string {
  if (text === '') return '∅';
  return text.replace(
    UNSEEN,
    (found) => NAMED[found] ?? `⟨U+${found.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}⟩`,
  );
}

/** The same of a token that stands alone: a space at its start is shown. */
export function loneToken(text: string): string {
  return visibleToken(text).replace(/^ /, '␣').replace(/ $/, '␣');
}
