import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeJsonAtomic } from '../io/write-atomic.ts';
import { type FeatureFiles, writeFeatures } from './feature-files.ts';
import { FEATURES } from './feature-places.ts';
import type { EvaluationRecord } from './schema.ts';
import type { Similarity } from './similarity.ts';

/** What of a run the report shows. */
export interface RunResults {
  records: readonly EvaluationRecord[];
  /** How alike its decoders are; null where they were not compared. */
  similarity: Similarity | null;
  /** Evidence of its latents, by record id. */
  features: ReadonlyMap<string, FeatureFiles>;
}

/**
 * Makes `content/` hold exactly these results of a run.
 *
 * @returns whether anything changed
 */
export async function publishRun(
  content: string,
  name: string,
  { records, similarity, features }: RunResults,
): Promise<boolean> {
  const all = [...records, ...(similarity === null ? [] : [similarity])];
  const measured = await publishRecords(all, join(content, 'measured', name));
  return (await writeFeatures(join(content, FEATURES, name), features)) || measured;
}

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
