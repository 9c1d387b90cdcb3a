/** The first lines of a run on the terminal. */
import type { RunConfig } from '../config/run-config.ts';
import { sparsitySettingsOf, sweptArchitectures } from '../config/sweep.ts';
import { hookName, type Place, placeName, placesAmong, readHook } from '../hook.ts';
import type { RunFolder } from '../job/run/run-folder.ts';
import { plannedSaes, trainedSaes } from '../job/shared/planned-saes.ts';
import type { PublishedSae } from '../job/shared/published-saes.ts';
import { type ShardOfRun, saesOfShard, shardName } from '../job/shared/shard.ts';
import { elsewhereText } from './transfer.ts';

/** What a run is, in lines: its name and state, model, text and SAEs. */
export function headline(
  config: RunConfig,
  published: readonly PublishedSae[],
  folder: RunFolder,
  shard: ShardOfRun | null,
): string {
  const state =
    folder.found === undefined
      ? 'new run'
      : folder.found.stage === 'done'
        ? 'finished run'
        : `resumes ${folder.found.stage}`;
  const { training } = config;
  const trained = saesOfShard(trainedSaes(config), shard).length;
  const places = placesAmong(saesOfShard(plannedSaes(config, published), shard));
  const here = saesOfShard(published, shard);
  return [
    `run ${config.name}${shard === null ? '' : `, shard ${shardName(shard)}`} (${state})`,
    `model    ${config.model.id}, ${placesText(here) ?? crossLayerText(here) ?? hooksText(places)}, device ${config.device}`,
    ...(config.evaluation.otherModel === null
      ? []
      : [`         and ${config.evaluation.otherModel}, of the second place`]),
    ...(config.corpus.source === 'small-world' &&
    (config.train || config.corpus.heldout === null) &&
    config.model.reference !== null
      ? [
          'text     a made-up world of a few hundred words, for trying things out (--set corpus.source=reference: public text)',
        ]
      : []),
    ...(trained === 0
      ? []
      : [
          `SAEs     ${trained} ${shapeText(config)}, ${training.tokens.toLocaleString('en')} tokens each from one shared pass`,
        ]),
    ...here.flatMap((sae) => [
      `SAE      ${sae.id}, of the format ${sae.format}`,
      ...(sae.otherHook === null
        ? []
        : [`         of ${sae.otherHook} by its files, taken for ${placeName(sae)}`]),
      ...elsewhereText(sae, config),
    ]),
  ].join('\n');
}

/** `layers 0, 4`, or `hooks resid_post:0, mlp_out:4` where some are inside blocks. */
function hooksText(places: readonly Place[]): string {
  return places.every(({ site }) => site === 'resid_post')
    ? `layers ${places.map(({ layer }) => layer).join(', ')}`
    : `hooks ${places.map(placeName).join(', ')}`;
}

/** `hooks resid_post:2, resid_post:4`, or the one hook `of both`; null without a crosscoder, which is alone in its run. */
function placesText([sae]: readonly PublishedSae[]): string | null {
  if (sae?.places === undefined) return null;
  const hooks = [...new Set(sae.places.map(({ hook }) => hookName(hook)))];
  return hooks.length === 1 ? `hook ${hooks[0]} of both` : `hooks ${hooks.join(', ')}`;
}

/** `layers 0–5, resid_mid to mlp_out`; null without a cross-layer transcoder, which is alone in its run. */
function crossLayerText([sae]: readonly PublishedSae[]): string | null {
  if (sae?.layers === undefined) return null;
  return `layers 0–${sae.layers - 1}, ${readHook(sae).site} to ${sae.site}`;
}

/** What the SAEs are: one shape, or the lists of the sweep. */
export function shapeText({ sae, sweep }: RunConfig): string {
  const list = (values: readonly unknown[] | undefined, one: unknown): string =>
    values === undefined ? String(one) : values.join('/');
  const trained = sweptArchitectures(sae, sweep);
  const shown = ['dSae' as const, ...sparsitySettingsOf(trained)];
  const others = Object.entries(sweep).filter(([axis]) => !['architecture', ...shown].includes(axis));
  return [
    trained.join('/'),
    ...shown.map((axis) => `${axis === 'dSae' ? 'n' : axis}=${list(sweep[axis], sae[axis])}`),
    ...others.map(([axis, values]) => `${axis}=${list(values, '')}`),
  ].join(' ');
}
