/**
 * Checkpoints as the reference release lays them out: `sae_L{N}_latest.safetensors` with W_enc, W_dec, b_enc and
 * b_dec in F32, and `sae_L{N}_cfg.json`. The reference release has TopK SAEs alone; what else this project trains lies
 * the same way, with the tensors of its architecture, and says in the config what differs.
 */
import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { MalformedError, quote, UserError } from '../../errors.ts';
import { toBfloat16 } from '../../formats/number-types.ts';
import { encodeSafetensors } from '../../formats/safetensors.ts';
import { comparePlaces, hookOf, type Place, placeName, placeOfLabelled } from '../../hook.ts';
import { writeAtomic, writeJsonAtomic } from '../../io/write-atomic.ts';
import { type GroupMaxSae, type MatchingPursuitSae, normalisation, type Sae, tensorsOf } from '../sae.ts';
import type { Stored } from '../stored-sae.ts';
import type { LoadOptions, SaeAdapter } from './adapter.ts';
import { accepted, openTensors, readConfig, type SaeFile, size, storedTensors, TensorBag } from './loaded.ts';

/** Architectures that keep a number of latents: their configs, and no others, have k, k_aux and alpha_aux. */
const withK: readonly string[] = ['topk', 'batchtopk', 'matryoshka'] satisfies Sae['architecture'][];

const configSchema = z
  .strictObject({
    architecture: z.enum(['topk', 'batchtopk', 'matryoshka', 'jumprelu', 'gated', 'relu']),
    d_in: size,
    d_sae: size,
    k: size.optional(),
    k_aux: size.optional(),
    alpha_aux: z.number().nonnegative().optional(),
    hook_name: z.string().min(1).max(300),
    /** Not of the reference release: of a transcoder, what it reconstructs. */
    hook_name_out: z.string().min(1).max(300).optional(),
    d_out: size.optional(),
    skip_connection: z.literal(true).optional(),
    model_name: z.string().min(1).max(300),
    /** What follows the selection; the selection itself is the architecture. */
    activation_fn_str: z.enum(['topk', 'relu', 'jumprelu']),
    tokens_seen: z.int().nonnegative(),
    step: z.int().nonnegative(),
    /** Not of the reference release: groups of a Matryoshka SAE. */
    group_sizes: z.array(size).min(1).optional(),
    /** Not of the reference release: what is done to x, where something is. */
    normalisation: normalisation.optional(),
    /** Not of the reference release: that b_dec is not subtracted from x. */
    apply_b_dec_to_input: z.literal(false).optional(),
  })
  .superRefine((config, context) => {
    for (const key of ['k', 'k_aux', 'alpha_aux'] as const) {
      const expected = withK.includes(config.architecture);
      if ((config[key] !== undefined) === expected) continue;
      const message = expected ? 'expected a number' : `means nothing to architecture ${config.architecture}`;
      context.addIssue({ code: 'custom', path: [key], message });
    }
  })
  .refine(({ d_out, hook_name_out }) => (d_out === undefined) === (hook_name_out === undefined), {
    path: ['hook_name_out'],
    message: 'expected with d_out, of a transcoder only',
  })
  .refine(({ d_out, skip_connection }) => d_out !== undefined || skip_connection === undefined, {
    path: ['skip_connection'],
    message: 'expected of a transcoder only',
  })
  .refine(({ k = 0, d_sae }) => k <= d_sae, { path: ['k'], message: 'expected at most d_sae' })
  .refine(
    ({ architecture, group_sizes, d_sae }) =>
      architecture === 'matryoshka'
        ? group_sizes?.reduce((sum, each) => sum + each, 0) === d_sae
        : group_sizes === undefined,
    { path: ['group_sizes'], message: 'expected groups that sum to d_sae, of a matryoshka SAE only' },
  );

export type ReleaseConfig = z.infer<typeof configSchema>;

/** What the config says besides the SAE itself. */
export type ReleaseDetails = Pick<
  ReleaseConfig,
  'k_aux' | 'alpha_aux' | 'hook_name' | 'hook_name_out' | 'model_name' | 'tokens_seen' | 'step'
>;

/** The reference release has F32; light checkpoints may be half as large. */
export type ReleaseType = 'F32' | 'BF16';

export interface ReleaseCheckpoint<S extends Sae = Sae> {
  sae: S;
  details: ReleaseDetails;
}

/** @param id of the SAE in its folder: a layer, or a name such as `L11` or `L11_k64` */
export function releaseFiles(id: number | string): { tensors: string; config: string } {
  const name = typeof id === 'number' ? `L${id}` : id;
  return { tensors: `sae_${name}_latest.safetensors`, config: `sae_${name}_cfg.json` };
}

/** The name of the SAE whose tensors a file of that name holds, such as L11 or L11_k64; null for other files. */
export function releaseId(file: string): string | null {
  return /^sae_(L\d+[\w.-]*)_latest\.safetensors$/.exec(file)?.[1] ?? null;
}

