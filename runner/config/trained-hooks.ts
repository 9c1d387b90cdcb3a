/** Where in the language model a run trains SAEs: settings `layers` and `hooks` as one list. */
import {
  comparePlaces,
  type Hook,
  hookOf,
  hooksOfPlace,
  orderedHooks,
  type Place,
  parsePlace,
  sites,
} from '../hook.ts';

/** What a hook is in settings, for errors. */
export const HOOK_TEXT = `one such as mlp_out:4, of ${sites.join(', ')}, or mlp_in:4>mlp_out:4`;

interface HookSettings {
  layers: readonly number[];
  hooks?: readonly string[] | undefined;
}

/** In the order of the model, transcoders after SAEs of their target. */
export function trainedPlaces({ layers, hooks = [] }: HookSettings): Place[] {
  const places = [...layers.map(hookOf), ...hooks.flatMap((text) => parsePlace(text) ?? [])];
  return places.sort(comparePlaces);
}

/** All that is read of the language model for them, each hook once, in order. */
export function trainedHooks(settings: HookSettings): Hook[] {
  return orderedHooks(trainedPlaces(settings).flatMap(hooksOfPlace));
}

/** The words of --hooks as settings name hooks: `mlp_out:4,12` is that of two blocks, and a number alone the residual stream. */
export function hooksOfWords(words: string): string[] {
  let before = 'resid_post:0';
  return words.split(',').map((word) => {
    const hook = /^\d+$/.test(word) ? before.replace(/:\d+/g, `:${word}`) : word;
    before = hook;
    return hook;
  });
}
