/** A cross-layer transcoder among the SAEs of others: what is known of it from its headers, and that it has a run to itself. */
import { basename } from 'node:path';
import { quote, UserError } from '../../errors.ts';
import type { Place } from '../../hook.ts';
import type { HashFiles } from '../../io/hash.ts';
import { CROSS_LAYER, openCrossLayer } from '../../sae/checkpoints/cross-layer.ts';
import type { SaeDetails, SaeFormat } from '../../sae/checkpoints/loaded.ts';
import type { SaePlace } from '../../sae/published/place.ts';
import type { ModelShape } from './model-place.ts';

/** With its place: it stands at the last output, and reads the first input. */
export interface EvaluableCrossLayer extends Required<Place> {
  /** Latents of all layers. */
  d_sae: number;
  layers: number;
  place: SaePlace;
  format: SaeFormat;
  details: SaeDetails;
  files: { name: string; bytes: number; sha256: string }[];
  conversions: string[];
  otherHook: null;
}

/**
 * @throws UserError for another model's, a synthetic one's, and for words of a hook; errors as opening it does
 */
export async function evaluableCrossLayer(
  place: SaePlace,
  model: ModelShape,
  hash: HashFiles,
): Promise<EvaluableCrossLayer> {
  const thing = `cross-layer transcoder ${quote(place.name)}`;
  if (Object.keys(place.options).length > 0 || place.hook.asked !== undefined) {
    throw new UserError({
      thing,
      found: 'words of a hook or of how it is read, behind #',
      expected: 'its name alone: its files say what it reads and writes',
      next: 'Leave out what stands from # on.',
    });
  }
  const { close, ...file } = await openCrossLayer(place.path);
  await close();
  const blocks = file.layers.length;
  const fits =
    model.onlyHook === undefined &&
    model.blocks === blocks &&
    model.widthAt({ layer: 0, site: file.reads, ofModule: false }) === file.d_model &&
    model.widthAt({ layer: 0, site: 'mlp_out', ofModule: false }) === file.d_model;
  if (!fits) {
    throw new UserError({
      thing,
      found: `${blocks} layers of width ${file.d_model}`,
      expected:
        model.onlyHook === undefined
          ? `${model.blocks} of width ${model.dModel}, as the language model has`
          : 'a language model: a synthetic one has no MLPs',
      next: `Give its own model with --model (its files name ${quote(file.details.model_name)}).`,
    });
  }
  const hashed = await hash(file.files);
  return {
    layer: blocks - 1,
    site: 'mlp_out',
    reads: { layer: 0, site: file.reads },
    d_sae: file.layers.reduce((sum, { d_sae }) => sum + d_sae, 0),
    layers: blocks,
    place,
    format: CROSS_LAYER,
    details: file.details,
    files: file.files.map((path, index) => ({ name: basename(path), ...hashed[index]! })),
    conversions: [...place.conversions],
    otherHook: null,
  };
}

/** An SAE of others; with layers where it is a cross-layer transcoder, with places where it is a crosscoder. */
export interface MaybeAlone {
  place: SaePlace;
  layers?: number;
  places?: readonly unknown[];
}

/** Whether it has a run to itself. */
export function isAlone({ layers, places }: Omit<MaybeAlone, 'place'>): boolean {
  return layers !== undefined || places !== undefined;
}

/**
 * Holds a run to what one can measure: a cross-layer transcoder, which stands in the place of all MLPs, and a crosscoder, which
 * stands at several places, are measured beside nothing.
 *
 * @param run with how many further SAEs it has of which nothing is known here
 * @throws UserError
 */
export function checkAlone(
  published: readonly MaybeAlone[],
  run: { train: boolean; shard: boolean; from: readonly MaybeAlone[]; unknown?: number },
): void {
  const among = [...published, ...run.from].find(isAlone);
  if (among === undefined) return;
  const beside = run.from.includes(among)
    ? '--from'
    : run.train
      ? 'SAEs to train'
      : run.shard
        ? '--shard'
        : published.length + (run.unknown ?? 0) > 1
          ? 'other SAEs'
          : null;
  if (beside === null) return;
  throw new UserError({
    thing: `${among.layers === undefined ? 'crosscoder' : 'cross-layer transcoder'} ${quote(among.place.name)}`,
    found: beside === '--from' ? 'it as what training starts from' : `${beside} beside it`,
    expected: `a run of its own: it is evaluated ${among.layers === undefined ? 'at all its places' : 'in the place of all MLPs at once'}`,
    next: 'Give it alone with --sae.',
  });
}
