import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import type { RunConfig } from '../../config/run-config.ts';
import { compareHooks, type Hook, hookLabel } from '../../hook.ts';
import { canonicalJson } from '../../io/hash.ts';
import { parseDevices } from '../../onnx/devices.ts';
import { floatsOf, HeldTensor, runtimeBinding, runtimeVersion } from '../../onnx/session.ts';
import type { TrajectoryPoint } from '../../report/schema.ts';
import { percent, type Reporter, Stopped } from '../../reporter.ts';
import { isSynthetic } from '../../synthetic/layout.ts';
import { packingPosition } from '../../text/packing.ts';
import { chooseBackend, fallenBack } from '../../train/backends/choose.ts';
import {
  type CheckpointStore,
  checkpointStore,
  type ExtraFiles,
  type Parts,
} from '../../train/checkpoint.ts';
import type { SaePlan } from '../../train/sae-trainer.ts';
import { openTrainer, type Progress, type TrainedSae, type Trainer } from '../../train/trainer.ts';
import { type ResumeStamp, STAMP } from '../release/resume-stamp.ts';
import { openRunUpload } from '../release/run-upload.ts';
import { snapshot } from '../release/snapshots.ts';
import { fitRunModel } from '../shared/language-model.ts';
import { type ModelPlace, widthsOf } from '../shared/model-place.ts';
import { hooksOfPlans, trainedSaes, withWidths } from '../shared/planned-saes.ts';
import type { PublishedSae } from '../shared/published-saes.ts';
import { sharedText } from '../shared/sae-devices.ts';
import { RESULTS, type ShardOfRun, saesOfShard, shardRepository } from '../shared/shard.ts';
import type { Trained } from '../shared/trained-saes.ts';
import { openActivations } from '../training-data/activation-thread.ts';
import { type ActivationSource, type Made, sharingOf } from '../training-data/activations.ts';
import { type ActivationsPlace, fitsWhole, placeActivations } from '../training-data/activations-place.ts';
import type { Keeping } from '../training-data/kept-activations.ts';
import { startingWeights } from '../training-data/starting-weights.ts';
import { startOfEach } from '../training-data/starts.ts';
import { samplesBefore, type TrainingOf, trainingNeeds } from '../training-data/training-needs.ts';
import { openTrainingTokens, type TrainingTokens, tokensState } from '../training-data/training-tokens.ts';
import { type EventLog, openEventLog } from './event-log.ts';

/** What a checkpoint holds of the data: written by this stage, read back by resuming. */
const positionSchema = z.strictObject({ text: packingPosition.optional(), tokens: tokensState });

/**
 * Trains the run's SAEs from one stream of text: every forward pass of the language model up to the last hook feeds
 * all of them. A shard trains some of them, as the whole run would. State is saved every `training.checkpointTokens` and when it is asked to stop, and resumed from there.
 *
 * @throws Stopped when the user asked to stop, with the state saved
 */
