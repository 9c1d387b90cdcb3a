/**
 * From what a user calls an SAE to its files on this machine and what is known of them: a folder or file, a repository
 * of the hub, or a name of SAELens' registry.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { quote, UnavailableError, UserError } from '../../errors.ts';
import { type Hook, parseHook, parsePlace, type Site, sites } from '../../hook.ts';
import { type DownloadProgress, download } from '../../hub/download.ts';
import { formatReference, type HubReference, parseReference } from '../../hub/reference.ts';
import {
  listRepository,
  type PinnedReference,
  pinReference,
  type RepositoryFile,
} from '../../hub/repository.ts';
import type { Hub } from '../../hub/transport.ts';
import type { LoadOptions, SaeAdapter } from '../checkpoints/adapter.ts';
import { adapterOfLoader, adapters } from '../checkpoints/adapters.ts';
import { refusedAs, refusedLoaders } from '../checkpoints/refused.ts';
import { siteInWords } from './hook-names.ts';
import { lightCheckpoints } from './light-checkpoints.ts';
import type { SaePlace } from './place.ts';
import { findEntry, type Registry } from './registry.ts';

/** More places than any crosscoder has. */
const LIST_LIMIT = 256;

/** Values joined by +, one for each place of a crosscoder. @param read null for what is no such value */
function listOf<T>(read: (text: string) => T | null, expected: string) {
  return z.union([z.string(), z.number()]).transform((given, context): T[] => {
    const values = String(given).split('+').map(read);
    const all = values.filter((value) => value !== null);
    if (all.length < values.length || all.length > LIST_LIMIT) {
      context.addIssue({ code: 'custom', message: `expected ${expected}` });
      return z.NEVER;
    }
    return all;
  });
}

const optionsSchema = z.strictObject({
  layer: z.int().nonnegative().max(10_000).exactOptional(),
  hook: z
    .string()
    .transform((text, context) => {
      const hook = parsePlace(text);
      if (hook === null)
        context.addIssue({ code: 'custom', message: `expected ${sites.join(', ')} with :N` });
      return hook ?? z.NEVER;
    })
    .exactOptional(),
  k: z.int().positive().exactOptional(),
  normScale: z.number().positive().exactOptional(),
  normScales: listOf((text) => {
    const scale = Number(text);
    return Number.isFinite(scale) && scale > 0 ? scale : null;
  }, 'numbers above 0 joined by +').exactOptional(),
  hooks: listOf(parseHook, `${sites.join(', ')} with :N, joined by +`).exactOptional(),
  normalize: z.boolean().exactOptional(),
  step: z.int().positive().exactOptional(),
});

export type SaeOptions = z.infer<typeof optionsSchema>;

/**
 * Splits `owner/name:path#layer=3,k=50` at its first #.
 *
 * @throws UserError for an option nobody knows
 */
export function parseSaeName(text: string): { name: string; options: SaeOptions } {
  const at = text.indexOf('#');
  if (at < 0) return { name: text, options: {} };
  const parts = text.slice(at + 1).split(',');
  const given = parts.map((part): [string, unknown] => {
    const [key = '', ...value] = part.split('=');
    return [key, plain(value.join('='))];
  });
  const wrong = (found: string): UserError =>
    new UserError({
      thing: `SAE ${quote(text)}`,
      found,
      expected:
        'layer=N or hook=SITE:N, k=N, step=N, normScale=X, normalize=true or false, of crosscoders hooks=SITE:N+SITE:N and normScales=X+X after #, each once',
      next: 'Write it as in owner/name:path#layer=3,k=50.',
    });
  const keys = given.map(([key]) => key);
  const twice = keys.find((key, i) => keys.indexOf(key) !== i);
  if (twice !== undefined) throw wrong(`${quote(twice)} twice`);
  const parsed = optionsSchema.safeParse(Object.fromEntries(given));
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw wrong(`${issue?.path.join('.') || 'options'}: ${issue?.message ?? 'something else'}`);
  }
  const { layer, hook, hooks } = parsed.data;
  if (layer !== undefined && hook !== undefined) throw wrong('layer beside hook, which names the block too');
  if (hooks !== undefined && (layer ?? hook) !== undefined)
    throw wrong('a hook beside hooks, which name all');
  return { name: text.slice(0, at), options: parsed.data };
}

