/** Where the files of live pages lie. Free of zod: the browser finds them too. */

/** Folder of the content that holds them, a folder per run. */
export const LIVE = 'live';

/** A file by its content hash: SAEs of one model share its weights. */
export function liveFile(sha256: string): string {
  return `${sha256}.bin`;
}
