/** Tokens as readers see them: what cannot be seen, or turns the text around it, is named; what weighs more is darker. */
import { codePointName, replaceUnseen } from '../../runner/report/unseen.ts';
import { html, type Markup } from '../lib/html.ts';

const NAMED: Readonly<Record<string, string>> = { '\n': '↵', '\r': '␍', '\t': '⇥' };

/** Shades of a token, from none to the largest weight. */
const SHADES = 8;

/** Class of a weight's shade (marks.css); none for what weighs nothing. `most` has the darkest. */
export function shadeClass(weight: number, most: number): string {
  return weight > 0 ? `w${Math.min(SHADES, Math.ceil((SHADES * weight) / most))}` : '';
}

export function visibleToken(text: string): string {
  if (text === '') return '∅';
  return replaceUnseen(text, (found) => NAMED[found] ?? `⟨${codePointName(found)}⟩`);
}

/** The same of a token that stands alone: a space at its start or end is shown. */
export function loneToken(text: string): string {
  return visibleToken(text).replace(/^ /, '␣').replace(/ $/, '␣');
}

export interface WeighedToken {
  text: string;
  weight: number;
  /** The weight in words. */
  title: string;
}

/**
 * A stretch of text, each token shaded by its weight; one that weighs nothing is plain.
 *
 * @param most the weight of the darkest shade
 * @param peak the token that is outlined
 */
export function shadedTokens(tokens: readonly WeighedToken[], most: number, peak?: number): Markup {
  const marks = tokens.map(({ text, weight, title }, i) => {
    const token = visibleToken(text);
    const shade = shadeClass(weight, most);
    if (shade === '') return html`<span>${token}</span>`;
    return html`<mark class="${shade}${i === peak && ' peak'}" title="${title}">${token}</mark>`;
  });
  return html`<q dir="auto" class="shaded">${marks}</q>`;
}
