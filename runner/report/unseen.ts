/** Characters that are not seen, or turn the writing around them: text that holds them is not what it looks like. */

/** Controls, soft hyphens, what has no width, what changes the direction of writing, annotations, and tags. */
const UNSEEN =
  /[\p{Cc}\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;

/** The text with something else in place of each of them. */
export function replaceUnseen(text: string, by: (found: string) => string): string {
  return text.replace(UNSEEN, by);
}

/** The first of them, or null. */
export function firstUnseen(text: string): string | null {
  return text.match(UNSEEN)?.[0] ?? null;
}

/** U+202E, of a text of one character. */
export function codePointName(character: string): string {
  return `U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`;
}
