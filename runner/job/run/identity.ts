import { join } from 'node:path';
import { recordedSettings, trainingSettings } from '../../config/roles.ts';
import type { RunConfig } from '../../config/run-config.ts';
import { hookName } from '../../hook.ts';
import { canonicalJson, type HashFiles, sha256 } from '../../io/hash.ts';
import type { OtherModel } from '../shared/crosscoder.ts';
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
  other: OtherModel | null = null,
): Promise<RunIdentity> {
  const known = ({ files, layer, site, reads, places }: PublishedSae): object => ({
    files,
    layer,
    ...(places === undefined ? {} : { places: places.map(({ model, hook }) => [model, hookName(hook)]) }),
    ...(site === 'resid_post' ? {} : { site }),
    ...(reads === undefined ? {} : { reads }),
  });
  const saes = published.map(known);
  const settings = trainingSettings(config);
  const started = from.length === 0 ? settings : { settings, from: from.map(known) };
  return {
    trained: sha256(canonicalJson(started)),
    evaluated: sha256(
      canonicalJson({
        settings: recordedSettings(config),
        saes,
        ...(other === null ? {} : { other: other.sha256 }),
      }),
    ),
    model: await modelSha256(model, hash),
  };
}

/**
 * Hash over the hashes of a model's files.
 *
 * @throws UserError or MalformedError when its folder holds no readable checkpoint
 */
export async function modelSha256(model: ModelPlace, hash: HashFiles): Promise<string> {
  const names = await modelFiles(model);
  const hashed = await hash(names.map((name) => join(model.folder, name)));
  return sha256(canonicalJson(Object.fromEntries(names.map((name, index) => [name, hashed[index]!.sha256]))));
}
