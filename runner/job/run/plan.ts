/** What a run will take, before anything of it is done: from its settings and the checkpoint's headers. */
import type { SaeSettings, SuitesSettings } from '../../config/sections.ts';
import { trainedHooks } from '../../config/trained-hooks.ts';
import { PROBE_BATCH_TOKENS } from '../../evaluation/probe-pass.ts';
import { type Hook, orderedHooks } from '../../hook.ts';
import type { Checkpoint } from '../../lm/checkpoint.ts';
import { familyOf } from '../../lm/families/index.ts';
import { shareMemory, WAITING_SHARE } from '../../lm/memory.ts';
import { bytesOf, partsOf } from '../../lm/parts.ts';
import { type PlacedSegment, placementOf } from '../../lm/placement.ts';
import { choosePrecision, type PrecisionChoice } from '../../lm/precision.ts';
import { parseDevices } from '../../onnx/devices.ts';
import type { Precision } from '../../onnx/graph.ts';
import type { Suite } from '../../suites/suite.ts';
import { applies } from '../../train/architectures/index.ts';
import { trainingMemory } from '../../train/device-memory.ts';
import { CORE_BATCH_TOKENS } from '../evaluation/heldout-text.ts';
import { pooledBytes, readingsOf } from '../evaluation/pooled-memory.ts';
import { trainedSaes } from '../shared/planned-saes.ts';
import { STATES_HELD } from './train-stage.ts';
import { type TextWork, workOf } from './work.ts';

/** A stage of the run: `training` goes up to the last hook alone, `evaluation` through the whole model. */
export interface PlannedStage {
  stage: 'training' | 'evaluation';
  resident: boolean;
  segments: readonly PlacedSegment[];
  /** Bytes: of a batch on its way, the SAEs and the program; of the weights held at a time; of residuals that wait. */
  memory: { working: number; weights: number; waiting: number };
  /** Bytes on one device, where devices have memory of their own and how much is known. */
  device: DeviceNeeds | null;
  /** Bytes of residuals that wait on disk at a time, when all text is swept together. */
  disk: number;
  tokens: number;
  /** Floating-point operations. */
  operations: number;
}

/** Where SAEs are computed, which is the first of several devices. */
export interface DeviceNeeds {
  available: number;
  /** Of the language model's weights, those of the device with most. */
  weights: number;
  /** Of SAEs: the optimiser's states, and in evaluation the weights. */
  states: number;
  /** Of one training step beside the states. */
  step: number;
  /** Of a batch on its way through a segment, and of the runtime. */
  batch: number;
}

/** Text that goes through the language model. */
interface PlannedText {
  tokens: number;
  /** Tokens that may wait between segments at a time, each with so many branches beside it. */
  together: number;
  branches: number;
  /** Floating-point operations per token. */
  operations: number;
}

export interface RunPlan {
  family: string;
  blocks: number;
  dModel: number;
  parameters: number;
  precision: Precision;
  /** Of the weights in that precision. */
  weights: number;
  /** Of the weights as the files have them. */
  stored: number;
  stages: readonly PlannedStage[];
}

/**
 * @param memory bytes the run may use
 * @param others hooks of SAEs of others, as far as they are known
 * @param card bytes of each device, where it has memory of its own; null: not known
 * @throws UserError for a family or hook that is not there, or when the memory does not hold the largest part
 */
