/** Reading what live pages are made of, for the site's build and for `validate`: nothing is believed that is not checked. */
import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { filesOfLive, type Live, live } from './live.ts';
import { liveFile } from './live-places.ts';

/**
 * A record's description of its live page, once the files beside it are those that it names.
 *
 * @throws Error naming the file and what is wrong with it
 */
export function readLive(path: string): Live {
  let found: Live;
  try {
    found = live.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    throw new Error(`${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
  if ('none' in found) return found;
  for (const { sha256, bytes } of filesOfLive(found)) {
    const file = join(dirname(path), liveFile(sha256));
    const size = statSync(file, { throwIfNoEntry: false })?.size;
    if (size !== bytes) throw new Error(`${file}: ${size ?? 'no'} bytes; expected ${bytes}, as ${path} says`);
    const hash = createHash('sha256').update(readFileSync(file)).digest('hex');
    if (hash !== sha256) throw new Error(`${file}: content of SHA-256 ${hash}; expected that of its name`);
  }
  return found;
}
