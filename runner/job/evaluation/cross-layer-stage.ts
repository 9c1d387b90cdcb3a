/** A cross-layer transcoder on a language model: from its files to the measured part of its record. */
import { pairsEvery, type RunConfig } from '../../config/run-config.ts';
import { settingsOf } from '../../config/suite-settings.ts';
import { sweepAsks } from '../../evaluation/asks.ts';
import { asksForControls } from '../../evaluation/control-pass.ts';
import { type Evaluated, pairedStatistics } from '../../evaluation/evaluate.ts';
import { type CachedResults, type HookSaes, namesOf, observe } from '../../evaluation/observation.ts';
import { pairedPart, pairingKeys } from '../../evaluation/pairing.ts';
import { type ReplacedMlps, replacedMlps, stoppedMeasuring } from '../../evaluation/replaced-mlps.ts';
import type { Hook } from '../../hook.ts';
import { canonicalJson, sha256 } from '../../io/hash.ts';
import { knownTokens } from '../../lm/known-tokens.ts';
import { hookWidth, type LanguageModel, type TokenBatch } from '../../lm/language-model.ts';
import { parseDevices } from '../../onnx/devices.ts';
import type { EvaluationRecord, Exclusion, Measure, Part } from '../../report/schema.ts';
import { crossLayer, PROBED_LATENTS } from '../../report/suites/cross-layer.ts';
import { type Reporter, Stopped } from '../../reporter.ts';
import { type CrossLayerFile, hooksOfCrossLayer, openCrossLayer } from '../../sae/checkpoints/cross-layer.ts';
import { type OpenSae, openSae } from '../../sae/open-sae.ts';
import { storedSha256 } from '../../sae/stored-sae.ts';
import { fullProbe, kSparseProbes, kSparseSuite } from '../../suites/k-sparse/k-sparse.ts';
import { kSparse } from '../../suites/k-sparse/suite.ts';
import { plannedSets } from '../../suites/sets.ts';
import type { Suite } from '../../suites/suite.ts';
import { loadTokenizer, type Tokenizer } from '../../text/tokenizer.ts';
import { openRunModel, type RunModel } from '../shared/language-model.ts';
import type { ModelPlace } from '../shared/model-place.ts';
import { crossLayerNeeds, crossLayerSuites } from './cross-layer-memory.ts';
import { type EvaluationText, evaluationText } from './heldout-text.ts';
import { pooledOf, readingsOf } from './pooled-memory.ts';
import { suiteContexts } from './suite-contexts.ts';

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

/**
 * @param folder that its files lie in
 * @param scratch folder for residuals of a model that is larger than memory
 * @param suites that the run asks for: of those k-sparse probing alone is run, on the latents of one layer after the other
 * @throws Stopped when the user asked to stop; losses with all MLPs replaced are cached, the rest starts again
 */
export async function crossLayerStage(
  run: {
    config: RunConfig;
    model: ModelPlace;
    folder: string;
    scratch: string;
    memory: number;
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
        ? await probed({ config, opened, tokenizer, batches, hooks }, exclusions, reporter).catch((error) => {
            throw error instanceof Stopped ? stoppedMeasuring(run.cached !== undefined) : error;
          })
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
  probing: Probing | null,
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

type Probing = Required<Pick<Part, 'curves' | 'tables'>>;

/** As suite k-sparse has it of any SAE at the hook that the latents of a layer read. */
async function probed(
  run: {
    config: RunConfig;
    opened: RunModel;
    tokenizer: Tokenizer;
    batches: readonly TokenBatch[];
    hooks: readonly HookSaes[];
  },
  exclusions: Exclusion[],
  reporter: (stage: string, unit: string) => Reporter,
): Promise<Probing | null> {
  const { config, opened, hooks } = run;
  const { kValues } = settingsOf(kSparse, config) as { kValues: number[] };
  const most = Math.max(...hooks.map(({ saes: [sae] }) => sae!.d_sae));
  const ks = PROBED_LATENTS.filter((k) => kValues.includes(k) && k <= most);
  const others = kValues
    .filter((each) => !ks.some((k) => k === each))
    .map((k): Exclusion => {
      const reason =
        k > most
          ? `a layer has ${most} latents`
          : `of a cross-layer transcoder probes of ${PROBED_LATENTS.join(', ')} latents are shown`;
      return { suite: kSparse.declaration.id, data: `evaluation.kValues ${k}`, reason };
    });
  if (ks.length === 0) {
    exclusions.push(...others);
    return null;
  }
  const asks = sweepAsks(hooks, undefined);
  const notAsked = (): never => {
    throw new TypeError('k-sparse probing reads no decoder');
  };
  const contexts = suiteContexts({
    ...run,
    reading: reporter('text', 'tokens'),
    asks,
    controls: false,
    cached: undefined,
    effects: notAsked,
    nearest: notAsked,
    readings: readingsOf(config, [kSparse]),
  });
  const sets = await plannedSets(contexts.of(kSparse));
  exclusions.push(...contexts.exclusions);
  if (sets === null) return null;
  exclusions.push(...others);
  const sweeping = (batches: readonly TokenBatch[], branches: number) =>
    opened.sweeping(reporter('probing', 'tokens'), batches, branches);
  await observe(opened.model, asks.observations, sweeping, hooks);
  const parts = hooks.map((_, hook) => {
    const inputs = sets.map(({ plan, pooled }) => {
      const { latents, residual } = pooled.at(hook);
      return {
        plan,
        latents: kSparseProbes(plan, latents[0]!, ks),
        untrained: null,
        residual: kSparseProbes(plan, residual!, ks),
        ceiling: fullProbe(plan, residual!),
      };
    });
    return kSparseSuite(inputs, ks);
  });
  const at = (part: Part, k: number): Record<string, Measure> => {
    const { points, constants } = part.curves!.accuracy!;
    return { ...constants, ...points.find((point) => point.at === k)!.values };
  };
  return {
    curves: Object.fromEntries(
      ks.map((k) => [
        `probing_k${k}`,
        { points: parts.map((part, layer) => ({ at: layer, values: at(part, k) })), sets: [] },
      ]),
    ),
    tables: { data_sets: parts[0]!.tables!.data_sets! },
  };
}
