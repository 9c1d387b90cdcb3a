/** Where text lies that a record knows by its fingerprint alone. */
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Json } from '../config/portable.ts';
import { UserError } from '../errors.ts';
import { findLocalFiles } from '../io/local-files.ts';

/**
 * Paths by fingerprint: of what the user names, and of what the run's own state, which is not published, names and
 * still finds unchanged.
 *
 * @throws UserError when a path that the user names holds no data files
 */
export async function textPlaces(given: readonly string[], runFolder: string): Promise<Map<string, string>> {
  const places = new Map<string, string>();
  for (const path of await stateOf(runFolder)) {
    const found = await findLocalFiles(path).catch(() => undefined);
    if (found?.fingerprint != null) places.set(found.fingerprint, path);
  }
  for (const path of given) {
    const { fingerprint } = await findLocalFiles(path);
    if (fingerprint !== null) places.set(fingerprint, resolve(path));
  }
  return places;
}

/** Paths of text that a run's state names. */
async function stateOf(runFolder: string): Promise<string[]> {
  const paths: string[] = [];
  try {
    const state = JSON.parse(await readFile(join(runFolder, 'run.json'), 'utf8')) as Json;
    mapped(state, (declaration) => {
      paths.push(declaration.data);
      return declaration;
    });
  } catch {
    // No run of this name here, or none that can be read: the user names the text.
  }
  return paths;
}

/**
 * A record's settings with the paths that its text has here.
 *
 * @throws UserError naming text that is not among the places
 */
export function placed(config: Json, places: ReadonlyMap<string, string>, record: string): Json {
  return mapped(config, ({ given: _, fingerprint, ...declaration }) => {
    const path = places.get(fingerprint);
    if (path !== undefined) return { ...declaration, data: path };
    throw new UserError({
      thing: record,
      found: `text ${declaration.data} of fingerprint ${fingerprint.slice(0, 12)}, which is not known here`,
      expected: 'the same files',
      next: 'Name them with --text.',
    });
  });
}

interface LocalText {
  [key: string]: Json;
  data: string;
  fingerprint: string;
}

/** Every declaration of data files that has a fingerprint, changed. */
function mapped(value: Json, change: (declaration: LocalText) => Json): Json {
  if (Array.isArray(value)) return value.map((each) => mapped(each, change));
  if (value === null || typeof value !== 'object') return value;
  if (typeof value.data === 'string' && typeof value.fingerprint === 'string')
    return change(value as LocalText);
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, mapped(each, change)]));
}