export const referenceRelease: SaeAdapter = {
  format: 'reference-release',
  mark: {
    folder: (names) => names.some((name) => releaseId(name) !== null),
    file: (name) => releaseId(name) !== null,
  },
  files: /^(?:step-\d{6,15}\/)?sae_L[\w.-]+_(?:latest\.safetensors|cfg\.json)$/,
  tensors: /_latest\.safetensors$/,
  loaders: [],
  takes: ['layer', 'hook'],
  open: openOneOf,
};

/** The file named, or the one SAE of a folder that fits. @throws UserError where there are several; as `openRelease` */
async function openOneOf(
  path: string,
  { layer, hook = layer === undefined ? undefined : hookOf(layer) }: Pick<LoadOptions, 'layer' | 'hook'>,
): Promise<SaeFile> {
  const named = releaseId(basename(path));
  if (named !== null) return openRelease(dirname(path), named);
  const ids = await releaseIds(path);
  const fitting = ids.filter((id) => hook === undefined || placeName(placeIn(id)) === placeName(hook));
  const [only] = fitting;
  if (only !== undefined && fitting.length === 1) return openRelease(path, only);
  const places = [...new Map(ids.map(placeIn).map((place) => [placeName(place), place])).values()];
  const several = hook !== undefined && fitting.length > 1;
  throw new UserError({
    thing: path,
    found: several
      ? `${fitting.length} SAEs of ${placeText(hook)}`
      : hook === undefined
        ? 'no layer'
        : `no SAE of ${placeName(hook)} there`,
    expected: several ? `one of ${fitting.join(', ')}` : `one of ${places.map(placeText).join(', ')}`,
    next: several
      ? `Point at the file itself: ${releaseFiles(only ?? '').tensors}.`
      : `Say which one: ${places.every((place) => placeText(place) === String(place.layer)) ? '#layer=N' : `#hook=SITE:N (such as "#hook=${placeName(places[0]!)}", in quotes), or #layer=N of the residual stream,`} after its name.`,
  });
}

/** The place that the name of an SAE says: a block's number alone is the residual stream after it. */
function placeIn(id: string): Place {
  return placeOfLabelled(id)!;
}

function placeText(place: Place): string {
  return placeName(place) === placeName(hookOf(place.layer)) ? String(place.layer) : placeName(place);
}

/** Names of a folder's SAEs, by hook. */
async function releaseIds(folder: string): Promise<string[]> {
  const ids = (await readdir(folder)).map(releaseId).filter((id) => id !== null);
  return ids.sort((a, b) => comparePlaces(placeIn(a), placeIn(b)) || (a < b ? -1 : 1));
}

/**
 * Writes both files, each whole or not at all. The config comes last: where it stands, the tensors do too.
 *
 * @returns the names of the files written
 * @throws RangeError for an SAE that the layout cannot express
 * @throws UnavailableError when the folder cannot be written
 */
export async function writeRelease(
  folder: string,
  id: number | string,
  { sae, details }: ReleaseCheckpoint,
  type: ReleaseType = 'F32',
): Promise<{ tensors: string; config: string }> {
  if (!isReleaseSae(sae))
    throw new RangeError('the reference layout holds SAEs of one width, without rescaling');
  const files = releaseFiles(id);
  const { d_in, d_sae } = sae;
  const { k_aux, alpha_aux, hook_name, hook_name_out, model_name, tokens_seen, step } = details;
  const config: ReleaseConfig = {
    architecture: sae.architecture,
    d_in,
    d_sae,
    ...('k' in sae ? { k: sae.k, k_aux, alpha_aux } : {}),
    hook_name,
    ...(sae.d_out === undefined ? {} : { hook_name_out, d_out: sae.d_out }),
    ...(sae.W_skip === undefined ? {} : { skip_connection: true as const }),
    model_name,
    activation_fn_str: activationOf(sae),
    tokens_seen,
    step,
    ...(sae.architecture === 'matryoshka' ? { group_sizes: [...sae.group_sizes] } : {}),
    ...(sae.normalisation.kind === 'none' ? {} : { normalisation: sae.normalisation }),
    ...(sae.apply_b_dec_to_input ? {} : { apply_b_dec_to_input: false }),
  };
  const missing = configSchema.safeParse(config).error?.issues[0];
  if (missing !== undefined) throw new RangeError(`${missing.path.join('.')}: ${missing.message}`);
  const entries = tensorsOf(sae).map(
    ({ name, shape, data }) =>
      [
        name,
        type === 'F32' ? { dtype: type, shape, data } : { dtype: type, shape, data: toBfloat16(data) },
      ] as const,
  );
  await writeAtomic(join(folder, files.tensors), encodeSafetensors(Object.fromEntries(entries)));
  await writeJsonAtomic(join(folder, files.config), config);
  return files;
}

/**
 * Opens one SAE, its large matrices still in the file.
 *
 * @throws UnavailableError when a file is missing or unreadable
 * @throws MalformedError when the config has another shape, a key this layout does not know, or sizes that the
 *   tensors do not have
 */
