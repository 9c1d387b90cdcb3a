import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import type { ModelPlace } from '../job/identity.ts';
import { describePublished, type PublishedSae } from '../job/published-saes.ts';
import { openCheckpoint } from '../lm/checkpoint.ts';
import { familyOf } from '../lm/families/index.ts';
import { type Locating, locateSae, type SaePlace } from '../sae/published/locate.ts';
import { theRegistry } from '../sae/published/registry-file.ts';
import { withShownHub } from './download-view.ts';
import type { ProgressView } from './progress.ts';

/**
 * The SAEs of others that a run evaluates: downloaded where they are not here, and looked into.
 *
 * @throws Stopped at Ctrl-C, with the part that came kept
 * @throws UserError, UnavailableError or MalformedError for one that cannot be had, read or evaluated
 */
export async function locatePublished(
  names: readonly string[],
  model: ModelPlace,
  view: ProgressView,
): Promise<PublishedSae[]> {
  if (names.length === 0) return [];
  const places = await locateNamed(names, view);
  return describePublished(places, familyOf(await openCheckpoint(model.folder)));
}

/** @throws as `locateSae` does; Stopped at Ctrl-C */
export async function locateNamed(names: readonly string[], view: ProgressView): Promise<SaePlace[]> {
  return withShownHub(view, async ({ hub, signal, onProgress }) => {
    const locating: Locating = {
      hub,
      local: { exists: existsSync, home: homedir() },
      registry: onlyOnce(() => theRegistry(hub, process.env, homedir(), signal)),
      signal,
      onProgress,
    };
    const places: SaePlace[] = [];
    for (const name of names) {
      const place = await locateSae(name, locating);
      if (place.repo !== null)
        view.line(`SAE      ${place.repo}@${place.revision}:${place.pathInRepo ?? ''}`);
      places.push(place);
    }
    return places;
  });
}

function onlyOnce<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
