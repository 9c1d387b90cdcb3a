/** A cross-layer transcoder on a language model: from its files to the measured part of its record. */
import { pairsEvery, type RunConfig } from '../../config/run-config.ts';
import { asksForControls } from '../../evaluation/control-pass.ts';
import { type Evaluated, pairedStatistics } from '../../evaluation/evaluate.ts';
import { type CachedResults, type HookSaes, namesOf } from '../../evaluation/observation.ts';
import { pairedPart, pairingKeys } from '../../evaluation/pairing.ts';
import { REPLACED, type ReplacedMlps, replacedMlps } from '../../evaluation/replaced-mlps.ts';
import { stoppedMeasuring } from '../../evaluation/replacing.ts';
import type { Hook } from '../../hook.ts';
import { canonicalJson, sha256 } from '../../io/hash.ts';
import { knownTokens } from '../../lm/known-tokens.ts';
import { hookWidth, type LanguageModel, type TokenBatch } from '../../lm/language-model.ts';
import { parseDevices } from '../../onnx/devices.ts';
import type { EvaluationRecord, Exclusion, Part } from '../../report/schema.ts';
import { crossLayer } from '../../report/suites/cross-layer.ts';
import { type Reporter, Stopped } from '../../reporter.ts';
import { type CrossLayerFile, hooksOfCrossLayer, openCrossLayer } from '../../sae/checkpoints/cross-layer.ts';
import { type OpenSae, openSae } from '../../sae/open-sae.ts';
import { storedSha256 } from '../../sae/stored-sae.ts';
import { kSparse } from '../../suites/k-sparse/suite.ts';
import type { Suite } from '../../suites/suite.ts';
import { loadTokenizer } from '../../text/tokenizer.ts';
import { openRunModel } from '../shared/language-model.ts';
import type { ModelPlace } from '../shared/model-place.ts';
import { crossLayerNeeds, crossLayerSuites } from './cross-layer-memory.ts';
import { type CrossLayerProbing, crossLayerProbing } from './cross-layer-probing.ts';
import { type EvaluationText, evaluationText } from './heldout-text.ts';
import { pooledOf, readingsOf } from './pooled-memory.ts';

export interface MeasuredCrossLayer {
  model: LanguageModel;
  sae: Pick<EvaluationRecord['sae'], 'architecture' | 'd_in' | 'd_out' | 'd_sae'>;
  /** Content hash of its tensors. */
  sha256: string;
  evaluated: Omit<Evaluated, keyof Hook>;
  tokens: number;
  rows: number;
  blocks: number | undefined;
  documents: EvaluationText['documents'];
  exclusions: Exclusion[];
}

