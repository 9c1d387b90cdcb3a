/** A measured SAE as the record that the site reads. */
import { readFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { type Json, portable } from '../../config/portable.ts';
import type { RunConfig } from '../../config/run-config.ts';
import type { CorpusSettings } from '../../config/sections.ts';
import type { Evaluated } from '../../evaluation/evaluate.ts';
import type { Hook } from '../../hook.ts';
import type { ActivationModel } from '../../lm/language-model.ts';
import { type Device, executionProvider, parseDevices } from '../../onnx/devices.ts';
import { providerOptions } from '../../onnx/provider-options.ts';
import { runtimeVersion } from '../../onnx/session.ts';
import { type CarriedDeclaration, carriedDeclaration } from '../../report/declaration.ts';
import { type EvaluationRecord, type Exclusion, schemaVersion } from '../../report/schema.ts';
import { ownRunOf } from '../../report/transfer.ts';
import type { EncodingSettings } from '../../sae/content-hash.ts';
import { hookPath } from '../../sae/published/hook-names.ts';
import type { Suite } from '../../suites/suite.ts';
import { type PlannedSae, recordId } from '../shared/planned-saes.ts';
import type { PublishedSae } from '../shared/published-saes.ts';
import { type EvaluationText, heldOutNames } from './heldout-text.ts';
import { publishedFacts, trainedFacts } from './sae-facts.ts';
import type { Tested } from './self-test-stage.ts';

/** What a record says of the run that measured it. */
export interface MeasuringRun {
  config: RunConfig;
  folder: string;
  /** SAEs whose weights training started from. */
  from: readonly PublishedSae[];
  /** With those of files among them. */
  suites: readonly Suite[];
  /** The command that makes the run again. */
  command: string;
  /** ISO 8601. */
  started: string;
  /** Commit of the language model's repository. */
  revision: string | null;
  /** Hashes of the language model's files, and of all that the record follows from. */
  hashes: { model: string; evaluated: string };
}

/** One SAE of a run as a record. */
export async function recordOf(parts: {
  run: MeasuringRun;
  /** Of work, training and evaluation together. */
  seconds: number;
  model: ActivationModel;
  /** Where the SAE lay. */
  on: Device;
  planned: PlannedSae;
  sae: Pick<
    EvaluationRecord['sae'],
    'architecture' | 'd_in' | 'd_out' | 'd_sae' | 'k' | 'layers' | 'places' | 'other_model'
  > & {
    /** Of a temporal SAE. */
    context?: unknown;
    encoding?: EncodingSettings;
  };
  /** Content hash of its tensors and of what it encodes with. */
  sha256: string;
  /** Of an SAE that the run did not train. */
  selfTest: Tested | null;
  evaluated: Omit<Evaluated, keyof Hook>;
  tokens: number;
  rows: number;
  blocks: number | undefined;
  documents: EvaluationText['documents'] | undefined;
  exclusions: readonly Exclusion[];
}): Promise<EvaluationRecord> {
  const { run, seconds, model, planned, sae, selfTest, evaluated } = parts;
  const { config, hashes } = run;
  const { id, layer, origin } = planned;
  const known =
    origin.kind === 'trained'
      ? await trainedFacts(run, planned, origin.recipe, sae.d_in!)
      : publishedFacts(origin.sae, selfTest, config.model.id);
  return {
    schema: schemaVersion,
    id: recordId(config.name, id),
    kind: 'measured',
    model: {
      id: config.model.id,
      revision: run.revision,
      family: model.family,
      blocks: model.blocks,
      d_model: model.dModel,
      dtype: model.storedType,
      sha256: hashes.model,
    },
    sae: {
      hook: hookPath(planned),
      ...(planned.reads && { reads: hookPath(planned.reads), d_out: sae.d_out ?? sae.d_in! }),
      ...(sae.layers !== undefined && { layers: sae.layers }),
      ...(sae.places !== undefined && { places: sae.places }),
      ...(sae.other_model !== undefined && { other_model: sae.other_model }),
      architecture: sae.architecture,
      ...(sae.context !== undefined && { variant: 'temporal' }),
      layer,
      d_in: sae.d_in,
      d_sae: sae.d_sae,
      k: sae.k,
      ...(sae.encoding && { encoding: sae.encoding }),
      sha256: parts.sha256,
      ...known.sae,
    },
    data: dataOf(config, parts),
    metrics: evaluated.metrics as EvaluationRecord['metrics'],
    suites: evaluated.suites,
    ...declaredParts(run, evaluated),
    ...(evaluated.controls === undefined ? {} : { controls: evaluated.controls }),
    ...(evaluated.paired === undefined ? {} : { paired: evaluated.paired }),
    ...transferOf(config, planned),
    ...(parts.exclusions.length > 0 && { exclusions: [...parts.exclusions] }),
    curves: evaluated.curves,
    trajectory: known.trajectory,
    provenance: {
      source: run.command,
      url: null,
      started: run.started,
      wall_seconds: Math.round(10 * seconds) / 10,
      device: deviceText(config.device, parts.on),
      threads: config.threads,
      versions: await versions(),
      config_sha256: hashes.evaluated,
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
      ...arithmeticCaveats(config),
      ...(config.spill === 'bfloat16' && !model.resident ? [roundedCaveat] : []),
      ...(parts.blocks !== undefined && parts.blocks < FEW_DOCUMENTS ? [fewCaveat(parts)] : []),
      ...model.notes,
    ],
  };
}

/** Where the SAE is measured on its own model. */
function transferOf(
  { name, evaluation: { transferFrom } }: RunConfig,
  { id, origin }: PlannedSae,
): Pick<EvaluationRecord, 'transfer'> {
  if (transferFrom === null || origin.kind !== 'published') return {};
  const model = portable(transferFrom.replace(/^hf:\/\//, '')) as string;
  return { transfer: { model, record: recordId(ownRunOf(name), id) } };
}

/** The declarations of the suites from files, so that the record alone is enough to show their parts. */
function declaredParts(
  { config, suites }: Pick<MeasuringRun, 'config' | 'suites'>,
  evaluated: Pick<Evaluated, 'suites'>,
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

/** What was evaluated on. */
function dataOf(
  { corpus, evaluation }: { corpus: CorpusSettings; evaluation: { documentTokens: number } },
  {
    tokens,
    rows,
    blocks,
    documents,
  }: Pick<Parameters<typeof recordOf>[0], 'tokens' | 'rows' | 'blocks' | 'documents'>,
): EvaluationRecord['data'] {
  return {
    ...heldOutNames(corpus, evaluation),
    seed: corpus.heldoutSeed,
    tokens,
    rows,
    row_tokens: corpus.rowTokens,
    ...(blocks === undefined ? {} : { blocks }),
    ...(documents === undefined ? {} : { documents }),
  };
}

const roundedCaveat =
  'The language model was larger than memory: its residuals were rounded to bfloat16 between segments.';

const precisionCaveat =
  'The language model was computed in bfloat16; its activations and losses were widened to float32.';

const tf32Caveat =
  'Products of float32, of the language model and of SAEs, took their factors in TF32, with a mantissa of 10 bits instead of 23.';

/** Where the language model or the SAEs were computed in less than float32. */
export function arithmeticCaveats({ device, precision }: Pick<RunConfig, 'device' | 'precision'>): string[] {
  const tf32 = parseDevices(device).some((each) => executionProvider(each).tf32);
  return [...(precision === 'bfloat16' ? [precisionCaveat] : []), ...(tf32 ? [tf32Caveat] : [])];
}

/** What a reader of the embedded model's scores must know. */
const embeddedCaveats = [
  'A model of 1.3 M parameters on generated text: its scores show that the procedure works, not how SAEs of large models do.',
  'The toxicity task stands in for toxic_conversations by rude and polite remarks, the sentiment task for sst2 by generated reviews.',
];

/** The devices, and what their providers were told: it decides the last bits; of several, on which the SAE was measured. */
export function deviceText(device: string, on: Device): string {
  if (device !== 'cpu') {
    const each = parseDevices(device).map((one) => {
      const { device_id: _, ...others } = providerOptions(one);
      const told = Object.entries(others).map(([name, value]) => `${name}=${value}`);
      return told.length === 0 ? one : `${one} (${told.join(', ')})`;
    });
    return each.length > 1 ? `${each.join(', ')}; the SAE on ${on}` : each.join(', ');
  }
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