function plain(text: string): unknown {
  if (text === 'true' || text === 'false') return text === 'true';
  return /^-?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/i.test(text) ? Number(text) : text;
}

export interface Locating {
  hub: Hub;
  local: { exists: (path: string) => boolean; home: string };
  /** Opened when a name of it is met. */
  registry: () => Promise<{ registry: Registry; sha256: string }>;
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: DownloadProgress) => void) | undefined;
  onCheck?: ((done: number, total: number) => void) | undefined;
  onUnchecked?: ((paths: readonly string[]) => void) | undefined;
}

/**
 * Brings SAEs' files here: one, or of a folder of light checkpoints (or #step=N of it) each of them.
 *
 * @throws as `locateSae`
 */
export async function locateSaes(text: string, locating: Locating): Promise<SaePlace[]> {
  const { step } = parseSaeName(text).options;
  const place = await locatePlace(text, locating);
  const light = place.registry === null ? await lightCheckpoints(place, step) : null;
  if (light !== null) return light;
  if (step === undefined) return [place];
  throw new UserError({
    thing: `SAE ${quote(text)}`,
    found: 'no light checkpoints there',
    expected: 'a folder of them, such as snapshots of a run, where a step is asked for',
    next: 'Leave #step out.',
  });
}

/**
 * Brings an SAE's files here and says what is known of them.
 *
 * @param text a path; owner/name[@revision][:path]; release/id of the registry, or saelens:release/id; each with
 *   #option=value,… where its files leave something open
 * @throws UserError for a name that is none of these or does not exist, and for a format no adapter reads
 * @throws UnavailableError, MalformedError as downloading and reading the registry do
 */
export async function locateSae(text: string, locating: Locating): Promise<SaePlace> {
  const places = await locateSaes(text, locating);
  const [place] = places;
  if (place !== undefined && places.length === 1) return place;
  throw new UserError({
    thing: `SAE ${quote(text)}`,
    found: `${places.length} light checkpoints`,
    expected: 'one SAE',
    next: `Say which one, as in ${places[0]?.name ?? '#step=100,layer=4'}.`,
  });
}

async function locatePlace(text: string, locating: Locating): Promise<SaePlace> {
  const { name, options } = parseSaeName(text);
  const { layer, hook, step: _, ...rest } = options;
  const asked = hook ?? layer;
  const chosen = { ...(layer === undefined ? {} : { layer }), ...(hook === undefined ? {} : { hook }) };
  const registered = registryName(name, locating.local.exists);
  if (registered !== null) return locateRegistered(text, registered, options, locating);
  const reference = parseReference(name, locating.local);
  const shared = { name: text, registry: null };
  if (reference.kind === 'local') {
    return {
      ...shared,
      path: reference.path,
      options: { ...rest, ...chosen },
      hook: { asked, fromPath: hookInPath(reference.path) },
      repo: null,
      revision: null,
      pathInRepo: null,
      license: null,
      conversions: [],
    };
  }
  const found = await fetchFiles(reference, options, locating);
  const said = fromName(found.reference, rest);
  return {
    ...shared,
    ...found.place,
    options: { ...said.options, ...chosen },
    hook: { asked, fromPath: hookInPath(`${reference.repo}/${reference.path ?? ''}`) },
    conversions: said.conversions,
  };
}

/** The name in the registry, where the text has the form of one (saelens:…, or release/id with more slashes than a repository has); else null. */
export function registryName(name: string, exists: (path: string) => boolean): string | null {
  if (name.startsWith('saelens:')) return name.slice('saelens:'.length);
  if (name.startsWith('hf://') || exists(name)) return null;
  return /^[A-Za-z0-9][\w.-]*(?:\/[\w.-]+){2,}$/.test(name) && !/^(models|datasets|spaces)\//.test(name)
    ? name
    : null;
}

