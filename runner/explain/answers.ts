/** Reading what a language model answers: what is not as it was asked for is no answer. */
import { MOST_EXPLANATION } from '../report/explanations.ts';

/** What a model that thinks aloud says before its answer. */
const THOUGHTS = /^\s*<think>[\s\S]*?<\/think>/;

/** One line of text without what cannot be seen; null where there is none, or it is too long to be a phrase. */
export function readExplanation(answer: string): string | null {
  const line = answer
    .replace(THOUGHTS, '')
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
    .replace(/\s+/g, ' ')
    .trim()
    .replace(/^(["“])(.*)(["”])\.?$/, '$2')
    .replace(/\.$/, '')
    .trim();
  return line === '' || line.length > MOST_EXPLANATION ? null : line;
}

/** A list of zeros and ones, one for each excerpt; null for anything else. */
export function readList(answer: string, count: number): boolean[] | null {
  const found = /^(?:```(?:json)?)?\s*\[([\s\d,]*)\]\s*(?:```)?\.?$/.exec(
    answer.replace(THOUGHTS, '').trim(),
  );
  const words = found === null ? [] : found[1]!.split(',').map((each) => each.trim());
  if (words.length !== count || !words.every((each) => each === '0' || each === '1')) return null;
  return words.map((each) => each === '1');
}

/** Numbers of excerpts between 1 and `count`, or None; null for anything else. */
export function readNumbers(answer: string, count: number): boolean[] | null {
  const text = answer.replace(THOUGHTS, '').trim().replace(/\.$/, '');
  const named = new Array<boolean>(count).fill(false);
  if (/^none$/i.test(text)) return named;
  for (const word of text.split(/\s*(?:,|\band\b)\s*/)) {
    const number = /^\d{1,4}$/.test(word) ? Number(word) : 0;
    if (number < 1 || number > count) return null;
    named[number - 1] = true;
  }
  return named;
}
