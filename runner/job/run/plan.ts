/** What a run will take, before anything of it is done: from its settings and the checkpoint's headers. */
import type {
  CorpusSettings,
  MachineSettings,
  SaeSettings,
  SuitesSettings,
  TrainingSettings,
} from '../../config/sections.ts';
import { trainedHooks } from '../../config/trained-hooks.ts';
import { comparePlaces, type Hook, hookLabel, orderedHooks, type Place } from '../../hook.ts';
import type { Checkpoint } from '../../lm/checkpoint.ts';
import { familyOf } from '../../lm/families/index.ts';
import { type Fit, fitModel, type NeedsBeside } from '../../lm/fit.ts';
import { tensorsRead } from '../../lm/model-facts.ts';
import { bytesOf, partsOf } from '../../lm/parts.ts';
import type { PlacedSegment } from '../../lm/placement.ts';
import { choosePrecision } from '../../lm/precision.ts';
import { widthsAt } from '../../lm/segments.ts';
import type { BindingName } from '../../onnx/binding/binding.ts';
import { type Device, parseDevices } from '../../onnx/devices.ts';
import type { Precision } from '../../onnx/graph.ts';
import type { Suite } from '../../suites/suite.ts';
import type { BackendChoice } from '../../train/backends/backend.ts';
import { crossLayerNeeds, crossLayerSuites } from '../evaluation/cross-layer-memory.ts';
import { crosscoderNeeds } from '../evaluation/crosscoder-memory.ts';
import {
  type EvaluationNeeds,
  evaluationNeeds,
  type PooledSae,
  readingsOf,
} from '../evaluation/pooled-memory.ts';
import { trainedSaes, withWidths } from '../shared/planned-saes.ts';
import { passesTogether } from '../training-data/activations.ts';
import { fitsWhole, placeActivations } from '../training-data/activations-place.ts';
import type { TrainingNeeds } from '../training-data/training-needs.ts';
import { type TextWork, workOf } from './work.ts';

/** A stage of the run: `training` goes up to the last hook alone, `evaluation` through the whole model. */
export interface PlannedStage {
  stage: 'training' | 'evaluation';
  resident: boolean;
  segments: readonly PlacedSegment[];
  /**
   * Bytes: of a batch on its way, the SAEs and the program; of the weights held at a time; of residuals that wait between segments loaded in
   * turn; and where all are held, of residuals beside hooks inside blocks that are kept for ablations there.
   */
  memory: { working: number; weights: number; waiting: number; beside: number };
  /** Bytes on each device, in their order, where devices have memory of their own and how much is known; else none. */
  devices: readonly DeviceNeeds[];
  /** Where each SAE lies, and its bytes there; none where one is not known, and of a cross-layer transcoder, all of which lies on the first. */
  saes: readonly { id: string; bytes: number; device: Device }[];
  /** Of training, where activations are between the language model and the SAEs; null where the CPU computes all. */
  activations: string | null;
  /** Bytes of residuals that wait on disk at a time, when all text is swept together. */
  disk: number;
  tokens: number;
  /** Floating-point operations: of the language model, in the run's precision, and of SAEs, in float32. */
  operations: { model: number; saes: number };
}

export interface DeviceNeeds {
  device: Device;
  available: number;
  /** Of the language model's weights, those held there at a time. */
  weights: number;
  /** Of the SAEs there: in training the states of their optimisers, in evaluation their weights. */
  states: number;
  /** Of one training step beside the states; in evaluation of a temporal SAE's prediction. */
  step: number;
  /** In training, of activations that stay there. */
  activations: number;
  /** Of a batch on its way through a segment, and of the runtime. */
  batch: number;
}

/** An SAE of others that is evaluated. */
export interface OtherSae {
  /** All that is read of the language model for it; none where that is not known. */
  hooks: readonly Hook[];
  /** Of a crosscoder of two models, what is read of the second. */
  otherHooks?: readonly Hook[];
  /** Null where its files are not at hand. */
  known: {
    id: string;
    place: Place;
    d_sae: number;
    /** Whether it is a cross-layer transcoder, whose layers lie on the first device. */
    crossLayer: boolean;
    /** Of a crosscoder, how many models it has: they share what the run may use. */
    ofModels?: number;
    /** Its own, of a crosscoder over all places side by side; of a cross-layer transcoder that of each layer. */
    sizes: readonly PooledSae[];
  } | null;
}

