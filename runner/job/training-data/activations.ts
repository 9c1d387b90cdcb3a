/**
 * The stream that training reads: packed text run through the language model up to the last hook.
 */
import { availableParallelism } from 'node:os';
import type { CorpusSettings, MachineSettings } from '../../config/sections.ts';
import { type Hook, hookLabel } from '../../hook.ts';
import { knownTokens } from '../../lm/known-tokens.ts';
import type { TokenBatch } from '../../lm/language-model.ts';
import type { Observer } from '../../lm/observer.ts';
import { sweep } from '../../lm/sweep.ts';
import { type Device, parseDevices, providerOf } from '../../onnx/devices.ts';
import { type Reporter, Stopped, stageReporter, type Voice } from '../../reporter.ts';
import { isSynthetic } from '../../synthetic/layout.ts';
import { openSynthetic } from '../../synthetic/model.ts';
import type { PackingPosition } from '../../text/packing.ts';
import { loadTokenizer } from '../../text/tokenizer.ts';
import { openRunModel } from '../shared/language-model.ts';
import type { ModelPlace } from '../shared/model-place.ts';
import { batchOf } from '../shared/text.ts';
import type { ActivationSource } from './activation-source.ts';
import { type Keeping, keptActivations, rounded } from './kept-activations.ts';
import { sampleActivations } from './sample-activations.ts';
import { trainingRows } from './training-rows.ts';

export type { ActivationPass, ActivationSource, Made } from './activation-source.ts';

/** How a run shares the machine: threads of one operator for each of two threads of the program, or for the only one. */
export interface Sharing {
  overlap: boolean;
  threads: number | undefined;
}

/**
 * Of the CPU half the cores for the language model, half for the SAEs. CUDA is used from two threads as well, so that a card computes
 * activations while the host sees to those before, and another card's steps go on beside; of the other devices the runtime has one queue
 * for all threads, and they are used from one.
 */
export function sharingOf(
  threads: number | null,
  devices: readonly Device[],
  cores = availableParallelism(),
): Sharing {
  const overlap = devices.every((device) => ['cpu', 'cuda'].includes(providerOf(device))) && cores > 1;
  if (threads !== null) return { overlap, threads };
  const onCpu = devices.every((device) => device === 'cpu');
  return { overlap, threads: overlap && onCpu ? Math.floor(cores / 2) : undefined };
}

/** What the stream is made from. */
export interface ActivationRun {
  config: MachineSettings & {
    corpus: CorpusSettings;
    sae: { batchTokens: number };
    training: { tokens: number; activations: { type: 'float32' | 'bfloat16' } };
  };
  hooks: readonly Hook[];
  /** Further places at which the language model is cut. */
  cuts?: readonly Hook[];
  place: ModelPlace;
  /** The run's folder. */
  folder: string;
  /** Bytes the run may use. */
  memory: number;
  /** Bytes of them that the SAEs in training hold, and what else the host holds meanwhile. */
  saes: number;
  host?: number | undefined;
  /** Where what is made is kept, and read where it was kept before. */
  keeping?: Keeping | undefined;
}

/** Passes made in one sweep at most, where segments are loaded in turn: beyond that loading hardly counts any more. */
const PASSES_TOGETHER = 256;

export function passesTogether({
  sae,
  training,
}: Pick<ActivationRun['config'], 'sae'> & { training: { tokens: number } }): number {
  return Math.min(PASSES_TOGETHER, Math.ceil(training.tokens / sae.batchTokens));
}

/**
 * The stream in this thread: read where it was kept, else made.
 *
 * @param from where an earlier run's text stood; the start for a new one
 * @throws UserError, MalformedError or UnavailableError as opening the language model does, which waits for the first pass
 *   that is not kept
 */
export async function openActivationsHere(
  run: ActivationRun,
  from: PackingPosition | undefined,
  voice: Voice,
): Promise<ActivationSource> {
  const type = run.config.training.activations.type === 'bfloat16' ? 'BF16' : 'F32';
  const make = (position: PackingPosition | undefined) => makeActivations(run, position, voice);
  if (run.keeping !== undefined) return keptActivations(run.keeping, type, from, make, voice);
  const source = await make(from);
  return {
    next: async () => rounded(await source.next(), type),
    close: () => source.close(),
  };
}