/** @throws Stopped when the user asked to stop; losses with all MLPs replaced are cached, the rest starts again */
export async function crossLayerStage(
  run: {
    config: RunConfig;
    model: ModelPlace;
    /** Where its files lie. */
    folder: string;
    /** Folder for residuals of a model that is larger than memory. */
    scratch: string;
    /** Bytes that the run may use. */
    memory: number;
    /** Those that the run asks for; of them k-sparse alone is run. */
    suites: readonly Suite[];
    cached?: CachedResults | undefined;
  },
  reporter: (stage: string, unit: string) => Reporter,
): Promise<MeasuredCrossLayer> {
  const { config, model: place, folder, suites } = run;
  const file = await openCrossLayer(folder);
  const layers: OpenSae[] = [];
  try {
    const threads = config.threads === null ? {} : { threads: config.threads };
    const devices = parseDevices(config.device);
    const [device] = devices;
    const opened = await openRunModel({
      device: config.device,
      precision: config.precision,
      spill: config.spill,
      place,
      folder: run.scratch,
      hooks: hooksOfCrossLayer(file),
      memory: run.memory,
      threads: config.threads,
      maxTokens: Math.max(
        config.corpus.rowTokens,
        ...readingsOf(config, crossLayerSuites(suites)).map(({ rowTokens }) => rowTokens),
      ),
      ...crossLayerNeeds(config, suites, file.layers.map(pooledOf), devices),
    });
    try {
      const tokenizer = knownTokens(await loadTokenizer(place.folder), opened.model.vocabulary);
      const { batches, documents } = await evaluationText(config, tokenizer, reporter('text', 'tokens'));
      for (const sae of file.layers) layers.push(await openSae(sae, { device, ...threads }));
      const clt = { reads: file.reads, d: file.d_model, layers, biases: file.biases };
      const { resamples, seed } = config.evaluation;
      const draws = { resamples, seed };
      const hash = await tensorsSha256(file);
      const measured = await replacedMlps(
        opened.model,
        clt,
        batches,
        draws,
        reporter('measuring', 'passes'),
        run.cached && { ...run.cached, sha256: hash },
      );
      const hooks = layers.map((sae, layer): HookSaes => {
        const at: Hook = { layer, site: file.reads };
        return { ...at, d: hookWidth(opened.model, at), saes: [sae] };
      });
      const exclusions = leftOut(config, suites);
      const probing = suites.includes(kSparse)
        ? await crossLayerProbing({ config, opened, tokenizer, batches, hooks }, exclusions, reporter).catch(
            (error) => {
              throw error instanceof Stopped
                ? stoppedMeasuring(run.cached === undefined ? null : REPLACED)
                : error;
            },
          )
        : null;
      const { model } = opened;
      return {
        model,
        sae: {
          architecture: layers[0]!.architecture,
          d_in: file.d_model,
          d_out: file.d_model,
          d_sae: layers.reduce((sum, { d_sae }) => sum + d_sae, 0),
        },
        sha256: hash,
        evaluated: evaluatedOf(measured, probing, pairingOf(batches, draws), pairsEvery(config.evaluation)),
        tokens: measured.tokens,
        rows: measured.rows,
        blocks: measured.blocks,
        documents,
        exclusions,
      };
    } finally {
      await opened.close();
    }
  } finally {
    for (const sae of layers) await sae.close();
    await file.close();
  }
}

async function tensorsSha256({ layers, biases }: CrossLayerFile): Promise<string> {
  const hashes = [];
  for (const [layer, sae] of layers.entries())
    hashes.push([await storedSha256(sae), sha256(new Uint8Array(biases[layer]!.slice().buffer))]);
  return sha256(canonicalJson(hashes));
}

const ONE_HOOK = 'made of the activations of one hook, which a cross-layer transcoder does not have';

/** Suites that ask for SAEs of one hook, and controls, which are made of an SAE's own. */
function leftOut({ evaluation }: RunConfig, suites: readonly Suite[]): Exclusion[] {
  const reason = 'not defined for a cross-layer transcoder, whose latents read at every layer; k-sparse is';
  return [
    ...suites
      .filter((suite) => suite !== kSparse)
      .map(({ declaration: { id } }) => ({ suite: id, data: 'all', reason })),
    ...(asksForControls(suites, evaluation)
      ? [{ suite: 'controls', data: 'held-out text', reason: ONE_HOOK }]
      : []),
  ];
}

function pairingOf(batches: readonly TokenBatch[], draws: { resamples: number; seed: number }) {
  const { id, definitions } = crossLayer;
  return pairingKeys(batches, [{ id, version: '', definitions, pairing: namesOf(batches) }], draws);
}

function evaluatedOf(
  { losses, whole, layers }: ReplacedMlps,
  probing: CrossLayerProbing | null,
  keys: ReturnType<typeof pairingKeys>,
  pairEvery: boolean,
): MeasuredCrossLayer['evaluated'] {
  const ofLayers = (id: keyof (typeof layers)[number]): NonNullable<Part['curves']>[string] => ({
    points: layers.map(({ [id]: transcoder }, at) => ({ at, values: { transcoder } })),
    sets: [],
  });
  const { 'loss_clean@v1': clean, ...own } = losses.statistics;
  return {
    metrics: whole.metrics,
    suites: {
      [crossLayer.id]: {
        measures: losses.metrics,
        curves: {
          var_exp: ofLayers('var_exp@pooled-v1'),
          l0: ofLayers('l0@v1'),
          alive: ofLayers('alive@v1'),
          ...probing?.curves,
        },
        ...(probing === null ? {} : { tables: probing.tables }),
      },
    },
    curves: whole.curves,
    paired: pairedPart(pairedStatistics(whole.statistics, [], pairEvery), keys, { [crossLayer.id]: own }),
    evidence: undefined,
    controls: undefined,
  };
}
