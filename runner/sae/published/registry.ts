/**
 * SAELens' registry of published SAEs: one YAML file, release -> repository, format and its SAEs. What is read of it is
 * checked; the rest (links, Neuronpedia ids) is left alone.
 */
import { parse } from 'yaml';
import { z } from 'zod';
import { MalformedError, quote, UserError } from '../../errors.ts';
import type { Hook, Place, Site } from '../../hook.ts';
import { adapterOfLoader } from '../checkpoints/adapters.ts';
import type { SaeFormat } from '../checkpoints/loaded.ts';
import { namedHook, siteInWords } from './hook-names.ts';

/** Releases and SAEs: the file of 2026 has 170 and 14,000. */
const RELEASE_LIMIT = 10_000;
const SAE_LIMIT = 1_000_000;
/** Nesting: the file has five levels. Its text is read by recursion. */
const INDENT_LIMIT = 64;

const name = z.string().min(1).max(500);

const saeSchema = z.looseObject({
  id: name,
  /** One loader of SAELens takes numbers. */
  path: z.union([name, z.int().nonnegative()]).transform(String),
  l0: z.number().nullish(),
  variance_explained: z.number().nullish(),
  norm_scaling_factor: z.number().positive().nullish(),
});

const releaseSchema = z.looseObject({
  conversion_func: name.nullish(),
  model: name,
  repo_id: name,
  config_overrides: z.record(z.string(), z.unknown()).nullish(),
  saes: z.array(saeSchema).max(SAE_LIMIT),
});

const registrySchema = z
  .record(name, releaseSchema)
  .refine((releases) => Object.keys(releases).length <= RELEASE_LIMIT, 'too many releases');

/** Settings of an override that change how the config of an SAE is read; others are about the model or the data. */
const READ_OVERRIDES = ['normalize_activations', 'apply_b_dec_to_input', 'reshape_activations'] as const;

export interface RegistryEntry {
  release: string;
  id: string;
  model: string;
  repo: string;
  /** In the repository: a folder, or a file. */
  path: string;
  /** SAELens' name of the loader. */
  loader: string;
  /** Null where no adapter reads it. */
  format: SaeFormat | null;
  /** As far as its names say; null for hooks that are not known here. */
  hook: Place | null;
  /** Number of latents as far as its names say, such as 16k. */
  width: string | null;
  l0: number | null;
  varExp: number | null;
  normScale: number | null;
  /** Keys of a SAELens config to read otherwise. */
  overrides: Readonly<Record<string, unknown>>;
}

export type Registry = readonly RegistryEntry[];

/**
 * @param thing what the file is called in errors
 * @throws MalformedError when it is not YAML, or not of the registry's shape
 */
export function parseRegistry(thing: string, text: string): Registry {
  const malformed = (found: string): MalformedError =>
    new MalformedError({
      thing,
      found: quote(found),
      expected: 'releases with repo_id, model and saes, in YAML',
      next: 'Check INTERPBOARD_SAE_REGISTRY, or unset it.',
    });
  let raw: unknown;
  try {
    // Aliases could make a small file a huge one; the registry has none. Brackets nest without an indent.
    if (new RegExp(`^ {${INDENT_LIMIT}}|[[{]{${INDENT_LIMIT}}`, 'm').test(text))
      throw new RangeError('deep nesting');
    raw = parse(text, { schema: 'core', maxAliasCount: 0, prettyErrors: false, logLevel: 'silent' });
  } catch (error) {
    throw malformed(error instanceof Error ? error.message : 'no YAML');
  }
  const parsed = registrySchema.safeParse(raw);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw malformed(
      `${issue?.path.map(String).join('.') || 'the file'}: ${issue?.message ?? 'another shape'}`,
    );
  }
  return Object.entries(parsed.data).flatMap(([release, shared]) =>
    shared.saes.map((sae) => entryOf(release, shared, sae)),
  );
}

function entryOf(
  release: string,
  { conversion_func, model, repo_id, config_overrides }: z.infer<typeof releaseSchema>,
  sae: z.infer<typeof saeSchema>,
): RegistryEntry {
  const loader = conversion_func ?? 'sae_lens';
  const overrides = Object.entries(config_overrides ?? {}).filter(([key]) =>
    (READ_OVERRIDES as readonly string[]).includes(key),
  );
  return {
    release,
    id: sae.id,
    model,
    repo: repo_id,
    path: sae.path,
    loader,
    format: adapterOfLoader(loader)?.format ?? null,
    hook:
      Object.hasOwn(MLP_TRANSCODERS, loader) && isTranscoder(release, repo_id, sae)
        ? transcoderOf(sae, MLP_TRANSCODERS[loader]!)
        : hookOf(release, repo_id, sae),
    width: widthOf(`${sae.id} ${sae.path} ${release}`),
    l0: sae.l0 ?? null,
    varExp: sae.variance_explained ?? null,
    normScale: sae.norm_scaling_factor ?? null,
    overrides: Object.fromEntries(overrides),
  };
}

