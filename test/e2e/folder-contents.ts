/** What a folder holds, for tests that kill and race whatever writes there. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { hashFile } from '../../runner/io/hash.ts';

/** Names and hashes of the files below a folder, without those that only a running process has. */
export async function contentsOf(at: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const entry of await readdir(at, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) found.set(path.slice(at.length + 1), (await hashFile(path)).sha256);
  }
  return found;
}

/** Names of what a writer leaves only while it works. */
export function halfMade(names: Iterable<string>): string[] {
  return [...names].filter((name) => /\.(tmp|incomplete)$|(^|\/)lock/.test(name));
}
