/** The job: train, evaluate, write everything the run's folder holds. Each stage begins where an earlier try ended. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { loadSuites } from '../../config/own-suites.ts';
import { suitesOf } from '../../config/run-config.ts';
import { trainedHooks } from '../../config/trained-hooks.ts';
import { hooksOfPlace, orderedHooks } from '../../hook.ts';
import { writeExports } from '../../report/exports.ts';
import { type FeatureFiles, writeFeatures } from '../../report/feature-files.ts';
import { FEATURES } from '../../report/feature-places.ts';
import { removeOthers, writeRunRecords } from '../../report/run-records.ts';
import type { EvaluationRecord } from '../../report/schema.ts';
import { SIMILARITY_FILE } from '../../report/similarity.ts';
import { type Reporter, Stopped, stageReporter, type Voice } from '../../reporter.ts';
import { encodingOf } from '../../sae/content-hash.ts';
import { storedSha256 } from '../../sae/stored-sae.ts';
import type { Suite } from '../../suites/suite.ts';
import { isSynthetic } from '../../synthetic/layout.ts';
import { isSyntheticModel } from '../../synthetic/model.ts';
import { loadTokenizer } from '../../text/tokenizer.ts';
import { checkpointStore } from '../../train/checkpoint.ts';
import { checkStart } from '../evaluation/check-start.ts';
import { evaluateStage } from '../evaluation/evaluate-stage.ts';
import { type FiredLatents, forgetFired, readFired, writeFired } from '../evaluation/fired-latents.ts';
import { type MeasuringRun, recordOf } from '../evaluation/record.ts';
import { selfTests, type Tested } from '../evaluation/self-test-stage.ts';
import { similarityStage } from '../evaluation/similarity-stage.ts';
import { validateStage } from '../evaluation/validate-stage.ts';
import { type ResumeStamp, stampOf } from '../release/resume-stamp.ts';
import { uploadRelease } from '../release/run-upload.ts';
import { modelNotes, removeSpilled } from '../shared/language-model.ts';
import { widthsOf } from '../shared/model-place.ts';
import { openPlannedSae, type PlannedSae, plannedSaes } from '../shared/planned-saes.ts';
import { saesOfShard } from '../shared/shard.ts';
import { writeTrained } from '../shared/trained-saes.ts';
import { checkTrainingText } from '../training-data/check-text.ts';
import { aloneAmong, crossLayerRecord, type PublishedAlone } from './cross-layer-record.ts';
import { crosscoderRecord } from './crosscoder-record.ts';
import { keepingOf, openCachedResults } from './kept-results.ts';
import type { RunStart } from './messages.ts';
import { type OpenedRun, type StartedRun, withSaes } from './opened-run.ts';
import { forgetTraining } from './resumed-state.ts';
import { RUN_SCHEMA, type RunState, writeState } from './run-folder.ts';
import { trainStage } from './train-stage.ts';

/**
 * @throws Stopped when the user asked to stop; the state is saved
 */
