import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import type { Hook } from '../hook.ts';
import type { DownloadProgress } from '../hub/download.ts';
import { openHubHere } from '../hub/here.ts';
import { openSaeFile } from '../sae/checkpoints/load.ts';
import type { SaeFile } from '../sae/checkpoints/loaded.ts';
import { saeHookIfSaid } from '../sae/published/hook-names.ts';
import { locateSae } from '../sae/published/locate.ts';
import type { SaePlace } from '../sae/published/place.ts';
import { type RegistryEntry, type RegistryFilter, searchRegistry } from '../sae/published/registry.ts';
import { theRegistry } from '../sae/published/registry-file.ts';

export interface GetOptions {
  signal?: AbortSignal;
  onProgress?: (progress: DownloadProgress) => void;
}

export interface GotSae extends SaeFile {
  place: SaePlace;
  /** Where its activations are taken; null where nothing says it, or says a hook that is not known here. */
  hook: Hook | null;
}

/**
 * Finds an SAE, downloads it where it is not here yet, and opens it, its large matrices left in the file. Its cache and
 * the variables HF_TOKEN, HF_ENDPOINT, HF_HOME and HF_HUB_OFFLINE are those of Python's huggingface_hub.
 *
 * @param name a folder of one SAE or a .pt file; owner/name[@revision][:path] on the hub; release/id of SAELens'
 *   registry (saelens:release/id where the id has no slash). #layer=N,hook=mlp_out:N,k=N,… adds what its files do not say
 * @throws UserError, UnavailableError, MalformedError: their messages are one line with the next step
 *
 * @example
 * ```js
 * import { getSae } from 'interpboard-library';
 *
 * const file = await getSae('runs/small-world#layer=2');
 * const { d_in, d_sae } = file.sae;
 * console.log(file.format, d_in, d_sae, file.hook);
 * const { decoder } = await file.latents(3, 5); // rows 3 and 4 of W_dec, read from the file
 * console.log(decoder.length === 2 * d_in);
 * await file.close();
 * ```
 */
export async function getSae(name: string, options: GetOptions = {}): Promise<GotSae> {
  const { signal, onProgress } = options;
  const hub = await openHubHere();
  const place = await locateSae(name, {
    hub,
    local: { exists: existsSync, home: homedir() },
    registry: () => theRegistry(hub, process.env, homedir(), signal),
    signal,
    onProgress,
  });
  const file = await openSaeFile(place.path, place.options);
  const hook = saeHookIfSaid(file.details, place.hook);
  return { ...file, place, hook: hook && { layer: hook.layer, site: hook.site } };
}

/**
 * SAEs of SAELens' registry that fit, in its order.
 *
 * @throws as `getSae`
 *
 * @example
 * ```js
 * import { searchSaes } from 'interpboard-library';
 *
 * const [first] = await searchSaes({ model: 'gemma-2-2b' });
 * console.log(`${first.release}/${first.id}`, first.hook, first.l0); // the name that getSae takes
 * ```
 */
export async function searchSaes(
  filter: RegistryFilter = {},
  { signal }: Pick<GetOptions, 'signal'> = {},
): Promise<RegistryEntry[]> {
  const hub = await openHubHere();
  return searchRegistry((await theRegistry(hub, process.env, homedir(), signal)).registry, filter);
}
