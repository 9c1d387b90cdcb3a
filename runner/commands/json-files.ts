import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Paths of the JSON files in a folder and in the folders in it, by name. */
export async function jsonFilesIn(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true });
  return names
    .map((name) => name.replaceAll('\\', '/'))
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => join(folder, name));
}