export async function openRelease(
  folder: string,
  id: number | string,
): Promise<SaeFile & { release: ReleaseDetails; sae: Stored<Sae> }> {
  const files = releaseFiles(id);
  const path = join(folder, files.config);
  const { k_aux, alpha_aux, hook_name, hook_name_out, model_name, tokens_seen, step, ...config } =
    await readConfig(path, configSchema, 'the reference release');
  const release = { k_aux, alpha_aux, hook_name, hook_name_out, model_name, tokens_seen, step };
  let sae: Stored<Sae> | undefined;
  const file = await openTensors(join(folder, files.tensors), [path], async (source) => {
    const tensors = await storedTensors(source);
    const names = tensorNamesOf(config);
    for (const [name, { dtype }] of tensors) {
      const known = names.includes(name);
      if (known && (dtype === 'F32' || dtype === 'BF16')) continue;
      throw new MalformedError({
        thing: `safetensors ${source.name}`,
        found: known ? `tensor ${name} of type ${dtype}` : `a tensor ${quote(name)}`,
        expected: `${names.join(', ')} in F32 or BF16 and nothing else`,
        next: 'Check that it is an SAE of the reference release’s layout.',
      });
    }
    sae = accepted(
      source.name,
      await assemble(config, new TensorBag(source.name, 'the reference release', tensors)),
    );
    return {
      format: 'reference-release',
      sae,
      details: {
        model_name,
        hook_name,
        ...(hook_name_out === undefined ? {} : { hook_name_out }),
        tokens_seen,
      },
      conversions: [],
    };
  });
  return { ...file, release, sae: sae! };
}

/** Reads one SAE; errors as `openRelease`. */
export async function readRelease(folder: string, id: number | string): Promise<ReleaseCheckpoint> {
  const file = await openRelease(folder, id);
  const { sae } = await file.load().finally(() => file.close());
  return { sae, details: file.release };
}

function isReleaseSae(sae: Sae): sae is Exclude<Sae, GroupMaxSae | MatchingPursuitSae> {
  if (sae.context !== undefined || (sae.W_skip !== undefined && sae.d_out === undefined)) return false;
  if (sae.architecture === 'groupmax' || sae.architecture === 'matching_pursuit') return false;
  return sae.architecture !== 'topk' || !sae.rescale_acts_by_decoder_norm;
}

function activationOf({ architecture }: Sae): ReleaseConfig['activation_fn_str'] {
  if (architecture === 'topk') return 'topk';
  return architecture === 'gated' || architecture === 'relu' ? 'relu' : 'jumprelu';
}

function tensorNamesOf({
  architecture,
  skip_connection,
}: Pick<ReleaseConfig, 'architecture' | 'skip_connection'>): string[] {
  const matrices = ['W_enc', 'W_dec', ...(skip_connection ? ['W_skip'] : [])];
  if (architecture === 'gated') return [...matrices, 'b_dec', 'b_gate', 'b_mag', 'r_mag'];
  const threshold = architecture === 'topk' || architecture === 'relu' ? [] : ['threshold'];
  return [...matrices, 'b_enc', 'b_dec', ...threshold];
}

async function assemble(
  config: Omit<ReleaseConfig, keyof ReleaseDetails>,
  bag: TensorBag,
): Promise<Stored<Sae>> {
  const { architecture, d_in, d_sae, d_out, k = 0, normalisation: given, group_sizes = [] } = config;
  const latents = (name: string): Promise<Float32Array> => bag.take(name, [d_sae]);
  const common = {
    d_in,
    d_sae,
    apply_b_dec_to_input: config.apply_b_dec_to_input ?? true,
    normalisation: given ?? { kind: 'none' as const },
    W_enc: bag.matrix('W_enc', [d_in, d_sae]),
    W_dec: bag.matrix('W_dec', [d_sae, d_out ?? d_in]),
    b_dec: await bag.take('b_dec', [d_out ?? d_in]),
    ...(d_out === undefined ? {} : { d_out }),
    ...(config.skip_connection ? { W_skip: await bag.take('W_skip', [d_out ?? d_in, d_in]) } : {}),
  };
  if (architecture === 'gated') {
    const [b_gate, b_mag, r_mag] = [await latents('b_gate'), await latents('b_mag'), await latents('r_mag')];
    return { ...common, architecture, b_gate, b_mag, r_mag };
  }
  const parts = { ...common, b_enc: await latents('b_enc') };
  switch (architecture) {
    case 'relu':
      return { ...parts, architecture };
    case 'topk':
      return { ...parts, architecture, k, rescale_acts_by_decoder_norm: false };
    case 'batchtopk':
      return { ...parts, architecture, k, threshold: await latents('threshold') };
    case 'matryoshka':
      return { ...parts, architecture, k, group_sizes, threshold: await latents('threshold') };
    case 'jumprelu':
      return { ...parts, architecture, threshold: await latents('threshold') };
    default:
      return architecture satisfies never;
  }
}
