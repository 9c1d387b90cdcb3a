/** Where evidence of latents lies, and how it is divided. Free of zod: the browser finds its files too. */

/** Folder of the content, and of a run, that holds them. */
export const FEATURES = 'features';
export const INDEX_FILE = 'index.json';
/** Random stretches of the text, and what a language model says of latents. */
export const WINDOWS_FILE = 'windows.json';
export const EXPLANATIONS_FILE = 'explanations.json';

/** Latents of a shard. */
export const SHARD_LATENTS = 64;

/** The shard that holds the latent at a place of the index. */
export function shardOf(place: number): string {
  return `${Math.floor(place / SHARD_LATENTS)}.json`;
}