async function locateRegistered(
  text: string,
  registered: string,
  { layer, hook, step: _, ...options }: SaeOptions,
  locating: Locating,
): Promise<SaePlace> {
  const { registry, sha256 } = await locating.registry();
  const entry = findEntry(registry, registered);
  const adapter = adapterOfLoader(entry.loader);
  if (adapter === undefined) {
    const thing = `SAE ${quote(registered)} of the registry`;
    const refused = refusedLoaders[entry.loader];
    if (refused !== undefined) throw refusedAs(thing, refused);
    throw new UserError({
      thing,
      found: `the loader ${quote(entry.loader)}, which no adapter here corresponds to`,
      expected: adapters.flatMap(({ loaders }) => loaders).join(', '),
      next: 'Choose another SAE of the model: npx interpboard inspect saes --model NAME lists them.',
    });
  }
  const reference: HubReference = {
    kind: 'hub',
    type: 'model',
    repo: entry.repo,
    revision: 'main',
    path: entry.path,
  };
  const found = await fetchFiles(reference, layer === undefined ? {} : { layer }, locating);
  const said = fromName(found.reference, options);
  const { conversions } = said;
  const normScale = options.normScale ?? (adapter.takes.includes('normScale') ? entry.normScale : null);
  if (normScale !== null && options.normScale === undefined)
    conversions.push(`norm_scaling_factor ${normScale} from the registry`);
  return {
    name: text,
    ...found.place,
    options: {
      ...said.options,
      ...(normScale === null ? {} : { normScale }),
      ...(adapter.takes.includes('overrides') && Object.keys(entry.overrides).length > 0
        ? { overrides: entry.overrides }
        : {}),
    },
    hook: { asked: hook ?? layer, fromPath: entry.hook },
    registry: { release: entry.release, id: entry.id, sha256 },
    conversions,
  };
}

/** What the user says of an SAE, and what else the name of its repository does. */
function fromName(
  { repo }: HubReference,
  given: Omit<SaeOptions, 'layer' | 'hook' | 'step'>,
): { options: LoadOptions; conversions: string[] } {
  for (const { fromRepository } of adapters) {
    const found = fromRepository?.(repo);
    const open = Object.keys(found?.options ?? {}).every((option) => !(option in given));
    if (found && open) return { options: { ...found.options, ...given }, conversions: [found.conversion] };
  }
  return { options: given, conversions: [] };
}

/** layer_12/…, layer3.sae.pt, layers.5, L11R: what a path says. */
function hookInPath(path: string): Hook | null {
  const site = siteInWords(path);
  const found =
    /(?:^|[/_-])(?:layers?[._]?|blocks\.)(\d+)(?=[/._-]|$)|[/-]L(\d+)(?:R|(?<m>M)|(?<a>A))(?=[-/]|$)/.exec(
      path,
    );
  if (found === null || site === null) return null;
  const scope: Site = found.groups?.m ? 'mlp_out' : found.groups?.a ? 'attn_out' : site;
  return { layer: Number(found[1] ?? found[2]), site: scope };
}

/**
 * Whether a file is one of an SAE, by its path in the SAE's folder; a single .pt file is asked for by its own.
 *
 * @param names of the files in the folder
 */
function ofSae(inside: string, names: readonly string[]): boolean {
  return formatsAmong(names).some(({ mark, files }) => mark.folder !== undefined && files.test(inside));
}

/** The formats that a folder may be of, by what it must not hold. */
function formatsAmong(names: readonly string[]): SaeAdapter[] {
  return adapters.filter(
    ({ mark: { unless } }) => unless === undefined || !names.some((name) => unless.test(name)),
  );
}

interface Fetched {
  reference: PinnedReference;
  place: Pick<SaePlace, 'path' | 'repo' | 'revision' | 'pathInRepo' | 'license'>;
}

