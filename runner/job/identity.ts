import { join } from 'node:path';
import type { RunConfig } from '../config/run-config.ts';
import { canonicalJson, hashFile, sha256 } from '../io/hash.ts';
import { openCheckpoint } from '../lm/checkpoint.ts';
import type { PublishedSae } from './published-saes.ts';

/** Where a run's language model lies, and the commit of its repository when it came from one. */
export interface ModelPlace {
  folder: string;
  revision: string | null;
}

/** What a run's results follow from, as hashes: its settings, and the language model's files. */
export interface RunIdentity {
  config: string;
  model: string;
}

/**
 * The device and the number of threads are part of the settings: the last bits of the results depend on them. The
 * files of SAEs that others made are too, whatever name they were asked for by.
 *
 * @throws UserError or MalformedError when the model's folder holds no readable checkpoint
 */
export async function runIdentity(
  config: RunConfig,
  { folder }: ModelPlace,
  published: readonly PublishedSae[],
): Promise<RunIdentity> {
  const { files } = await openCheckpoint(folder);
  const hashes: Record<string, string> = {};
  for (const file of ['config.json', 'tokenizer.json', ...files]) {
    hashes[file] = (await hashFile(join(folder, file))).sha256;
  }
  const saes = published.map(({ files, layer }) => ({ files, layer }));
  const settings = saes.length === 0 ? config : { ...config, saes, names: config.saes };
  return { config: sha256(canonicalJson(settings)), model: sha256(canonicalJson(hashes)) };
}