export function planOf(
  config: SaeSettings &
    SuitesSettings & { device: string; precision: PrecisionChoice; training: { tokens: number } },
  suites: readonly Suite[],
  checkpoint: Checkpoint,
  memory: number,
  { others = [], card = null }: { others?: readonly Hook[]; card?: number | null } = {},
): RunPlan {
  const family = familyOf(checkpoint);
  const devices = parseDevices(config.device);
  const precision = choosePrecision(config.precision, devices, checkpoint);
  const parts = partsOf(checkpoint, family, precision);
  const own = config.train || others.length === 0 ? trainedHooks(config) : [];
  const hooks = orderedHooks([...own, ...others]);
  const layers = [...new Set(hooks.map(({ layer }) => layer))];
  const ends = { embedding: true, head: true };
  const weights = bytesOf(parts, { first: 0, last: family.blocks - 1, ...ends });
  const read = new Set([parts.embedding, ...parts.blocks, parts.head].flatMap((part) => [...part.keys()]));
  const stored = [...read].reduce((sum, name) => {
    const place = checkpoint.tensors.get(name)!;
    return sum + place.end - place.start;
  }, 0);
  const saes = trainedSaes(config).map(({ hook, recipe }) => ({
    layer: hook.layer,
    n: recipe.dSae,
    k: applies('k', recipe.architecture) ? recipe.k : null,
  }));
  const d = family.dModel;
  const saeBytes = saes.reduce((sum, { n }) => sum + 4 * 2 * d * n, 0);
  const { batchTokens } = config.sae;

  // SAEs of others are not counted: how large they are is known when they are located.
  const stageOf = (
    stage: PlannedStage['stage'],
    needs: { positions: number; saes: number; divergence: boolean; step: number },
    texts: readonly PlannedText[],
  ): PlannedStage => {
    const sum = (read: (text: PlannedText) => number): number =>
      texts.reduce((total, text) => total + read(text), 0);
    const activationsOnly = stage === 'training';
    const held = activationsOnly
      ? bytesOf(parts, { first: 0, last: hooks.at(-1)!.layer, embedding: true, head: false })
      : weights;
    const shares = shareMemory(
      card ?? memory,
      {
        family,
        weights: held,
        positions: needs.positions,
        saes: needs.saes + needs.step,
        ...(activationsOnly ? {} : { hooks }),
        head: card === null || !activationsOnly,
      },
      card === null ? undefined : `memory of ${config.device}`,
    );
    const { segments, resident } = placementOf(parts, {
      hooks,
      devices,
      memory: shares.weights,
      divergence: needs.divergence,
      activationsOnly,
    });
    const used = activationsOnly
      ? segments.slice(0, segments.findLastIndex(({ hook }) => hook !== null) + 1)
      : segments;
    const most = (of: readonly PlacedSegment[]): number =>
      resident
        ? Math.max(
            ...devices.map((device) =>
              of.reduce((sum, segment) => sum + (segment.device === device ? segment.bytes : 0), 0),
            ),
          )
        : Math.max(...of.map(({ bytes }) => bytes));
    const waitingShare = card === null ? shares.waiting : Math.floor(WAITING_SHARE * memory);
    const waiting = resident ? 0 : 4 * d * sum(({ together, branches }) => together * (1 + branches));
    return {
      stage,
      resident,
      segments: used,
      memory: {
        working: shares.working,
        weights: resident ? held : Math.max(...used.map(({ bytes }) => bytes)),
        waiting: resident ? shares.beside : Math.min(waiting, waitingShare),
      },
      device:
        card === null
          ? null
          : {
              available: card,
              weights: most(used),
              states: needs.saes,
              step: needs.step,
              batch: shares.working - needs.saes - needs.step,
            },
      disk: Math.max(0, waiting - waitingShare),
      tokens: sum(({ tokens }) => tokens),
      operations: sum(({ tokens, operations }) => tokens * operations),
    };
  };

  const { training } = config;
  const readings = readingsOf(config, suites);
  const spliced = readings.some((reading) => reading.spliced);
  const work = workOf(config, suites, parts, family);
  const planned = saes.map(({ layer, n }) => ({ layer, d_sae: n, trained: true }));
  const operations = (text: TextWork): number =>
    text.pass(layers) + planned.reduce((sum, sae) => sum + text.sae(sae), 0);
  const text = (each: TextWork, branches: number): PlannedText => ({
    tokens: each.tokens,
    together: each.tokens,
    branches,
    operations: operations(each),
  });
  const { states, step } = trainingMemory(trainedSaes(config).map(({ recipe }) => ({ d_in: d, recipe })));
  const inTraining = card === null ? { saes: STATES_HELD * saeBytes, step: 0 } : { saes: states, step };
  const passes = Math.min(256, Math.ceil(training.tokens / batchTokens)) * batchTokens;
  return {
    family: family.name,
    blocks: family.blocks,
    dModel: d,
    parameters: weights / (precision === 'float32' ? 4 : 2),
    precision,
    weights,
    stored,
    stages: [
      ...(config.train
        ? [
            stageOf('training', { positions: batchTokens, ...inTraining, divergence: false }, [
              {
                tokens: training.tokens,
                together: passes,
                branches: hooks.length,
                operations: operations(work.training),
              },
            ]),
          ]
        : []),
      stageOf(
        'evaluation',
        {
          positions: Math.max(batchTokens, PROBE_BATCH_TOKENS, spliced ? CORE_BATCH_TOKENS : 0),
          saes:
            saeBytes +
            pooledBytes(
              config,
              suites,
              saes.map(({ n, k }) => ({ d_in: d, d_sae: n, k })),
            ),
          divergence: spliced,
          step: 0,
        },
        [
          text(work.evaluation, saes.length),
          // As long as they may be.
          ...work.readings.map((each, i) =>
            text(each, readings[i]!.spliced ? saes.length + hooks.length : 0),
          ),
        ],
      ),
    ],
  };
}
