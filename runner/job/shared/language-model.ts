/** The run's language model, opened within the memory the run may use. */
import { rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { MachineSettings } from '../../config/sections.ts';
import type { HookLike } from '../../hook.ts';
import { formatBytes } from '../../io/bytes.ts';
import { type Checkpoint, openCheckpoint } from '../../lm/checkpoint.ts';
import { checkpointNotes } from '../../lm/checkpoint-notes.ts';
import type { Family } from '../../lm/families/family.ts';
import { familyOf } from '../../lm/families/index.ts';
import { type Fit, fitModel, type NeedsBeside } from '../../lm/fit.ts';
import { tokensBeyond } from '../../lm/known-tokens.ts';
import type { ActivationModel, LanguageModel, TokenBatch } from '../../lm/language-model.ts';
import { openLanguageModel } from '../../lm/open-language-model.ts';
import { partsOf } from '../../lm/parts.ts';
import { choosePrecision } from '../../lm/precision.ts';
import { openReadout, type Readout } from '../../lm/readout.ts';
import { memoryStore, type ResidualStore } from '../../lm/residual-store.ts';
import { spillStore } from '../../lm/spill-store.ts';
import type { SweepOptions } from '../../lm/sweep.ts';
import { freeMemory } from '../../onnx/device-facts.ts';
import { type Device, parseDevices } from '../../onnx/devices.ts';
import type { Precision } from '../../onnx/graph.ts';
import type { Reporter } from '../../reporter.ts';
import { isSynthetic, readSynthetic } from '../../synthetic/layout.ts';
import { openSynthetic, type SyntheticModel } from '../../synthetic/model.ts';
import { loadTokenizer } from '../../text/tokenizer.ts';
import type { ModelPlace } from './model-place.ts';

export interface RunModelOptions
  extends Pick<MachineSettings, 'device' | 'precision' | 'spill'>,
    NeedsBeside {
  place: ModelPlace;
  hooks: readonly HookLike[];
  /** Further places at which it is cut. */
  cuts?: readonly HookLike[];
  /** The run's folder, which residuals spill into. */
  folder: string;
  /** Bytes the run may use. */
  memory: number;
  maxTokens: number;
  /** Models that share what is free of a card, this one and those that are opened after it; default 1. */
  sharing?: number;
  /** Of one operator; left to onnxruntime without them. */
  threads?: number | null | undefined;
  /** Whether residuals up to the last hook alone are asked for. */
  activationsOnly?: boolean;
  /** Whether KL divergences are asked for. */
  divergence?: boolean;
}

export interface RunModel<Model extends ActivationModel = LanguageModel> {
  model: Model;
  /** Where residuals wait between segments. */
  store: ResidualStore;
  /**
   * How many batches to take through all segments together: one where the model is resident; else as many as half of
   * the free disk holds.
   *
   * @param branches most residuals that go on beside the clean one (see residual-store.ts)
   */
  together(batches: readonly Pick<TokenBatch, 'rows' | 'tokens'>[], branches: number): Promise<number>;
  /** Options of a sweep over these batches. */
  sweeping(reporter: Reporter, batches: readonly TokenBatch[], branches: number): Promise<SweepOptions>;
  /** Opens the head for directions of the residual, apart from the segments. @param most tokens at each end */
  openReadout(most: number): Promise<Readout>;
  /** Says that segments are loaded in turn, for so many batches each time. */
  noteTurns(reporter: Reporter, batches: number): void;
  close(): Promise<void>;
}

/** Where a run's residuals spill to; what a killed process left there is removed at the next start. */
const SPILL = 'spill';

export async function removeSpilled(folder: string): Promise<void> {
  await rm(join(folder, SPILL), { recursive: true, force: true });
}

/** What to say of a run's model and its tokenizer before anything is computed. */
export async function modelNotes({ folder }: ModelPlace): Promise<readonly string[]> {
  if (isSynthetic(folder)) return (await readSynthetic(folder)).notes;
  const checkpoint = await openCheckpoint(folder);
  const family = familyOf(checkpoint);
  const beyond = tokensBeyond(await loadTokenizer(folder), family.vocabulary);
  return [...checkpointNotes(checkpoint, family), ...(beyond === null ? [] : [beyond])];
}

/** A synthetic model, which is held whole. @throws MalformedError, UnavailableError as reading it does */
export async function openRunSamples({ folder }: ModelPlace): Promise<RunModel<SyntheticModel>> {
  const model = await openSynthetic(folder);
  return {
    model,
    store: memoryStore(),
    together: async () => 1,
    async openReadout() {
      throw new TypeError('a synthetic model has no head');
    },
    sweeping: async (reporter) => ({ reporter }),
    noteTurns: () => undefined,
    close: () => model.close(),
  };
}

export interface RunFit {
  checkpoint: Checkpoint;
  family: Family;
  devices: readonly [Device, ...Device[]];
  precision: Precision;
  /** @throws UserError when the memory does not hold the largest part of the model and a batch */
  share(needs: NeedsBeside): Fit;
}

type FitOfRun = Pick<
  RunModelOptions,
  | 'place'
  | 'device'
  | 'precision'
  | 'hooks'
  | 'cuts'
  | 'memory'
  | 'sharing'
  | 'activationsOnly'
  | 'divergence'
>;

/** How the run's language model and what is beside it share memory. */
export async function fitRunModel(options: FitOfRun): Promise<RunFit> {
  const { activationsOnly = false, sharing = 1 } = options;
  const checkpoint = await openCheckpoint(options.place.folder);
  const family = familyOf(checkpoint);
  const devices = parseDevices(options.device);
  const precision = choosePrecision(options.precision, devices, checkpoint);
  const parts = partsOf(checkpoint, family, precision);
  // Of a card its own memory; residuals that wait lie on the host in any case.
  const free = await freeMemory(devices);
  const card = free === null ? null : Math.floor(free / sharing);
  return {
    checkpoint,
    family,
    devices,
    precision,
    share: (needs) => fitModel(parts, family, { ...options, ...needs, devices, card, activationsOnly }),
  };
}

/**
 * @throws UserError when the memory does not hold the largest part of the model and a batch
 * @throws UserError, MalformedError or UnavailableError as opening the language model does
 */
export async function openRunModel(options: RunModelOptions): Promise<RunModel> {
  const { threads, activationsOnly = false } = options;
  const { checkpoint, family, devices, precision, share } = await fitRunModel(options);
  const { shares, waiting, widest } = share(options);
  const model = await openLanguageModel(checkpoint, {
    hooks: options.hooks,
    ...(options.cuts === undefined ? {} : { cuts: options.cuts }),
    device: devices,
    precision,
    maxTokens: options.maxTokens,
    ...(shares.weights === undefined ? {} : { memory: shares.weights }),
    ...(threads == null ? {} : { threads }),
    ...(options.divergence ? { divergence: true } : {}),
    activationsOnly,
  });
  const type = options.spill === 'bfloat16' ? 'BF16' : 'F32';
  const folder = join(options.folder, SPILL);
  const store = model.resident
    ? memoryStore()
    : await spillStore({ folder, memory: waiting, type }).catch(async (error: unknown) => {
        await model.close();
        throw error;
      });

  async function together(
    batches: readonly Pick<TokenBatch, 'rows' | 'tokens'>[],
    branches: number,
  ): Promise<number> {
    if (model.resident) return 1;
    const { bavail, bsize } = await statfs(options.folder);
    const bytes = type === 'BF16' ? 2 : 4;
    const each = Math.max(
      ...batches.map(({ rows, tokens }) => bytes * rows * tokens * widest * (1 + branches)),
    );
    return Math.max(1, Math.min(batches.length, Math.floor((waiting + (bavail * bsize) / 2) / each)));
  }

  function noteTurns(reporter: Reporter, batches: number): void {
    const largest = Math.max(...model.segments.map((segment) => segment.bytes));
    reporter.note(
      `the language model is larger than the memory given: ${model.segments.length} segments of at most ${formatBytes(largest)} are loaded in turn, ${batches} batches each time`,
    );
  }

  return {
    model,
    store,
    together,
    noteTurns,
    openReadout: (most) =>
      openReadout(checkpoint, family, {
        most,
        device: devices.at(-1)!,
        ...(threads == null ? {} : { threads }),
      }),
    async sweeping(reporter, batches, branches) {
      const count = await together(batches, branches);
      if (!model.resident) noteTurns(reporter, count);
      return { reporter, together: count, store, beside: shares.beside };
    },
    async close() {
      await store.close();
      await model.close();
    },
  };
}
