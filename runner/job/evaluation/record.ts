/** A measured SAE as the record that the site reads. */
import { readFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { basename, join } from 'node:path';
import { type Json, portable } from '../../config/portable.ts';
import type { RunConfig } from '../../config/run-config.ts';
import type { Evaluated } from '../../evaluation/evaluate.ts';
import { describeFiles } from '../../io/data-files.ts';
import { hashFile } from '../../io/hash.ts';
import type { LanguageModel } from '../../lm/language-model.ts';
import { parseDevices } from '../../onnx/devices.ts';
import { runtimeVersion } from '../../onnx/session.ts';
import { type CarriedDeclaration, carriedDeclaration } from '../../report/declaration.ts';
import { type EvaluationRecord, type Exclusion, schemaVersion } from '../../report/schema.ts';
import type { SaeFile } from '../../sae/checkpoints/loaded.ts';
import { releaseFiles } from '../../sae/checkpoints/reference-release.ts';
import type { Suite } from '../../suites/suite.ts';
import { applies } from '../../train/architectures/index.ts';
import { backendFor } from '../../train/backends/choose.ts';
import type { Recipe } from '../../train/recipe.ts';
import { STREAMS } from '../../train/streams.ts';
import type { RunStart } from '../run/messages.ts';
import type { RunState } from '../run/run-folder.ts';
import type { PlannedSae } from '../shared/planned-saes.ts';
import type { PublishedSae } from '../shared/published-saes.ts';
import { declarationsOf, type EvaluationText } from '../shared/text.ts';
import { readTrajectory, type Trajectory } from '../shared/trajectory-file.ts';
import type { Tested } from './self-test-stage.ts';

/** Name of the residual stream after a block, as TransformerLens and SAELens write it. */
export function residualHook(layer: number): string {
  return `blocks.${layer}.hook_resid_post`;
}

/** One SAE of a run as a record. */
export async function recordOf(parts: {
  start: RunStart & { suites: readonly Suite[] };
  state: RunState;
  /** Of work, training and evaluation together. */
  seconds: number;
  model: LanguageModel;
  planned: PlannedSae;
  file: SaeFile;
  /** Content hash of its tensors. */
  sha256: string;
  /** Of an SAE that the run did not train. */
  selfTest: Tested | null;
  evaluated: Evaluated;
  tokens: number;
  rows: number;
  blocks: number | undefined;
  documents: EvaluationText['documents'];
  exclusions: readonly Exclusion[];
}): Promise<EvaluationRecord> {
  const { start, state, seconds, model, planned, file, selfTest, evaluated } = parts;
  const { config, identity } = start;
  const { id, layer, origin } = planned;
  const { sae } = file;
  const known =
    origin.kind === 'trained'
      ? await trainedFacts(start, id, origin.recipe, sae.d_in)
      : publishedFacts(origin.sae, selfTest, config.model.id);
  return {
    schema: schemaVersion,
    id: `${config.name}-${id.toLowerCase().replaceAll('_', '-')}`,
    kind: 'measured',
    model: {
      id: config.model.id,
      revision: start.model.revision,
      family: model.family,
      blocks: model.blocks,
      d_model: model.dModel,
      dtype: model.storedType,
      sha256: identity.model,
    },
    sae: {
      hook: residualHook(layer),
      architecture: sae.architecture,
      layer,
      d_in: sae.d_in,
      d_sae: sae.d_sae,
      k: 'k' in sae ? sae.k : null,
      sha256: parts.sha256,
      ...known.sae,
    },
    data: dataOf(config, parts),
    metrics: evaluated.metrics as EvaluationRecord['metrics'],
    suites: evaluated.suites,
    ...declaredParts(start, evaluated),
    ...(evaluated.controls === undefined ? {} : { controls: evaluated.controls }),
    ...(evaluated.paired === undefined ? {} : { paired: evaluated.paired }),
    ...(parts.exclusions.length > 0 && { exclusions: [...parts.exclusions] }),
    curves: evaluated.curves,
    trajectory: known.trajectory,
    provenance: {
      source: start.command,
      url: null,
      started: state.started,
      wall_seconds: Math.round(10 * seconds) / 10,
      device: deviceText(config),
      threads: config.threads,
      versions: await versions(),
      config_sha256: identity.evaluated,
      config: portable(
        JSON.parse(JSON.stringify(config)) as Json,
      ) as EvaluationRecord['provenance']['config'],
      seeds: {
        ...known.seeds,
        heldout_text: config.corpus.heldoutSeed,
        probe_text: config.evaluation.probeSeed,
        bootstrap: config.evaluation.seed,
      },
    },
    caveats: [
      ...(config.model.reference === null ? embeddedCaveats : []),
      ...(config.spill === 'bfloat16' && !model.resident ? [roundedCaveat] : []),
      ...(parts.blocks !== undefined && parts.blocks < FEW_DOCUMENTS ? [fewCaveat(parts)] : []),
      ...model.notes,
    ],
  };
}

/** The declarations of the suites from files, so that whoever has the record can show their parts. */
function declaredParts(
  { config, suites }: { config: RunConfig; suites: readonly Suite[] },
  evaluated: Evaluated,
): Pick<EvaluationRecord, 'declared'> {
  const declared = suites.flatMap(({ declaration }) => {
    const from = config.evaluation.ownSuites.find(({ id }) => id === declaration.id);
    if (from === undefined || evaluated.suites[declaration.id] === undefined) return [];
    return [suiteDeclared(declaration, from)];
  });
  return declared.length === 0 ? {} : { declared };
}

function suiteDeclared(
  declaration: Suite['declaration'],
  { file, sha256 }: { file: string; sha256: string },
): CarriedDeclaration {
  return carriedDeclaration.parse({ ...declaration, file, sha256 });
}

/** Below so many documents an interval over tokens holds less often than it claims. */
const FEW_DOCUMENTS = 16;

function fewCaveat({ rows, blocks }: { rows: number; blocks: number | undefined }): string {
  return `The ${rows} rows of the evaluation belong to ${blocks} documents, fewer than ${FEW_DOCUMENTS}: intervals over tokens, which resample documents, hold less often than in 95 % of cases. Raise evaluation.tokens or lower evaluation.documentTokens.`;
}

/** What was done to the stream of tokens, and to how many. */
function dataSettings({ training: { policy, shuffle } }: RunConfig, { policy: counts }: Trajectory) {
  return {
    ...policy,
    tokensDropped: counts.dropped,
    normsCapped: counts.capped,
    shuffleMegabytes: shuffle.megabytes,
  };
}

/** What was evaluated on. */
function dataOf(
  { corpus, evaluation }: RunConfig,
  {
    tokens,
    rows,
    blocks,
    documents,
  }: Pick<Parameters<typeof recordOf>[0], 'tokens' | 'rows' | 'blocks' | 'documents'>,
): EvaluationRecord['data'] {
  const source = corpus.heldout ?? corpus.source;
  const split =
    source === 'small-world'
      ? 'held out by seed'
      : `documents whose hash falls into the ${corpus.heldoutShare * 100} % that training never reads`;
  return {
    name: corpusText(source),
    split: `${split}; documents cut to ${evaluation.documentTokens} tokens`,
    seed: corpus.heldoutSeed,
    tokens,
    rows,
    row_tokens: corpus.rowTokens,
    ...(blocks === undefined ? {} : { blocks }),
    documents,
  };
}

/** Sources with their commits and shares, in one line. */
function corpusText(source: RunConfig['corpus']['source']): string {
  const declarations = declarationsOf(source);
  if (declarations === null) return 'small world';
  const total = declarations.reduce((sum, { weight }) => sum + weight, 0);
  const parts = declarations.map(({ data, weight, fingerprint = null }) => {
    const words = describeFiles({ reference: data, fingerprint });
    return declarations.length === 1 ? words : `${Math.round((1000 * weight) / total) / 10} % ${words}`;
  });
  const line = parts.join(', ');
  return line.length <= 2_000 ? line : `${line.slice(0, 1_999)}…`;
}

type RecordedSae = EvaluationRecord['sae'];

/** What a record says of an SAE depending on who made it. */
interface Known {
  sae: Pick<RecordedSae, 'name' | 'repo' | 'tokens_trained' | 'files' | 'training' | 'license' | 'source'>;
  trajectory: EvaluationRecord['trajectory'];
  seeds: Record<string, number>;
  caveats: string[];
}

async function trainedFacts(
  { config, folder }: RunStart,
  id: string,
  recipe: Recipe,
  d_in: number,
): Promise<Known> {
  const device = parseDevices(config.device)[0];
  const trajectory = await readTrajectory(folder, id);
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
        streams: STREAMS,
        backend: backendFor({ choice: config.backend, device }, recipe, d_in),
        ...dataSettings(config, trajectory),
        source: corpusText(config.corpus.source),
        rowTokens: config.corpus.rowTokens,
        boundaries: config.corpus.boundaries,
      },
      license: null,
    },
    trajectory: {
      var_exp: 'var_exp@chunk-v1',
      note: 'Of each training batch before its step, smoothed with decay 0.98 a step.',
      points: trajectory.points,
    },
    seeds: { sae: recipe.seed, training_text: config.corpus.trainSeed },
    caveats: [],
  };
}