/** Text that goes through the language model. */
interface PlannedText {
  tokens: number;
  /** Tokens that may wait between segments at a time, each with so many branches beside it. */
  together: number;
  branches: number;
  /** Floating-point operations per token. */
  model: number;
  saes: number;
}

type PlannedConfig = SaeSettings &
  SuitesSettings &
  Pick<MachineSettings, 'device' | 'precision' | 'spill'> & {
    training: Pick<TrainingSettings, 'tokens' | 'shuffle' | 'resampleTokens' | 'policy' | 'activations'>;
    corpus: Pick<CorpusSettings, 'rowTokens'>;
    backend: BackendChoice;
  };

export interface RunPlan {
  family: string;
  blocks: number;
  dModel: number;
  /** Numbers of the tensors that are read, as the files have them. */
  parameters: number;
  precision: Precision;
  /** Of the weights in that precision, each counted once. */
  weights: number;
  /** Of the weights as the files have them. */
  stored: number;
  stages: readonly PlannedStage[];
}

/**
 * @param all bytes the run may use, of which a model of a crosscoder of two has half
 * @param others SAEs of others, as far as they are known
 * @param card bytes of each device, where it has memory of its own; null: not known
 * @param binding how the runtime is reached
 * @throws UserError for a family or hook that is not there, or when the memory does not hold the largest part
 */
