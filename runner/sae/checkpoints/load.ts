/** One SAE from a path, whatever its format: recognised, read, brought into the canonical form. */
import { UserError } from '../../errors.ts';
import type { LoadOptions } from './adapter.ts';
import { detectAdapter } from './detect.ts';
import { type LoadedSae, loadedFrom, type SaeFile } from './loaded.ts';
import { checkTaken } from './taken-options.ts';

/**
 * All of an SAE in memory.
 *
 * @param path a folder of one SAE, a `.pt` file, or the tensors of one in a release’s folder
 * @throws UserError for an unknown format, or when an option is missing that its files do not answer
 * @throws UnavailableError @throws MalformedError
 */
export function loadSae(path: string, options: LoadOptions = {}): Promise<LoadedSae> {
  return loadedFrom(openSaeFile(path, options));
}

/**
 * An SAE with its large matrices left in the file: opening reads headers and vectors, whatever the file's size.
 * Close it when it is done with.
 *
 * @param path a folder of one SAE, a `.pt` file, or the tensors of one in a release’s folder
 * @throws as `loadSae`
 */
export async function openSaeFile(path: string, options: LoadOptions = {}): Promise<SaeFile> {
  const adapter = await detectAdapter(path);
  checkTaken(path, adapter, options, ['layer', 'hook', 'overrides']);
  if (options.overrides !== undefined && !adapter.takes.includes('overrides')) {
    throw new UserError({
      thing: path,
      found: `overrides of its config, in the format ${adapter.format}`,
      expected: 'them for configs that take them only',
      next: 'Leave them out.',
    });
  }
  return adapter.open(path, options);
}
