/** Evidence of latents on disk: a folder per record, in a run's folder and in the content, each with an index and shards. */
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { z } from 'zod';
import { clip, MalformedError, unreadable } from '../errors.ts';
import { parseJson } from '../formats/json.ts';
import { writeAtomic } from '../io/write-atomic.ts';
import { explanations } from './explanations.ts';
import { EXPLANATIONS_FILE, INDEX_FILE, shardOf, WINDOWS_FILE } from './feature-places.ts';
import { featureWindows } from './feature-windows.ts';
import { type Feature, type FeatureIndex, featureIndex, featureShard } from './features.ts';

/** Files by name, as text. */
export type FeatureFiles = Readonly<Record<string, string>>;

/**
 * Makes a folder hold exactly this evidence.
 *
 * @param records by record id
 * @returns whether anything changed
 */
export async function writeFeatures(
  folder: string,
  records: ReadonlyMap<string, FeatureFiles>,
): Promise<boolean> {
  let changed = false;
  for (const [id, files] of records) {
    for (const [name, text] of Object.entries(files)) {
      checkFeatures(name, text, join(folder, id, name));
      if ((await readFile(join(folder, id, name), 'utf8').catch(() => undefined)) === text) continue;
      await writeAtomic(join(folder, id, name), text);
      changed = true;
    }
    for (const name of await namesIn(join(folder, id))) {
      if (Object.hasOwn(files, name)) continue;
      await rm(join(folder, id, name), { recursive: true });
      changed = true;
    }
  }
  for (const id of await namesIn(folder)) {
    if (records.has(id)) continue;
    await rm(join(folder, id), { recursive: true });
    changed = true;
  }
  return changed;
}

/**
 * All evidence in such a folder, by record id; none where there is no such folder.
 *
 * @throws MalformedError for a file that is not evidence
 */
export async function readFeatures(folder: string): Promise<Map<string, FeatureFiles>> {
  const found = new Map<string, FeatureFiles>();
  for (const id of await namesIn(folder)) {
    const files: Record<string, string> = {};
    for (const name of await namesIn(join(folder, id))) {
      const path = join(folder, id, name);
      const text = await readFile(path, 'utf8');
      checkFeatures(name, text, path);
      files[name] = text;
    }
    found.set(id, files);
  }
  return found;
}

/** What is kept of one latent. */
export interface LatentEvidenceFound extends Pick<FeatureIndex, 'tokens' | 'no_directions'> {
  record: string;
  /** Name of the text. */
  text: string;
  facts: { rate: number; low: number; high: number; mean: number; max: number };
  feature: Feature;
}

/**
 * The evidence of a latent in `content/features`, of the first record of an SAE of this hash that has it; null where none does.
 *
 * @throws MalformedError for a file that is not evidence
 */
export async function findEvidence(
  folder: string,
  sha256: string,
  latent: number,
): Promise<LatentEvidenceFound | null> {
  for (const run of await namesIn(folder)) {
    for (const record of await namesIn(join(folder, run))) {
      const at = join(folder, run, record);
      const read = async (name: string): Promise<unknown> => {
        const text = await readFile(join(at, name), 'utf8').catch((error: unknown) => {
          throw unreadable(join(at, name), error);
        });
        checkFeatures(name, text, join(at, name));
        return parseJson(text);
      };
      const index = (await read(INDEX_FILE)) as FeatureIndex;
      const place = index.columns.latent.indexOf(latent);
      if (index.sha256 !== sha256 || place < 0) continue;
      const { rate, low, high, mean, max } = index.columns;
      const { features } = (await read(shardOf(place))) as { features: Feature[] };
      const feature = features.find((each) => each.latent === latent);
      if (feature === undefined) continue;
      return {
        record,
        text: `${index.text.name}, ${index.text.split}`,
        tokens: index.tokens,
        feature,
        no_directions: index.no_directions,
        facts: {
          rate: rate[place]!,
          low: low[place]!,
          high: high[place]!,
          mean: mean[place]!,
          max: max[place]!,
        },
      };
    }
  }
  return null;
}

/** Schemas of the files that are no shards. */
const named: ReadonlyMap<string, z.ZodType> = new Map<string, z.ZodType>([
  [INDEX_FILE, featureIndex],
  [WINDOWS_FILE, featureWindows],
  [EXPLANATIONS_FILE, explanations],
]);

/** @throws MalformedError when a text is not what a file of that name holds */
export function checkFeatures(name: string, text: string, path: string): void {
  let value: unknown;
  try {
    value = parseJson(text);
  } catch {
    value = undefined;
  }
  const parsed = (named.get(name) ?? featureShard).safeParse(value);
  if (parsed.success) return;
  const issue = parsed.error.issues[0];
  throw new MalformedError({
    thing: `${path}, ${clip(issue?.path.join('.') || 'top level')}`,
    found: clip(issue?.message ?? 'another shape'),
    expected: 'the fields of runner/report/features.ts',
    next: 'Make the file again with npx interpboard eval --fresh.',
  });
}

async function namesIn(folder: string): Promise<string[]> {
  return (await readdir(folder).catch(() => [] as string[])).toSorted();
}