function publishedFacts(published: PublishedSae, selfTest: Tested | null, model: string): Known {
  const { place, format, details, files, conversions } = published;
  const plain = (text: string): string => text.toLowerCase().replace(/^.*\//, '');
  const { model_name, hook_name } = details;
  const caveats =
    model_name !== null && plain(model_name) !== plain(model)
      ? [`The SAE’s files name ${model_name} as its model; it was evaluated on ${model}.`]
      : [];
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

/** What lies on this machine is known by its last name. */
function nameOf({ place, layer }: PublishedSae): string {
  const { light } = place;
  if (light !== undefined) return `${light.of} ${light.id.replaceAll('_', ' ')} step ${light.step}`;
  return place.repo === null ? `${basename(place.path)} L${layer}` : place.name;
}

/** A recipe as a record holds it: lists as text. */
function flat(recipe: Recipe): NonNullable<EvaluationRecord['sae']['training']> {
  const entries = Object.entries(recipe).filter(([name]) => applies(name, recipe.architecture));
  return Object.fromEntries(
    entries.map(([key, value]) => [key, Array.isArray(value) ? value.join(', ') : value]),
  );
}

const roundedCaveat =
  'The language model was larger than memory: its residuals were rounded to bfloat16 between segments.';

/** What a reader of the embedded model's scores must know. */
const embeddedCaveats = [
  'A model of 1.3 M parameters on generated text: its scores show that the procedure works, not how SAEs of large models do.',
  'The toxicity task stands in for toxic_conversations by rude and polite remarks, the sentiment task for sst2 by generated reviews.',
];

function deviceText(config: RunConfig): string {
  if (config.device !== 'cpu') return config.device;
  const all = cpus();
  return `cpu (${all[0]?.model.trim() || 'unknown model'}, ${all.length} cores)`;
}

async function versions(): Promise<Record<string, string>> {
  const manifest = JSON.parse(await readFile(new URL('../../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return {
    interpboard: manifest.version,
    node: process.versions.node,
    'onnxruntime-node': await runtimeVersion(),
  };
}
