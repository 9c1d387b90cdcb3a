import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { SAE_LIMIT } from '../config/sweep.ts';
import { UserError } from '../errors.ts';
import { openHubHere } from '../hub/here.ts';
import { parseReference } from '../hub/reference.ts';
import type { HashFiles } from '../io/hash.ts';
import { type ModelPlace, modelShape } from '../job/shared/model-place.ts';
import { describePublished, type PublishedSae } from '../job/shared/published-saes.ts';
import { type Locating, locateSae, locateSaes, parseSaeName, registryName } from '../sae/published/locate.ts';
import type { SaePlace } from '../sae/published/place.ts';
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
  hash: HashFiles,
  option = '--sae',
  other: ModelPlace | null = null,
): Promise<PublishedSae[]> {
  if (names.length === 0) return [];
  const places = await located(names, view, locateSaes);
  checkNumber(places, option);
  return describePublished(places, await modelShape(model), hash, other && (await modelShape(other)));
}

/** @throws as `locateSae` does; Stopped at Ctrl-C */
export function locateNamed(names: readonly string[], view: ProgressView): Promise<SaePlace[]> {
  return located(names, view, async (name, locating) => [await locateSae(name, locating)]);
}

async function located(
  names: readonly string[],
  view: ProgressView,
  locate: (name: string, locating: Locating) => Promise<SaePlace[]>,
): Promise<SaePlace[]> {
  return withShownHub(view, async ({ hub, ...shown }) => {
    const locating: Locating = {
      hub,
      local: { exists: existsSync, home: homedir() },
      registry: onlyOnce(() => theRegistry(hub, process.env, homedir(), shown.signal)),
      ...shown,
    };
    const places: SaePlace[] = [];
    for (const name of names) {
      const found = await locate(name, locating);
      for (const { repo, revision, pathInRepo } of found)
        if (repo !== null) view.line(`SAE      ${repo}@${revision}:${pathInRepo ?? ''}`);
      places.push(...found);
    }
    return places;
  });
}

/** Those that all lie on this machine; null where one does not, and nothing is downloaded. @throws as `locateSae` */
export async function locateHere(names: readonly string[]): Promise<SaePlace[] | null> {
  const local = { exists: existsSync, home: homedir() };
  const here = names.every((name) => {
    const { name: path } = parseSaeName(name);
    return registryName(path, existsSync) === null && parseReference(path, local).kind === 'local';
  });
  if (!here) return null;
  const hub = await openHubHere();
  const registry = () => theRegistry(hub, process.env, local.home, undefined);
  const places = await Promise.all(names.map((name) => locateSaes(name, { hub, local, registry })));
  return places.flat();
}

/** A folder of light checkpoints is one name and many SAEs. */
function checkNumber(places: readonly SaePlace[], option: string): void {
  if (places.length <= SAE_LIMIT) return;
  throw new UserError({
    thing: option,
    found: `${places.length} SAEs, light checkpoints among them`,
    expected: `at most ${SAE_LIMIT} in one run`,
    next: 'Choose some, with #step=N or #layer=N after the folder.',
  });
}

function onlyOnce<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
