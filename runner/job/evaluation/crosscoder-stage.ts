/** A crosscoder on its language models: from its files to the measured part of its record. */
import { pairsEvery, type RunConfig } from '../../config/run-config.ts';
import { asksForControls } from '../../evaluation/control-pass.ts';
import { type Evaluated, pairedStatistics } from '../../evaluation/evaluate.ts';
import { type CachedResults, namesOf } from '../../evaluation/observation.ts';
import { pairedPart, pairingKeys } from '../../evaluation/pairing.ts';
import {
  type CrosscoderPlace,
  type ReplacedPlaces,
  replacedPlaces,
} from '../../evaluation/replaced-places.ts';
import { type Hook, orderedHooks } from '../../hook.ts';
import { canonicalJson, sha256 } from '../../io/hash.ts';
import { knownTokens } from '../../lm/known-tokens.ts';
import type { LanguageModel, TokenBatch } from '../../lm/language-model.ts';
import { parseDevices } from '../../onnx/devices.ts';
import type { EvaluationRecord, Exclusion } from '../../report/schema.ts';
import { crosscoder as declaration } from '../../report/suites/crosscoder.ts';
import type { Reporter } from '../../reporter.ts';
import type { CrosscoderFile } from '../../sae/checkpoints/crosscoder.ts';
import { type DecoderGeometry, decoderGeometry } from '../../sae/crosscoder-decoders.ts';
import { openCrosscoder } from '../../sae/open-crosscoder.ts';
import { storedSha256 } from '../../sae/stored-sae.ts';
import { crosscoderPart, decoderHistograms } from '../../suites/crosscoder.ts';
import type { Suite } from '../../suites/suite.ts';
import { loadTokenizer } from '../../text/tokenizer.ts';
import { type OtherModel, otherTokens } from '../shared/crosscoder.ts';
import { openRunModel, type RunModel } from '../shared/language-model.ts';
import type { ModelPlace } from '../shared/model-place.ts';
import { crosscoderNeeds } from './crosscoder-memory.ts';
import { type EvaluationText, evaluationText } from './heldout-text.ts';
import { pooledOf } from './pooled-memory.ts';

export interface MeasuredCrosscoder {
  /** The run's; of the other one its notes are among these. */
  model: LanguageModel;
  sae: Pick<EvaluationRecord['sae'], 'architecture' | 'd_in' | 'd_sae' | 'k'>;
  /** Content hash of its tensors, and of how activations are scaled. */
  sha256: string;
  evaluated: Omit<Evaluated, keyof Hook>;
  tokens: number;
  rows: number;
  blocks: number | undefined;
  documents: EvaluationText['documents'];
  exclusions: Exclusion[];
}