async function fetchFiles(
  given: HubReference,
  { layer, step }: Pick<SaeOptions, 'layer' | 'step'>,
  { hub, signal, onProgress, onCheck, onUnchecked }: Locating,
): Promise<Fetched> {
  const reference = await pinReference(hub, given, signal);
  const { path } = reference;
  // Offline the cache decides what is there.
  const listed = hub.settings.offline ? null : await listRepository(hub, reference, signal);
  const folder = listed?.some((file) => path === null || file.path.startsWith(`${path}/`)) ?? null;
  // Some folders are called like files (v5_32k_layer_0.pt).
  const single = /\.(?:pth?|safetensors)$/.test(path ?? '') && folder !== true;
  if (listed !== null && folder === false && !listed.some((file) => file.path === path))
    throw nothingThere(reference, listed);
  const under = path === null || single ? '' : `${path}/`;
  const names = (listed ?? []).flatMap(({ path: file }) =>
    file.startsWith(under) ? [file.slice(under.length)] : [],
  );
  const select = (file: string): boolean => {
    if (single) return file === path;
    if (!file.startsWith(under)) return false;
    const inside = file.slice(under.length);
    if (!ofSae(inside, names)) return false;
    const [, at, release] = /^(?:step-(\d+)\/)?sae_L(\d+)/.exec(inside) ?? [];
    if (at !== undefined && step !== undefined && Number(at) !== step) return false;
    return release === undefined || layer === undefined || Number(release) === layer;
  };
  const got = await download(hub, {
    reference: given,
    select,
    signal,
    onProgress,
    onCheck,
    onUnchecked,
  });
  const tensorsIn = (inside: string): boolean =>
    formatsAmong(names).some(({ tensors }) => tensors.test(inside));
  if (!got.files.some((file) => single || tensorsIn(file.path.slice(under.length))))
    throw nothingThere(reference, listed ?? []);
  return {
    reference,
    place: {
      path: path === null ? got.folder : join(got.folder, ...path.split('/')),
      repo: reference.repo,
      revision: reference.commit,
      pathInRepo: path,
      license: await licenseOf(hub, reference, signal),
    },
  };
}

function nothingThere(reference: PinnedReference, files: readonly RepositoryFile[]): UserError {
  const folders = new Set(files.flatMap(({ path }) => placeOfTensors(path) ?? []));
  const names = [...folders];
  return new UserError({
    thing: formatReference(reference),
    found: 'no files of an SAE there',
    expected:
      names.length === 0
        ? 'a folder of one SAE, or a .pt file'
        : `one of ${names.slice(0, 4).map(quote).join(', ')}${names.length > 4 ? ` and ${names.length - 4} more` : ''}`,
    next: `Name the folder after a colon: ${reference.repo}:FOLDER.`,
  });
}

/** The folder, or the single file, that holds an SAE's tensors at that path. */
function placeOfTensors(path: string): string | null {
  for (const { mark, tensors } of adapters) {
    // A language model's files have these names too, which would each be named as an SAE.
    if (mark.unless !== undefined) continue;
    const parts = path.split('/');
    // The tensors of some lie in a folder of the SAE's own.
    for (let depth = parts.length - 1; depth >= Math.max(0, parts.length - 2); depth--) {
      if (!tensors.test(parts.slice(depth).join('/'))) continue;
      return mark.folder === undefined ? path : parts.slice(0, depth).join('/') || '.';
    }
  }
  return null;
}

const cardSchema = z.looseObject({ license: z.string().max(200) });

/** The licence that the repository's card names; null where there is no card or it names none. */
async function licenseOf(
  hub: Hub,
  reference: PinnedReference,
  signal: AbortSignal | undefined,
): Promise<string | null> {
  const { commit, ...plainReference } = reference;
  const card = { ...plainReference, revision: commit, path: 'README.md' };
  const got = await download(hub, { reference: card, signal }).catch((error: unknown) => {
    // A repository without a card, or none in the cache: its licence is not known. Anything else is a failure.
    if (error instanceof UserError || (hub.settings.offline && error instanceof UnavailableError))
      return null;
    throw error;
  });
  const file = got?.files[0]?.file;
  if (file === undefined) return null;
  const matter = /^---\r?\n(.{0,20000}?)\r?\n---/s.exec(await readFile(file, 'utf8'))?.[1];
  if (matter === undefined) return null;
  try {
    return cardSchema.parse(parse(matter, { schema: 'core', maxAliasCount: 0, logLevel: 'silent' })).license;
  } catch {
    return null;
  }
}
