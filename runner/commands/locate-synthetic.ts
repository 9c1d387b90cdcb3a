import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generated } from '../synthetic/generate.ts';
import { SYNTHETIC_FILES } from '../synthetic/layout.ts';
import { syntheticFolder, syntheticModels } from '../synthetic/models/index.ts';
import { projectRoot } from './paths.ts';

/** The configuration of a synthetic model of ours, by its name; null for another reference. */
export function namedSynthetic(reference: string | null): string | null {
  const name = syntheticModels.find((each) => each === reference);
  return name === undefined ? null : fileURLToPath(new URL(`${name}.json`, syntheticFolder));
}

/** Whether a path is the configuration of a synthetic model that is still to be made. */
export function isConfiguration(path: string): boolean {
  return path.endsWith('.json');
}

/** Whether a file of a repository belongs to the synthetic model at its root or in a folder of it. */
export function isSyntheticFile(path: string, folder: string | null): boolean {
  return SYNTHETIC_FILES.some((name) => path === (folder === null ? name : `${folder}/${name}`));
}

/** The folder of a synthetic model that is known by its configuration: made once. */
export function madeHere(configFile: string, say: (line: string) => void): Promise<string> {
  const cache = join(projectRoot, '.cache', 'synthetic');
  return generated(configFile, cache, () => say('model    being made, once, from its configuration'));
}