export async function runJob(asked: RunStart, voice: Voice): Promise<void> {
  const own = await loadSuites(asked.suiteFiles);
  const all = [...suitesOf(asked.config), ...own.map(({ suite }) => suite)];
  const { kind, suites, leftOut } = suitesFor(asked.model, all);
  const planned = plannedSaes(asked.config, asked.published);
  const cuts = orderedHooks(planned.flatMap(hooksOfPlace));
  const start: StartedRun = { ...asked, suites, leftOut, cuts };
  const { config, folder, identity } = start;
  if (leftOut.length > 0)
    voice.note(`left out on a ${kind} model: ${leftOut.map(({ suite }) => suite).join(', ')}`);
  const reporter = (stage: string, unit: string) => stageReporter(stage, unit, voice);
  const state: RunState = start.found ?? {
    schema: RUN_SCHEMA,
    identity,
    config,
    stage: 'training',
    started: new Date().toISOString(),
    ...(start.shard === null ? {} : { shard: { ...start.shard, saes: [...start.shard.saes] } }),
    ...(start.fresh ? { fresh: true } : {}),
    seconds: { training: 0, evaluating: 0 },
  };
  /** Adds the time since `since` to a stage and saves the state, whether the stage ended or was cut off. */
  const save: Save = async (stage, since) => {
    state.seconds[stage] += (performance.now() - since) / 1000;
    await writeState(folder, state);
  };
  const saes = saesOfShard(planned, start.shard);
  const trains = config.train && saes.some(({ origin }) => origin.kind === 'trained');
  // What the evaluation would fail of should be known before hours of training, and leave nothing behind.
  const checks = trains && state.stage === 'training' && state.checked !== identity.evaluated;
  const checking = checks && kind === 'language' ? reporter('checking', 'suites') : null;
  checking?.progress(0, suites.length);
  await removeSpilled(folder);
  for (const note of await modelNotes(start.model)) voice.note(note);
  if (state.stage === 'training') {
    const since = performance.now();
    const checkpoints = checkpointStore(join(folder, 'checkpoints'));
    let nothing = false;
    if (trains) {
      if (checking !== null) {
        const reading = reporter('text', 'tokens');
        const tokenizer = await loadTokenizer(start.model.folder);
        await checkTrainingText(
          config,
          tokenizer,
          await widthsOf(start.model, trainedHooks(config)),
          reading,
        );
        await checkStart(config, suites, start.model, reading, (done) =>
          checking.progress(done, suites.length),
        );
      }
      state.checked = identity.evaluated;
      await withSaes(start, saes.filter(isPublished), reporter, (run) => tested(run, reporter));
    }
    await writeState(folder, state);
    try {
      if (trains) {
        const stamped = stampOf(config, identity, state.started);
        const seconds = (): number => state.seconds.training + (performance.now() - since) / 1000;
        const stamp = (tokens: number): ResumeStamp => ({ ...stamped, tokens, seconds: seconds() });
        const trained = await trainStage(
          {
            config,
            shard: start.shard,
            from: start.from,
            folder,
            model: start.model,
            memory: start.memory,
            keeping: await keepingOf(start, voice),
            stamp,
          },
          reporter('training', 'tokens'),
        );
        await writeTrained(folder, config.model.id, trained);
      }
      state.stage = 'evaluating';
    } catch (error) {
      // Refused before anything was trained: the folder is as if it had not been asked for.
      if (!(error instanceof Stopped) && (await checkpoints.isEmpty())) nothing = true;
      throw error;
    } finally {
      if (nothing) await forgetTraining(folder);
      else await save('training', since);
    }
    // The SAEs are written: what resuming needed is not needed any more.
    await rm(join(folder, 'checkpoints'), { recursive: true, force: true });
  }
  if (state.stage === 'evaluating') {
    await evaluateAndWrite(start, state, saes, reporter, save);
  }
  if (state.stage === 'comparing') {
    await compareDecoders(start, state, saes, reporter, save);
  }
  // A shard is sent when it ended, by whoever started it: it is no release.
  if (state.stage === 'releasing' && start.shard === null) {
    await uploadRelease(config, folder, saes, voice);
    state.stage = 'done';
    await writeState(folder, state);
  }
}

type Save = (stage: 'training' | 'evaluating', since: number) => Promise<void>;

async function evaluateAndWrite(
  start: StartedRun,
  state: RunState,
  saes: readonly PlannedSae[],
  reporter: (stage: string, unit: string) => Reporter,
  save: Save,
): Promise<void> {
  const { config, folder } = start;
  const since = performance.now();
  // From here on the records are of these settings.
  await writeState(folder, state);
  try {
    const alone = aloneAmong(saes);
    const measured: Measured | undefined =
      alone === null
        ? await withSaes(start, saes, reporter, async (run) => ({
            ...(await evaluateRun(run, state, reporter, since)),
            validation: await validateStage({ config, ...run }, reporter('validation', 'tokens')),
          }))
        : await measureAlone(start, state, alone, reporter, since);
    const records = measured?.records ?? [];
    await writeRunRecords(
      folder,
      records.map(({ record }) => record),
    );
    await writeFeatures(
      join(folder, FEATURES),
      new Map(
        records.flatMap(({ record, evidence }) => (evidence === undefined ? [] : [[record.id, evidence]])),
      ),
    );
    const written = await writeExports(folder, config.name, records, measured?.validation);
    await removeOthers(folder, /^(?:interpscore_.*|val_report)\.json$/, written);
    // What was compared before was compared of other latents.
    await rm(join(folder, SIMILARITY_FILE), { force: true });
    if (measured?.fired === undefined) state.stage = afterEvaluation(config);
    else {
      await writeFired(folder, measured.fired);
      state.stage = 'comparing';
    }
  } finally {
    await save('evaluating', since);
  }
}

interface Measured {
  records: MeasuredSae[];
  /** Left out of what is alone in its run, as are figures of a validation. */
  fired?: FiredLatents;
  validation?: Awaited<ReturnType<typeof validateStage>>;
}

async function measureAlone(
  start: StartedRun,
  state: RunState,
  alone: PublishedAlone,
  reporter: (stage: string, unit: string) => Reporter,
  since: number,
): Promise<Measured> {
  const run = { ...start, measuring: measuringRun(start, state) };
  const seconds = (): number => secondsUntilNow(state, since);
  const measure = alone.published.places === undefined ? crossLayerRecord : crosscoderRecord;
  const record = await measure(run, alone, seconds, reporter);
  return { records: [{ id: alone.planned.id, record, evidence: undefined }] };
}

