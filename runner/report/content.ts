import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeJsonAtomic } from '../io/write-atomic.ts';

/**
 * Makes a folder of `content/` hold exactly these records, tables and similarities.
 *
 * @returns whether anything changed
 */
export async function publishRecords(records: readonly { id: string }[], folder: string): Promise<boolean> {
  const wanted = new Map(records.map((each) => [`${each.id}.json`, each]));
  let changed = false;
  for (const [file, each] of wanted) {
    const path = join(folder, file);
    const text = `${JSON.stringify(each, null, 2)}\n`;
    if ((await readFile(path, 'utf8').catch(() => undefined)) === text) continue;
    await writeJsonAtomic(path, each);
    changed = true;
  }
  for (const file of await readdir(folder).catch(() => [] as string[])) {
    if (wanted.has(file) || !file.endsWith('.json')) continue;
    await rm(join(folder, file));
    changed = true;
  }
  return changed;
}