/** width_16k, w32k, 8x, width-2pow12, …_16384 */
function widthOf(text: string): string | null {
  const patterns = [
    /width[_-](\d+(?:pow\d+)?[km]?)/,
    /[-_]w?(\d+[kmx])(?=[-_/\s]|$)/,
    /_(\d{3,7})(?=[_\s]|$)/,
  ];
  return patterns.map((pattern) => pattern.exec(text)?.[1]).find((each) => each !== undefined) ?? null;
}

/** Loaders whose transcoders go from before an MLP to its output, with what they read: that of Gemma Scope 1 norms it itself. */
const MLP_TRANSCODERS: Readonly<Record<string, Site>> = {
  gemma_2_transcoder: 'resid_mid',
  gemma_3: 'mlp_in',
  mwhanna_transcoder: 'mlp_in',
};

interface Named {
  id: string;
  path: string;
}

function isTranscoder(release: string, repo: string, { id, path }: Named): boolean {
  return /transcoder/i.test(`${release} ${repo} ${path} ${id}`);
}

function transcoderOf({ id, path }: Named, reads: Site): Place | null {
  const number = /layer_?(\d+)/i.exec(`${path} ${id}`)?.[1];
  if (number === undefined) return null;
  const layer = Number(number);
  return { layer, site: 'mlp_out', reads: { layer, site: reads } };
}

/** Hooks stand in ids and paths in several ways. */
function hookOf(release: string, repo: string, sae: Named): Hook | null {
  const { id, path } = sae;
  const text = `${release} ${repo} ${path} ${id}`;
  if (isTranscoder(release, repo, sae)) return null;
  if (/gemma-scope/i.test(repo) && /(?:^|\/)embedding\//.test(path)) return { layer: 0, site: 'resid_pre' };
  const named = /blocks\.\d+\.(?:\w+\.)?hook_[a-z]+(?:_[a-z]+)?/.exec(`${id} ${path}`)?.[0];
  if (named !== undefined) {
    const hook = namedHook(named);
    return hook && { layer: hook.layer, site: hook.site };
  }
  const site = siteInWords(text);
  const number = /layer_?(\d+)|(?:^|[/_])l(\d+)[rma][_/]/i.exec(`${id} ${path}`);
  return number === null || site === null ? null : { layer: Number(number[1] ?? number[2]), site };
}

/**
 * The SAE of that name.
 *
 * @param text release/id
 * @throws UserError naming what there is
 */
export function findEntry(registry: Registry, text: string): RegistryEntry {
  const at = text.indexOf('/');
  const [release, id] = [text.slice(0, at), text.slice(at + 1)];
  const found = registry.find((entry) => entry.release === release && entry.id === id);
  if (found !== undefined) return found;
  const siblings = registry.filter((entry) => entry.release === release);
  const near =
    siblings.length > 0
      ? siblings
      : registry.filter((entry) => entry.release.startsWith(release.slice(0, 8)));
  const names = [...new Set(near.map((entry) => (siblings.length > 0 ? entry.id : entry.release)))];
  throw new UserError({
    thing: 'SAE of the registry',
    found:
      siblings.length > 0 ? `no ${quote(id)} in release ${quote(release)}` : `no release ${quote(release)}`,
    expected:
      names.length === 0
        ? 'a release of the registry'
        : `${names.slice(0, 5).map(quote).join(', ')}${names.length > 5 ? ` or one of ${names.length - 5} more` : ''}`,
    next: 'List them: npx interpboard inspect saes --model NAME --layer N.',
  });
}

export interface RegistryFilter {
  /** Part of the model's name, such as gemma-2-2b. */
  model?: string;
  layer?: number;
  release?: string;
}

/** Entries that fit, in the registry's order; a model's name fits as a whole word of the registry's. */
export function searchRegistry(
  registry: Registry,
  { model, layer, release }: RegistryFilter,
): RegistryEntry[] {
  const plain = (text: string): string => text.toLowerCase().replace(/^.*\//, '');
  return registry.filter(
    (entry) =>
      (model === undefined || plain(entry.model) === plain(model)) &&
      (layer === undefined || entry.hook?.layer === layer) &&
      (release === undefined || entry.release.includes(release)),
  );
}

/** What is typed after --sae for it. */
export function entryName({ release, id }: Pick<RegistryEntry, 'release' | 'id'>): string {
  return id.includes('/') ? `${release}/${id}` : `saelens:${release}/${id}`;
}