function afterEvaluation({ upload }: StartedRun['config']): RunState['stage'] {
  return upload.repository === null ? 'done' : 'releasing';
}

async function compareDecoders(
  start: StartedRun,
  state: RunState,
  saes: readonly PlannedSae[],
  reporter: (stage: string, unit: string) => Reporter,
  save: Save,
): Promise<void> {
  const since = performance.now();
  try {
    const { config, folder, shard } = start;
    await similarityStage(
      { config, folder, fired: await readFired(folder) },
      saes.map((sae) => ({ ...sae, open: () => openPlannedSae(folder, sae) })),
      reporter('similarity', 'GFLOP'),
    );
    // A shard's SAEs meet those of the others when they are merged.
    if (shard === null) await forgetFired(folder);
    state.stage = afterEvaluation(start.config);
  } finally {
    await save('evaluating', since);
  }
}

interface MeasuredSae {
  id: string;
  record: EvaluationRecord;
  /** Evidence of its latents, where that was asked for. */
  evidence: FeatureFiles | undefined;
}

function isPublished({ origin }: PlannedSae): boolean {
  return origin.kind === 'published';
}

/** The suites that this kind of model can be asked, and those that it cannot. */
function suitesFor({ folder }: RunStart['model'], all: readonly Suite[]) {
  const [kind, has] = isSynthetic(folder)
    ? (['synthetic', 'truth'] as const)
    : (['language', 'text'] as const);
  const reason =
    kind === 'synthetic' ? 'a synthetic model has no text' : 'of a language model no true features are known';
  return {
    kind,
    suites: all.filter(({ needs }) => needs === has),
    leftOut: all
      .filter(({ needs }) => needs !== has)
      .map(({ declaration: { id } }) => ({ suite: id, data: 'all', reason })),
  };
}

/** Tries the SAEs of others on activations of their hooks. */
async function tested(
  { start: { config }, opened, device, text, saes }: OpenedRun,
  reporter: (stage: string, unit: string) => Reporter,
): Promise<Map<string, Tested>> {
  // Norms of samples vary freely, so that an SAE that is given them back fits better, however it was trained.
  if (isSyntheticModel(opened.model)) return new Map();
  // Light checkpoints are this program's own, and at the start of training fit nothing well in any reading.
  const others = saes.filter(
    ({ planned: { origin } }) => origin.kind === 'published' && origin.sae.place.light === undefined,
  );
  const threads = config.threads === null ? {} : { threads: config.threads };
  return selfTests(opened.model, text.batches, others, { device, ...threads }, reporter('self-test', 'SAEs'));
}

async function evaluateRun(
  run: OpenedRun,
  state: RunState,
  reporter: (stage: string, unit: string) => Reporter,
  since: number,
): Promise<{ records: MeasuredSae[]; fired: FiredLatents }> {
  const { start, opened, device, tokenizer, text } = run;
  const { config } = start;
  const saes = [];
  for (const each of run.saes) saes.push({ ...each, sha256: await storedSha256(each.file.sae) });
  const tests = await tested(run, reporter);
  const cached = await openCachedResults(start);
  const { evaluated, ...data } = await evaluateStage(
    { config, device, opened, tokenizer, suites: start.suites, text, saes, cached },
    reporter,
  );
  await cached?.cache.settled();
  const seconds = secondsUntilNow(state, since);
  const measuring = measuringRun(start, state);
  const records: MeasuredSae[] = [];
  const fired = new Map<string, Uint8Array>();
  for (const each of evaluated) {
    const { id } = each.planned;
    const {
      file: { sae },
      sha256,
      device: on,
    } = saes.find(({ planned }) => planned.id === id)!;
    const selfTest = tests.get(id) ?? null;
    const { model } = opened;
    fired.set(id, each.fired);
    const exclusions = [...start.leftOut, ...data.exclusions];
    const shape = { ...sae, k: 'k' in sae ? sae.k : null, encoding: encodingOf(sae) };
    const facts = { run: measuring, seconds, model, on, sae: shape, sha256, selfTest, ...data, exclusions };
    const { evidence } = each.evaluated;
    records.push({ id, record: await recordOf({ ...facts, ...each }), evidence });
  }
  return { records, fired: { window_tokens: data.tokens, saes: fired } };
}

function measuringRun(start: StartedRun, { started }: RunState): MeasuringRun {
  return { ...start, started, revision: start.model.revision, hashes: start.identity };
}

function secondsUntilNow({ seconds }: RunState, since: number): number {
  return seconds.training + seconds.evaluating + (performance.now() - since) / 1000;
}
