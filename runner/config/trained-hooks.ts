/** Where in the language model a run trains SAEs: settings `layers` and `hooks` as one list. */
import { type Hook, orderedHooks, parseHook, sites } from '../hook.ts';

/** What a hook is in settings, for errors. */
export const HOOK_TEXT = `one such as mlp_out:4, of ${sites.join(', ')}`;

/** Each hook once, in the order of the model. */
export function trainedHooks({
  layers,
  hooks = [],
}: {
  layers: readonly number[];
  hooks?: readonly string[] | undefined;
}): Hook[] {
  return orderedHooks([...layers, ...hooks.flatMap((text) => parseHook(text) ?? [])]);
}

/** The words of --hooks as settings name hooks: `mlp_out:4,12` is that of two blocks, and a number alone the residual stream. */
export function hooksOfWords(words: string): string[] {
  let site = 'resid_post';
  return words.split(',').map((word) => {
    if (/^\d+$/.test(word)) return `${site}:${word}`;
    site = word.split(':')[0]!;
    return word;
  });
}
