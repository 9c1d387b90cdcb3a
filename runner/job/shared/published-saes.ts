/** SAEs that the run did not train: what is known of one from its headers, before anything runs. */
import { basename } from 'node:path';
import { quote, UserError } from '../../errors.ts';
import type { CrosscoderPlace } from '../../evaluation/replaced-places.ts';
import { compareHooks, hookName, hookOf, type Place, placeLabel, placeName, placeOf } from '../../hook.ts';
import { type HashFiles, sha256 } from '../../io/hash.ts';
import { CROSS_LAYER } from '../../sae/checkpoints/cross-layer.ts';
import { detectAdapter } from '../../sae/checkpoints/detect.ts';
import { openSaeFile } from '../../sae/checkpoints/load.ts';
import type { SaeDetails, SaeFormat } from '../../sae/checkpoints/loaded.ts';
import { type NamedHook, saeHook, saeHookIfSaid, transcoderTarget } from '../../sae/published/hook-names.ts';
import type { SaePlace } from '../../sae/published/place.ts';
import { evaluableCrossLayer } from './cross-layer-transcoder.ts';
import { evaluableCrosscoder } from './crosscoder.ts';
import type { ModelShape } from './model-place.ts';

/** With the hook that it is of. */
export interface PublishedSae extends Place {
  /** Name in files and records, unique in the run: its hook, and what it is called. */
  id: string;
  d_sae: number;
  /** Of a cross-layer transcoder, how many it has: it stands at the last output, and reads the first input. */
  layers?: number;
  /** Of a crosscoder, where it reads and writes: it stands at the last of them. */
  places?: readonly CrosscoderPlace[];
  place: SaePlace;
  format: SaeFormat;
  details: SaeDetails;
  files: { name: string; bytes: number; sha256: string }[];
  /** What was done to its tensors and taken from elsewhere than its files. */
  conversions: string[];
  /** What its files name instead of the hook that it is taken for; null where they name this or none. */
  otherHook: string | null;
}

/** Longest part of an id that comes from the SAE's name. */
const NAME_LIMIT = 60;

/**
 * Looks into each SAE's files; nothing large is read but to be hashed.
 *
 * @param model that they are to fit; a synthetic one has one hook, whatever their files say
 * @param other the second model of a crosscoder; null where the run has none
 * @throws UserError for a hook that is not known or of another width, and as reading does
 * @throws UnavailableError, MalformedError as reading does
 */
export async function describePublished(
  places: readonly SaePlace[],
  model: ModelShape,
  hash: HashFiles,
  other: ModelShape | null = null,
): Promise<PublishedSae[]> {
  const found: PublishedSae[] = [];
  for (const place of places) {
    const adapter = await detectAdapter(place.path);
    if (adapter.crosscoder !== undefined) {
      const described = await evaluableCrosscoder(place, adapter.crosscoder, { own: model, other }, hash);
      found.push({ id: uniqueId(`${placeLabel(hookOf(described))}_${slug(place)}`, found), ...described });
      continue;
    }
    if (adapter.format === CROSS_LAYER) {
      const described = await evaluableCrossLayer(place, model, hash);
      found.push({ id: uniqueId(`${placeLabel(described)}_${slug(place)}`, found), ...described });
      continue;
    }
    const file = await openSaeFile(place.path, place.options);
    await file.close();
    const asked: SaePlace['hook']['asked'] =
      model.onlyHook === undefined ? place.hook.asked : hookOf(model.onlyHook);
    const given = { ...place.hook, asked };
    const { d_in, d_sae, d_out } = file.sae;
    const input = saeHook(place.name, file.details, given);
    checkWidth(place, file.details, model, input, d_in);
    const target = d_out === undefined ? null : transcoderTarget(place.name, file.details, given);
    const hook = placeOf(target === null ? input : { ...target, reads: placeOf(input) });
    if (target !== null) {
      checkWidth(place, file.details, model, target, d_out!);
      if (compareHooks(input, target) >= 0) throw backwards(place, hook);
    } else if (typeof asked === 'object' && asked.reads !== undefined) throw noTranscoder(place, asked);
    const hashed = await hash(file.files);
    const files = file.files.map((path, index) => ({ name: basename(path), ...hashed[index]! }));
    const id = uniqueId(`${placeLabel(hook)}_${slug(place)}`, found);
    const conversions = [...place.conversions, ...file.conversions];
    const { format, details } = file;
    const otherHook = hookOtherThan(hook, file.details);
    found.push({ id, ...hook, d_sae, place, format, details, files, conversions, otherHook });
  }
  return found;
}

/** The hook that an SAE's files name, where it is not the one that is asked for. */
function hookOtherThan(hook: Place, details: SaeDetails): string | null {
  const named = saeHookIfSaid(details, { asked: undefined, fromPath: null });
  const reads = hook.reads ?? hook;
  return named === null || compareHooks(named, reads) === 0 ? null : hookName(named);
}

/** @throws UserError where the model has another width at the hook, or no such block */
function checkWidth(
  { name }: SaePlace,
  { model_name }: SaeDetails,
  model: ModelShape,
  hook: NamedHook,
  found: number,
): void {
  const width = hook.layer < model.blocks ? model.widthAt(hook) : null;
  if (found === width) return;
  throw new UserError({
    thing: `SAE ${quote(name)}`,
    found: `one of ${hookName(hook)} and width ${found}`,
    expected: `a block below ${model.blocks}${width === null ? '' : ` and width ${width}`}, as the language model has`,
    next: `Give a model of that width and depth, with --model or as the SAE’s own with --transfer${model_name === null ? '' : ` (its files name ${quote(model_name)})`}.`,
  });
}

function noTranscoder({ name }: SaePlace, asked: Place): UserError {
  return new UserError({
    thing: `SAE ${quote(name)}`,
    found: `an SAE whose reconstruction is of its own input, for ${placeName(asked)}`,
    expected: 'one hook',
    next: `Say the hook that it reads: #hook=${hookName(asked)}.`,
  });
}

function backwards({ name }: SaePlace, place: Place): UserError {
  return new UserError({
    thing: `transcoder ${quote(name)}`,
    found: placeName(place),
    expected: 'one that reads what comes before its target',
    next: 'Append its hooks to its name, in quotes: "#hook=mlp_in:4>mlp_out:4".',
  });
}

/** Lower-case words joined by -, of the SAE's name without what stands before its last repository or folder. */
function slug({ name, registry, repo, pathInRepo, path, light }: SaePlace): string {
  const text =
    light !== undefined
      ? `${light.of} ${light.id.replace(/^L\d+/, '')} step ${light.step}`
      : registry !== null
        ? `${registry.release} ${registry.id}`
        : repo !== null
          ? `${basename(repo)} ${pathInRepo ?? ''}`
          : basename(path);
  const words = text
    .toLowerCase()
    .replace(/\.(pth?|safetensors)\b/g, '')
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '')
    .join('-');
  if (words.length > 0 && words.length <= NAME_LIMIT) return words;
  const cut = words.slice(0, NAME_LIMIT - 9).replace(/-+$/, '');
  return `${cut}${cut === '' ? '' : '-'}${sha256(name).slice(0, 8)}`;
}

function uniqueId(id: string, others: readonly PublishedSae[]): string {
  const taken = new Set(others.map((other) => other.id));
  for (let i = 1; ; i++) {
    const candidate = i === 1 ? id : `${id}-${i}`;
    if (!taken.has(candidate)) return candidate;
  }
}