/**
 * The stream made in this thread. Where the language model is larger than memory, many passes are made in one sweep
 * through its segments up to the last hook, and wait in the store until they are asked for.
 *
 * @param from where an earlier run's text stood; the start for a new one
 * @param voice hears how far such a sweep is; a resident model is quick enough to say nothing
 * @throws UserError, MalformedError or UnavailableError as opening the language model does
 */
async function makeActivations(
  run: ActivationRun,
  from: PackingPosition | undefined,
  voice: Voice,
): Promise<ActivationSource> {
  const { config, place } = run;
  if (isSynthetic(place.folder))
    return sampleActivations(config, await openSynthetic(place.folder), from, voice);
  const { opened, nextBatch, stopWhenAsked, close } = await openReading(run, from, voice);
  const { model, store } = opened;
  const { rowTokens } = config.corpus;
  const { batchTokens } = config.sae;
  const reporter = stageReporter('activations', 'tokens', voice);
  const passes = passesTogether(config);
  const shape = { rows: batchTokens / rowTokens, tokens: rowTokens };
  // A residual waits at each hook, and one between two segments.
  const together = await opened.together(Array<typeof shape>(passes).fill(shape), model.hooks.length);
  const ready: { index: number; position: PackingPosition }[] = [];
  const key = (index: number, hook: number): string => `pass-${index}-${hook}`;

  if (!model.resident) opened.noteTurns(reporter, together);

  async function makePasses(): Promise<void> {
    const total = together * batchTokens;
    const progress: Reporter['progress'] = (done) => {
      if (!model.resident) reporter.progress(done, total);
    };
    progress(0, total);
    const made: { batch: TokenBatch; position: PackingPosition }[] = [];
    while (made.length < together) made.push(await nextBatch());
    const observer: Observer = {
      async see({ hook, index, residual }) {
        await store.put(key(index, hook), residual);
        return [];
      },
    };
    await sweep(
      model,
      made.map(({ batch }) => batch),
      [observer],
      {
        reporter: { ...reporter, progress },
        together,
        store,
      },
    );
    ready.push(...made.map(({ position }, index) => ({ index, position })));
  }

  return {
    async next() {
      stopWhenAsked();
      if (ready.length === 0) await makePasses();
      const { index, position } = ready.shift()!;
      const activations = new Map<string, Float32Array>();
      for (const [number, hook] of model.hooks.entries())
        activations.set(hookLabel(hook), await store.take(key(index, number)));
      return { activations, position };
    },
    close,
  };
}

/** The language model, and batches of the packed text that it is given. */
export async function openReading(run: ActivationRun, from: PackingPosition | undefined, voice: Voice) {
  const { config, place } = run;
  const { rowTokens } = config.corpus;
  const { batchTokens } = config.sae;
  const { threads } = sharingOf(config.threads, parseDevices(config.device));
  const loaded = await loadTokenizer(place.folder);
  const opened = await openRunModel({
    ...config,
    ...run,
    maxTokens: rowTokens,
    activationsOnly: true,
    positions: batchTokens,
    threads,
  });
  const tokenizer = knownTokens(loaded, opened.model.vocabulary);
  const rows = trainingRows(config.corpus, config.training.tokens, tokenizer, from);

  function stopWhenAsked(): void {
    if (voice.stopRequested()) throw new Stopped();
  }

  async function nextBatch(): Promise<{ batch: TokenBatch; position: PackingPosition }> {
    const taken: Int32Array[] = [];
    for (;;) {
      stopWhenAsked();
      const { value, done } = await rows.next();
      if (done) throw new RangeError('the training text ended');
      taken.push(value.row);
      if (taken.length * rowTokens >= batchTokens) return { batch: batchOf(taken), position: value.position };
    }
  }

  return {
    opened,
    nextBatch,
    stopWhenAsked,
    async close(): Promise<void> {
      await rows.return(undefined);
      await opened.close();
    },
  };
}