export async function trainStage(
  run: {
    config: RunConfig;
    shard: ShardOfRun | null;
    /** SAEs whose weights it starts from. */
    from: readonly PublishedSae[];
    folder: string;
    model: ModelPlace;
    memory: number;
    /** Where activations are kept, if they are. */
    keeping?: (Omit<Keeping, 'stream'> & { model: string }) | undefined;
    /** Whether activations stay where they are computed, whatever the device and the settings: for tests. */
    hold?: boolean;
    /** What a checkpoint says of the run, after so many tokens. */
    stamp: (tokens: number) => ResumeStamp;
  },
  reporter: Reporter,
): Promise<Trained> {
  const { config } = run;
  const { training } = config;
  const all = trainedSaes(config);
  const planned = hooksOfPlans(all);
  const widths = await widthsOf(run.model, planned);
  const plans = withWidths(saesOfShard(all, run.shard), widths);
  const hooks = hooksOfPlans(plans);
  // A token of high norm at one hook is left out at all of them, so that all are looked at.
  const seen =
    training.policy.highNorm === 'keep'
      ? planned.filter((hook) => compareHooks(hook, hooks.at(-1)!) <= 0)
      : planned;
  const store = checkpointStore(join(run.folder, 'checkpoints'));
  const loaded = await store.load();
  for (const { folder, reason } of loaded?.damaged ?? []) {
    reporter.note(`checkpoint ${folder} is damaged (${reason}); going on from the one before it`);
  }
  const position = loaded === undefined ? undefined : positionSchema.parse(loaded.checkpoint.position);
  const devices = parseDevices(config.device);
  const { threads } = sharingOf(config.threads, devices);
  const { on, text: activations, needs } = await placeHere({ ...run, plans, seen, cuts: planned, widths });
  const { saes, host, places, sizes } = needs;
  if (activations !== null) reporter.note(`activations ${on === null ? 'pass' : 'stay'} ${activations}`);
  const shared = sharedText(
    plans.map(({ id }, i) => ({ id, bytes: sizes[i]! })),
    places,
  );
  if (shared !== null) reporter.note(shared);
  // What reads activations speaks in the training's line, and may do so before there is a trainer.
  const shown = {
    tokens: loaded?.checkpoint.state.saes.values().next().value?.tokens ?? 0,
    fields: {},
    show(more: Record<string, string> = {}): void {
      reporter.progress(Math.min(this.tokens, training.tokens), training.tokens, { ...this.fields, ...more });
    },
  };
  shown.show();
  const source = await openActivations(
    {
      config,
      hooks: seen,
      cuts: planned,
      place: run.model,
      folder: run.folder,
      memory: run.memory,
      saes,
      host,
      keeping: run.keeping && { ...run.keeping, stream: await streamOf(run, seen, planned) },
    },
    position?.text,
    { ...reporter, progress: ({ done, total }) => shown.show({ activations: percent(done, total) }) },
    on,
  );
  let tokens: TrainingTokens | undefined;
  let log: EventLog | undefined;
  const uploads = openRunUpload(
    {
      ...config,
      upload: shardRepository(config, run.shard),
      // Results of an earlier try are not those of this one.
      stale: run.shard === null ? [] : [`${RESULTS}/`],
    },
    run.folder,
    reporter.note,
  );
  try {
    const samples =
      loaded === undefined ? await firstActivations(samplesBefore(config), widths, seen, source) : undefined;
    tokens = await openTrainingTokens(
      {
        config,
        folder: run.folder,
        widths,
        hooks: hooks.map(hookLabel),
        source,
        on: on === null ? null : { device: on, ...(threads === undefined ? {} : { threads }) },
      },
      samples === undefined
        ? { state: position!.tokens, contents: loaded!.files, position: position!.text }
        : { samples },
    );
    const backends = new Map(
      [...new Set(places)].map((device) => [
        device,
        chooseBackend({
          choice: config.backend,
          device,
          ...(threads === undefined ? {} : { threads }),
          say: (line) => reporter.note(line),
        }),
      ]),
    );
    for (const note of new Set([...backends.values()].flatMap(({ notes }) => notes))) reporter.note(note);
    const fallen = fallenBack(
      { choice: config.backend, device: devices[0] },
      plans.map((plan) => plan.recipe),
    );
    if (fallen !== null) reporter.note(fallen);
    if (training.log === 'tensorboard') log = await openEventLog(run.folder, loggedPoints(plans, loaded));
    const trainer = await openTrainer(
      {
        backend: (plan) => backends.get(places[plans.indexOf(plan)]!)!,
        plans,
        logEverySteps: training.logSteps,
        onPoint: (id, point) => log?.add(id, point),
      },
      samples === undefined
        ? { resume: loaded!.checkpoint.state }
        : {
            samples,
            from: await startingWeights(
              plans,
              startOfEach(all, run.from),
              { samples, window: training.resampleTokens },
              { device: devices[0], ...(threads === undefined ? {} : { threads }) },
              reporter,
            ),
          },
    );
    const stream = tokens;
    const save = async (): Promise<void> => {
      const { position: text } = stream;
      const data = { ...(text === undefined ? {} : { text }), tokens: stream.state() };
      const checkpoint = { state: await trainer.state(), position: data };
      const stamp = Buffer.from(`${JSON.stringify(run.stamp(trainer.tokens), null, 1)}\n`);
      const files: ExtraFiles = new Map<string, Parts>([...stream.contents(), [STAMP, [stamp]]]);
      const generation = await store.save(checkpoint, files);
      if (uploads?.due(trainer.tokens)) await uploads.start(trainer.tokens, await trainer.saes(), generation);
    };
    try {
      let saved = trainer.tokens;
      while (trainer.tokens < training.tokens) {
        const batch = await nextBatch(stream, reporter);
        if (batch === 'stopped') {
          if (trainer.tokens > saved) await save();
          throw new Stopped(`stopped after ${trainer.tokens} tokens; the same command goes on from there`);
        }
        if (batch === null) {
          shown.show({ buffer: percent(stream.filled, 1) });
          continue;
        }
        shown.fields = fieldsOf(await trainer.step(batch));
        shown.tokens = trainer.tokens;
        await snapshot(config, run.folder, trainer);
        shown.show();
        if (trainer.tokens - saved >= training.checkpointTokens && trainer.tokens < training.tokens) {
          await save();
          saved = trainer.tokens;
        }
      }
      const saes = await finish(trainer, save);
      // The last step closes a trajectory whether it was one to log or not.
      for (const { plan, trajectory } of saes) log?.add(plan.id, trajectory.at(-1)!);
      return {
        saes,
        policy: stream.counts,
        brokenRows: stream.position?.mixture.broken ?? 0,
        activations,
      };
    } finally {
      await trainer.close();
    }
  } finally {
    await uploads?.close();
    await tokens?.close();
    log?.close();
    await source.close();
  }
}