export function planOf(
  config: PlannedConfig,
  suites: readonly Suite[],
  checkpoint: Checkpoint,
  all: number,
  {
    others = [],
    card: whole = null,
    binding = 'c-api',
  }: { others?: readonly OtherSae[]; card?: number | null; binding?: BindingName } = {},
): RunPlan {
  const crosscoder = others.map(({ known }) => known).find((known) => known?.ofModels !== undefined);
  const models = crosscoder?.ofModels ?? 1;
  const [memory, card] = [Math.floor(all / models), whole === null ? null : Math.floor(whole / models)];
  const family = familyOf(checkpoint);
  const devices = parseDevices(config.device);
  const precision = choosePrecision(config.precision, devices, checkpoint);
  const parts = partsOf(checkpoint, family, precision);
  const own = config.train || others.every((sae) => sae.hooks.length === 0) ? trainedHooks(config) : [];
  const hooks = orderedHooks([...own, ...others.flatMap((sae) => sae.hooks)]);
  const layers = [...new Set(hooks.map(({ layer }) => layer))];
  const widths = new Map(own.map((hook) => [hookLabel(hook), widthsAt(family, hook).value]));
  const plans = withWidths(trainedSaes(config), widths);

  const none = (device: Device) => ({ device, states: 0, step: 0, activations: 0 });

  const share = (
    stage: PlannedStage['stage'],
    where: { hooks: readonly Hook[]; divergence?: boolean },
    needs: NeedsBeside,
  ): Fit =>
    fitModel(parts, family, {
      ...where,
      ...needs,
      devices,
      memory,
      card,
      device: config.device,
      activationsOnly: stage === 'training',
    });

  const stageOf = (
    stage: PlannedStage['stage'],
    where: { hooks: readonly Hook[]; divergence?: boolean },
    needs: TrainingNeeds | EvaluationNeeds,
    ids: readonly string[],
    texts: readonly PlannedText[],
    activations: string | null = null,
  ): PlannedStage => {
    const sum = (read: (text: PlannedText) => number): number =>
      texts.reduce((total, text) => total + read(text), 0);
    const fit = share(stage, where, needs);
    const { segments, needed, resident } = fit.placement;
    const used = segments.slice(0, needed);
    const bytes = config.spill === 'bfloat16' ? 2 : 4;
    const residuals = bytes * fit.widest * sum(({ together, branches }) => together * (1 + branches));
    const waiting = resident ? 0 : residuals;
    return {
      stage,
      resident,
      segments: used,
      memory: {
        working: fit.working,
        weights: fit.weights,
        waiting: Math.min(waiting, fit.waiting),
        beside: fit.shares.beside,
      },
      devices:
        card === null
          ? []
          : devices.map((device) => {
              const of = needs.on.find((each) => each.device === device) ?? none(device);
              const here = used.filter((segment) => segment.device === device).map(({ bytes }) => bytes);
              const weights = resident ? here.reduce((a, b) => a + b, 0) : Math.max(0, ...here);
              return {
                ...none(device),
                ...of,
                available: card,
                weights,
                batch: fit.shares.working - needs.saes,
              };
            }),
      saes: ids.map((id, i) => ({ id, bytes: needs.sizes[i]!, device: needs.places[i]! })),
      activations,
      disk: Math.max(0, waiting - fit.waiting),
      tokens: sum(({ tokens }) => tokens),
      operations: {
        model: sum(({ tokens, model }) => tokens * model),
        saes: sum(({ tokens, saes }) => tokens * saes),
      },
    };
  };

  const known = others.flatMap((sae) => sae.known ?? []);
  const crossLayer = known.some((sae) => sae.crossLayer);
  const measured = crosscoder ? [] : crossLayer ? crossLayerSuites(suites) : suites;
  const readings = readingsOf(config, measured);
  const work = workOf(config, measured, parts, family);
  const planned = [
    ...plans.map(({ hook, recipe }) => ({ ...hook, d_sae: recipe.dSae, trained: true })),
    ...known.map(({ place, sizes, ...sae }) => ({
      ...place,
      ...sae,
      trained: false,
      context: sizes[0]?.context,
    })),
  ];
  const text = (each: TextWork, branches: number, together = each.tokens, ablations = 0): PlannedText => ({
    tokens: each.tokens,
    together,
    branches,
    // A crosscoder's passes each begin at the start: one with the model left alone, three with each of its places replaced.
    model: crosscoder
      ? each.pass(layers) * (1 + 3 * hooks.length)
      : each.pass(layers) + planned.reduce((sum, sae) => sum + each.branch(sae), ablations),
    saes: planned.reduce((sum, sae) => sum + each.sae(sae), 0) * (crosscoder ? hooks.length : 1),
  });
  // In the order in which the run shares them out.
  const measuredSaes = [
    ...plans.map(({ id, hook, d_in, recipe }) => ({
      id,
      place: hook,
      sizes: [{ d_in, d_sae: recipe.dSae, k: recipe.architecture === 'topk' ? recipe.k : null }],
    })),
    ...known,
  ].sort((a, b) => comparePlaces(a.place, b.place));
  const needsOf = crossLayer ? crossLayerNeeds : evaluationNeeds;
  const sizes = measuredSaes.flatMap((sae) => sae.sizes);
  const evaluated = crosscoder
    ? crosscoderNeeds(config, sizes[0]!, models, devices)
    : needsOf(config, suites, sizes, devices);
  // Hooks whose activations are ablated by passes of all text; of a cross-layer transcoder's and a crosscoder's none are.
  const ablated =
    crossLayer || crosscoder ? [] : orderedHooks(planned).filter((hook) => work.ablations(hook) > 0);
  const ablations = ablated.reduce((sum, hook) => sum + work.ablations(hook), 0);
  const complete = !crossLayer && !crosscoder && known.length === others.length;
  const count = plans.length + others.length;
  const read = tensorsRead(checkpoint, family);
  const place = config.train
    ? placeActivations(
        config,
        { plans, seen: own, widths },
        devices,
        fitsWhole((needs) => share('training', { hooks: own }, needs)),
        binding,
      )
    : null;
  return {
    family: family.name,
    blocks: family.blocks,
    dModel: family.dModel,
    parameters: read.parameters,
    precision,
    weights: bytesOf(parts, { first: 0, last: family.blocks - 1, embedding: true, head: true }),
    stored: read.bytes,
    stages: [
      ...(place !== null
        ? [
            stageOf(
              'training',
              { hooks: own },
              place.needs,
              plans.map(({ id }) => id),
              // A residual waits at each hook, and one between two segments.
              [text(work.training, own.length, passesTogether(config) * config.sae.batchTokens)],
              place.text,
            ),
          ]
        : []),
      stageOf(
        'evaluation',
        { hooks, divergence: evaluated.divergence },
        evaluated,
        complete ? measuredSaes.map(({ id }) => id) : [],
        [
          text(work.evaluation, count + 2 * ablated.length, work.evaluation.tokens, ablations),
          // As long as they may be.
          ...work.readings.map((each, i) => text(each, readings[i]!.spliced ? count + hooks.length : 0)),
        ],
      ),
    ],
  };
}
