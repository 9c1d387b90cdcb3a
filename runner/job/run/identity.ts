import { join } from 'node:path';
import { recordedSettings, trainingSettings } from '../../config/roles.ts';
import type { RunConfig } from '../../config/run-config.ts';
import { canonicalJson, type HashFiles, sha256 } from '../../io/hash.ts';
import { type ModelPlace, modelFiles } from '../shared/model-place.ts';
import type { PublishedSae } from '../shared/published-saes.ts';

/** What a run's results follow from, as hashes. */
export interface RunIdentity {
  /** The settings that the SAEs it trains follow from. */
  trained: string;
  /** All settings that its records follow from, and the files of the SAEs of others, whatever name they have. */
  evaluated: string;
  /** The language model's files. */
  model: string;
}

/**
 * @throws UserError or MalformedError when the model's folder holds no readable checkpoint
 */
export async function runIdentity(
  config: RunConfig,
  model: ModelPlace,
  published: readonly PublishedSae[],
  hash: HashFiles,
  from: readonly PublishedSae[] = [],
): Promise<RunIdentity> {
  const names = await modelFiles(model);
  const hashed = await hash(names.map((name) => join(model.folder, name)));
  const hashes = Object.fromEntries(names.map((name, index) => [name, hashed[index]!.sha256]));
  const known = ({ files, layer, site, reads }: PublishedSae): object => ({
    files,
    layer,
    ...(site === 'resid_post' ? {} : { site }),
    ...(reads === undefined ? {} : { reads }),
  });
  const saes = published.map(known);
  const settings = trainingSettings(config);
  const started = from.length === 0 ? settings : { settings, from: from.map(known) };
  return {
    trained: sha256(canonicalJson(started)),
    evaluated: sha256(canonicalJson({ settings: recordedSettings(config), saes })),
    model: sha256(canonicalJson(hashes)),
  };
}