/** Where activations are between the language model and the SAEs of this part of the run. */
async function placeHere(
  run: Pick<Parameters<typeof trainStage>[0], 'config' | 'model' | 'memory' | 'hold'> &
    TrainingOf & { cuts: readonly Hook[] },
): Promise<ActivationsPlace> {
  const { config, model, memory, cuts, seen } = run;
  const devices = parseDevices(config.device);
  if (run.hold !== undefined) {
    const on = run.hold ? devices[0] : null;
    const text = on === null ? 'through the host’s memory, as asked' : `on ${on}`;
    return { on, text, needs: trainingNeeds(config, run, devices, on) };
  }
  if (devices.every((device) => device === 'cpu') || isSynthetic(model.folder))
    return placeActivations(config, run, devices, null, await runtimeBinding());
  const where = { ...config, place: model, memory, hooks: seen, cuts, activationsOnly: true };
  return placeActivations(
    config,
    run,
    devices,
    fitsWhole((await fitRunModel(where)).share),
    await runtimeBinding(),
  );
}

/** All that the stream of activations follows from, but for its position. */
async function streamOf(
  { config, keeping }: { config: RunConfig; keeping?: { model: string } | undefined },
  hooks: readonly Hook[],
  cuts: readonly Hook[],
): Promise<string> {
  const { device, precision, threads, sae, training } = config;
  const { heldout: _heldout, heldoutSeed: _seed, ...corpus } = config.corpus;
  return canonicalJson([
    keeping?.model ?? null,
    corpus,
    [hooks, cuts].map((each) => each.map(hookLabel)),
    sae.batchTokens,
    training.activations.type,
    [device, precision, sharingOf(threads, parseDevices(device)).threads ?? availableParallelism()],
    await runtimeVersion(),
  ]);
}

/** What each SAE had logged when its state was saved; nothing in a new run. */
function loggedPoints(
  plans: readonly SaePlan[],
  loaded: Awaited<ReturnType<CheckpointStore['load']>>,
): Map<string, readonly TrajectoryPoint[]> {
  return new Map(plans.map(({ id }) => [id, loaded?.checkpoint.state.saes.get(id)?.trajectory ?? []]));
}

/** Stopped too where the stop is heard while activations are made. */
async function nextBatch(
  stream: TrainingTokens,
  reporter: Reporter,
): Promise<Awaited<ReturnType<TrainingTokens['next']>> | 'stopped'> {
  if (reporter.stopRequested()) return 'stopped';
  return stream.next().catch((error: unknown) => {
    if (error instanceof Stopped) return 'stopped';
    throw error;
  });
}

/** The last state is saved too: should the run end before its SAEs are written, they need no step again. */
async function finish(trainer: Trainer, save: () => Promise<void>): Promise<TrainedSae[]> {
  await save();
  return trainer.saes();
}

/**
 * The first activations of each hook, by its label [count, its width], for the starting point of b_dec; not trained on.
 */
export async function firstActivations(
  count: number,
  widths: ReadonlyMap<string, number>,
  hooks: readonly Hook[],
  source: ActivationSource<Made>,
): Promise<Map<string, Float32Array>> {
  const samples = new Map(
    hooks.map(hookLabel).map((hook) => [hook, new Float32Array(count * widths.get(hook)!)]),
  );
  for (let filled = 0; filled < count; ) {
    const { activations } = await source.next();
    let taken = 0;
    for (const [hook, made] of activations) {
      const x = made instanceof Float32Array ? made : floatsOf({ x: await made.read() }, 'x');
      if (made instanceof HeldTensor) made.dispose();
      const width = widths.get(hook)!;
      taken = Math.min(x.length / width, count - filled);
      samples.get(hook)!.set(x.subarray(0, taken * width), filled * width);
    }
    filled += taken;
  }
  return samples;
}

/** So many values fit a line of the terminal; of more, the least and the largest are shown. */
const SHOWN = 4;

/** One value per SAE, in their order. */
function fieldsOf(progress: readonly Progress[]): Record<string, string> {
  const field = (value: (one: Progress) => number | null | undefined, text: (value: number) => string) => {
    const values = progress.map(value);
    if (values.length <= SHOWN) return values.map((each) => (each == null ? '–' : text(each))).join(' ');
    const known = values.filter((each) => each != null);
    return known.length === 0 ? '–' : `${text(Math.min(...known))}…${text(Math.max(...known))}`;
  };
  return {
    loss: field(
      ({ loss }) => loss,
      (loss) => loss.toPrecision(2),
    ),
    var_exp: field(
      ({ var_exp }) => var_exp,
      (value) => value.toFixed(2),
    ),
    dead: field(({ dead }) => dead, String),
  };
}
