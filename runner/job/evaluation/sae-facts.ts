/** What a record says of an SAE itself: one that the run trained, or one made by others. */
import { basename, join } from 'node:path';
import type { CorpusSettings, TrainingSettings } from '../../config/sections.ts';
import { type Place, placeLabel, placeName } from '../../hook.ts';
import { hashFile } from '../../io/hash.ts';
import { parseDevices } from '../../onnx/devices.ts';
import type { EvaluationRecord } from '../../report/schema.ts';
import { releaseFiles } from '../../sae/checkpoints/reference-release.ts';
import { pOf } from '../../train/anneal.ts';
import { applies } from '../../train/architectures/index.ts';
import type { BackendChoice } from '../../train/backends/backend.ts';
import { backendFor } from '../../train/backends/choose.ts';
import type { Recipe } from '../../train/recipe.ts';
import { STREAMS } from '../../train/streams.ts';
import type { PlannedSae } from '../shared/planned-saes.ts';
import type { PublishedSae } from '../shared/published-saes.ts';
import { corpusText } from '../shared/text.ts';
import { readTrajectory, type Trajectory } from '../shared/trajectory-file.ts';
import type { Tested } from './self-test-stage.ts';

/** Settings that are recorded of an SAE the run trained. */
interface TrainedSettings {
  name: string;
  corpus: CorpusSettings;
  training: TrainingSettings;
  upload: { repository: string | null };
  device: string;
  backend: BackendChoice;
}

type RecordedSae = EvaluationRecord['sae'];

/** What a record says of an SAE depending on who made it. */
export interface SaeFacts {
  sae: Pick<RecordedSae, 'name' | 'repo' | 'tokens_trained' | 'files' | 'training' | 'license' | 'source'>;
  trajectory: EvaluationRecord['trajectory'];
  seeds: Record<string, number>;
  caveats: string[];
}

export async function trainedFacts(
  { config, folder, from }: { config: TrainedSettings; folder: string; from: readonly PublishedSae[] },
  { id, ...hook }: Pick<PlannedSae, 'id'> & Place,
  recipe: Recipe,
  d_in: number,
): Promise<SaeFacts> {
  const device = parseDevices(config.device)[0];
  const trajectory = await readTrajectory(folder, id);
  const start = from.find((sae) => placeName(sae) === placeName(hook));
  const names = releaseFiles(id);
  const files = [];
  for (const name of [names.tensors, names.config])
    files.push({ name, ...(await hashFile(join(folder, name))) });
  return {
    sae: {
      name: `${config.name} ${id.replaceAll('_', ' ')}`,
      repo: config.upload.repository,
      tokens_trained: trajectory.tokens,
      files,
      training: {
        ...flat(recipe),
        ...lastP(recipe, trajectory),
        streams: STREAMS,
        backend: backendFor({ choice: config.backend, device }, recipe, d_in),
        ...(start === undefined
          ? {}
          : {
              from: nameOf(start).slice(0, 300),
              fromSha256: start.files.map(({ sha256 }) => sha256).join(', '),
              resampleTokens: config.training.resampleTokens,
            }),
        ...dataSettings(config.training, trajectory),
        source: corpusText(config.corpus.source),
        rowTokens: config.corpus.rowTokens,
        boundaries: config.corpus.boundaries,
      },
      license: null,
    },
    trajectory: {
      var_exp: 'var_exp@chunk-v1',
      note: 'Of each training batch before its step, smoothed with decay 0.98 per step.',
      points: trajectory.points,
    },
    seeds: { sae: recipe.seed, training_text: config.corpus.trainSeed },
    caveats: [],
  };
}

export function publishedFacts(published: PublishedSae, selfTest: Tested | null, model: string): SaeFacts {
  const { place, format, details, files, conversions } = published;
  const { model_name, hook_name } = details;
  const caveats =
    model_name !== null && !namesModel(published, model)
      ? [`The SAE’s files name ${model_name} as its model; it was evaluated on ${model}.`]
      : [];
  if (published.otherHook !== null) {
    const at = placeName(published);
    caveats.push(
      `The SAE’s files name ${published.otherHook} as its hook; it was evaluated at ${at}, as asked.`,
    );
  }
  return {
    sae: {
      name: nameOf(published).slice(0, 300),
      repo: place.repo,
      tokens_trained: details.tokens_seen ?? null,
      files,
      training: null,
      license: place.license,
      source: {
        format,
        revision: place.revision,
        path: place.pathInRepo,
        registry: place.registry,
        model_name,
        hook_name,
        conversions,
        ...(place.light === undefined ? {} : { light_checkpoint: place.light }),
        self_test:
          selfTest === null
            ? null
            : {
                tokens: selfTest.tokens,
                declared: selfTest.declared.var_exp,
                others: selfTest.others.map(({ convention, var_exp }) => ({
                  convention,
                  var_exp: Number.isFinite(var_exp) ? var_exp : null,
                })),
              },
      },
    },
    trajectory: null,
    seeds: {},
    caveats,
  };
}

/** Whether what an SAE's files call its model is this one: by its last name. */
function isOwnModel(model_name: string, model: string): boolean {
  return lastName(model_name) === lastName(model);
}

function lastName(model: string): string {
  return model.toLowerCase().replace(/^.*\//, '');
}

/** The same of what SAEs' files say: those of a crosscoder of two models may name both in one word. */
export function namesModel(
  { details: { model_name }, places }: Pick<PublishedSae, 'details' | 'places'>,
  model: string,
): boolean {
  if (model_name === null || isOwnModel(model_name, model)) return true;
  return places !== undefined && model_name.toLowerCase().includes(lastName(model));
}

/** What lies on this machine is known by its last name. */
function nameOf({ place, layers, ...hook }: PublishedSae): string {
  const { light } = place;
  if (light !== undefined) return `${light.of} ${light.id.replaceAll('_', ' ')} step ${light.step}`;
  if (place.repo !== null) return place.name;
  return layers === undefined ? `${basename(place.path)} ${placeLabel(hook)}` : basename(place.path);
}

/** A recipe as a record holds it: lists as text. */
function flat(recipe: Recipe): NonNullable<EvaluationRecord['sae']['training']> {
  const entries = Object.entries(recipe).filter(
    (entry): entry is [string, Exclude<(typeof entry)[1], undefined>] =>
      entry[1] !== undefined && applies(entry[0], recipe.architecture),
  );
  return Object.fromEntries(
    entries.map(([key, value]) => [key, Array.isArray(value) ? value.join(', ') : value]),
  );
}

/** p of the last step, where it was annealed. */
function lastP(recipe: Recipe, { points }: Trajectory): { sparsityPLast?: number } {
  const steps = points.at(-1)?.step;
  if (steps === undefined || recipe.sparsityPEnd === null || !applies('sparsityPEnd', recipe.architecture))
    return {};
  return { sparsityPLast: pOf(recipe, steps - 1).now };
}

/** What was done to the stream of tokens, and to how many. */
function dataSettings(
  { policy, shuffle }: TrainingSettings,
  { policy: counts, brokenRows, activations }: Trajectory,
) {
  return {
    ...(activations === undefined ? {} : { activations }),
    ...(brokenRows === undefined ? {} : { brokenRows }),
    ...policy,
    tokensDropped: counts.dropped,
    normsCapped: counts.capped,
    shuffleMegabytes: shuffle.megabytes,
  };
}
