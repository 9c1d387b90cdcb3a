/** Evidence of latents in the content folder: which records have it, read once a build. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Explanations, explanations } from '../../runner/report/explanations.ts';
import { EXPLANATIONS_FILE, FEATURES, INDEX_FILE } from '../../runner/report/feature-places.ts';
import {
  type FeatureIndex,
  type FeatureShard,
  featureIndex,
  featureShard,
} from '../../runner/report/features.ts';
import type { EvaluationRecord } from '../../runner/report/schema.ts';
import { contentFolder, foldersIn } from './content.ts';
import { once } from './once.ts';
import { loadRecords } from './records.ts';

export interface FeaturesOf {
  entry: EvaluationRecord;
  /** Names of its files. */
  files: string[];
  folder: string;
}

/** Records with evidence of the SAE that they describe; that of an SAE of another hash is of another training. */
export async function recordsWithFeatures(): Promise<FeaturesOf[]> {
  return evidenceOf(await loadRecords());
}

/** An index is large and is not kept: it is read again where its page is made. */
const evidenceOf = once((records: readonly EvaluationRecord[]): FeaturesOf[] => {
  const root = join(contentFolder, FEATURES);
  if (!existsSync(root)) return [];
  const places = new Map(
    foldersIn(root).flatMap((run) =>
      foldersIn(join(root, run)).map((id) => [id, join(root, run, id)] as const),
    ),
  );
  return records.flatMap((entry) => {
    const folder = places.get(entry.id);
    if (folder === undefined || !existsSync(join(folder, INDEX_FILE))) return [];
    if (readIndex(folder).sha256 !== entry.sae.sha256) return [];
    // What latents were explained from is of no use to a page.
    const files = readdirSync(folder).filter((name) => /^(?:index|explanations|\d+)\.json$/.test(name));
    return { entry, files: files.toSorted(), folder };
  });
});

/** @throws Error naming the file and the first field that is wrong */
export function readIndex(folder: string): FeatureIndex {
  return held(join(folder, INDEX_FILE), featureIndex);
}

/** @throws Error naming the file and the first field that is wrong */
export function readShard(folder: string, name: string): FeatureShard {
  return held(join(folder, name), featureShard);
}

/** What a language model says of the latents; null where none was asked, or of another SAE. @throws Error as the others */
export function readExplanations(folder: string, sha256: string): Explanations | null {
  const path = join(folder, EXPLANATIONS_FILE);
  if (!existsSync(path)) return null;
  const found = held(path, explanations);
  return found.sha256 === sha256 ? found : null;
}

function held<T>(path: string, schema: { parse(value: unknown): T }): T {
  try {
    return schema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    throw new Error(`${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