/** @throws Stopped when the user asked to stop; losses with activations replaced are cached, the rest starts again */
export async function crosscoderStage(
  run: {
    config: RunConfig;
    model: ModelPlace;
    other: OtherModel | null;
    /** Opens its files. */
    open(): Promise<CrosscoderFile>;
    places: readonly CrosscoderPlace[];
    /** What the table calls them. */
    names: readonly string[];
    /** Folder for residuals of a model that is larger than memory. */
    scratch: string;
    /** Bytes that the run may use. */
    memory: number;
    /** Those that the run asks for, of which none is of several places. */
    suites: readonly Suite[];
    cached?: CachedResults | undefined;
  },
  reporter: (stage: string, unit: string) => Reporter,
): Promise<MeasuredCrosscoder> {
  const { config, places, suites, other, cached } = run;
  const models: RunModel[] = [];
  const file = await run.open();
  try {
    const threads = config.threads === null ? {} : { threads: config.threads };
    const devices = parseDevices(config.device);
    const [device] = devices;
    const folders: ModelPlace[] = [run.model, ...(other === null ? [] : [other])];
    for (const [number, place] of folders.entries()) {
      models.push(
        await openRunModel({
          device: config.device,
          precision: config.precision,
          spill: config.spill,
          place,
          folder: run.scratch,
          hooks: orderedHooks(places.filter(({ model }) => model === number).map(({ hook }) => hook)),
          memory: Math.floor(run.memory / folders.length),
          // Of a card what the models before have left is shared.
          sharing: folders.length - number,
          threads: config.threads,
          maxTokens: config.corpus.rowTokens,
          ...crosscoderNeeds(config, pooledOf(file.sae), folders.length, devices),
        }),
      );
    }
    const batches = await textOf(run, models, reporter('text', 'tokens'));
    const coder = await openCrosscoder(file, { device, ...threads });
    try {
      const { resamples, seed } = config.evaluation;
      const draws = { resamples, seed };
      const hash = sha256(canonicalJson([await storedSha256(file.sae), scalingHash(file.scaling)]));
      const kept = cached && {
        cache: cached.cache,
        identity: sha256(canonicalJson([cached.identity, other?.sha256 ?? null])),
        sha256: hash,
      };
      const measured = await replacedPlaces(
        models.map(({ model }) => model),
        { coder, places },
        batches.batches,
        draws,
        reporter('measuring', 'passes'),
        kept,
      );
      const geometry = await decoderGeometry(file);
      const notes = [...new Set(models.flatMap(({ model }) => model.notes))];
      return {
        model: { ...models[0]!.model, resident: models.every(({ model }) => model.resident), notes },
        sae: {
          architecture: coder.architecture,
          d_in: file.d,
          d_sae: coder.d_sae,
          k: 'k' in file.sae ? file.sae.k : null,
        },
        sha256: hash,
        evaluated: evaluatedOf(measured, geometry, run.names, batches.batches, config),
        tokens: measured.tokens,
        rows: measured.rows,
        blocks: measured.blocks,
        documents: batches.documents,
        exclusions: leftOut(config, suites),
      };
    } finally {
      await coder.close();
    }
  } finally {
    for (const each of models) await each.close();
    await file.close();
  }
}

/** @throws UserError where the second model's tokenizer makes other tokens of the text */
async function textOf(
  { config, model, other }: { config: RunConfig; model: ModelPlace; other: OtherModel | null },
  models: readonly RunModel[],
  reporter: Reporter,
): Promise<EvaluationText> {
  const vocabulary = Math.min(...models.map(({ model: { vocabulary } }) => vocabulary));
  const read = async (folder: string): Promise<EvaluationText> =>
    evaluationText(config, knownTokens(await loadTokenizer(folder), vocabulary), reporter);
  const text = await read(model.folder);
  if (other !== null) {
    const again = await read(other.folder);
    if (canonicalJson(namesOf(text.batches)) !== canonicalJson(namesOf(again.batches)))
      throw otherTokens(other);
  }
  return text;
}

function scalingHash(scaling: CrosscoderFile['scaling']): object | null {
  if (scaling === null) return null;
  const { by, mean, epsilon } = scaling;
  return { by: [...by], mean: mean && sha256(new Uint8Array(mean.slice().buffer)), epsilon };
}

/** Suites are made of the activations of one hook, controls of an SAE's own. */
function leftOut({ evaluation }: RunConfig, suites: readonly Suite[]): Exclusion[] {
  const reason = 'made of the activations of one hook, and a crosscoder’s latents read several places';
  return [
    ...suites.map(({ declaration: { id } }) => ({ suite: id, data: 'all', reason })),
    ...(asksForControls(suites, evaluation) ? [{ suite: 'controls', data: 'held-out text', reason }] : []),
  ];
}

function evaluatedOf(
  measured: ReplacedPlaces,
  geometry: DecoderGeometry,
  names: readonly string[],
  batches: readonly TokenBatch[],
  { evaluation }: RunConfig,
): MeasuredCrosscoder['evaluated'] {
  const { whole } = measured;
  const { id, definitions } = declaration;
  const { part, statistics } = crosscoderPart(measured, geometry, names);
  const decoders = decoderHistograms(geometry, names.length);
  const keys = pairingKeys(batches, [{ id, version: '', definitions, pairing: namesOf(batches) }], {
    resamples: evaluation.resamples,
    seed: evaluation.seed,
  });
  return {
    metrics: whole.metrics,
    suites: { [id]: part },
    curves: { ...whole.curves, ...(decoders === null ? {} : { decoders }) },
    paired: pairedPart(pairedStatistics(whole.statistics, [], pairsEvery(evaluation)), keys, {
      [id]: statistics,
    }),
    evidence: undefined,
    controls: undefined,
  };
}
