/** What `eval` does once its settings are known: train, evaluate, write the records, build the report, print the scores. */
import { existsSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import type { LoadedSuite } from '../config/own-suites.ts';
import { portableWord } from '../config/portable.ts';
import { type RunConfig, suitesOf } from '../config/run-config.ts';
import { trainedHooks, trainedPlaces } from '../config/trained-hooks.ts';
import { UserError } from '../errors.ts';
import { parseBytes } from '../io/bytes.ts';
import { writeLive } from '../job/release/live.ts';
import { stampOf } from '../job/release/resume-stamp.ts';
import { checkRecipes } from '../job/run/check-recipes.ts';
import { runIdentity } from '../job/run/identity.ts';
import type { RunStart } from '../job/run/messages.ts';
import { resumedState } from '../job/run/resumed-state.ts';
import {
  discardRunFolder,
  openRunFolder,
  type RunFolder,
  type RunState,
  readRunState,
} from '../job/run/run-folder.ts';
import {
  agreeOnShards,
  type PlannedRun,
  readShardPlan,
  type ShardPlan,
  shardFolder,
  shardsFolder,
} from '../job/shards/shard-plan.ts';
import { uploadShard } from '../job/shards/shard-upload.ts';
import { sharedSaes, sharesOf } from '../job/shards/shares.ts';
import { forgetFailure, noteFailure } from '../job/shards/status.ts';
import { whichShard } from '../job/shards/which-shard.ts';
import { checkAlone } from '../job/shared/cross-layer-transcoder.ts';
import { checkOther, checkSameTokens } from '../job/shared/crosscoder.ts';
import { checkHooksOf, checkSource, type ModelPlace, widthsOf } from '../job/shared/model-place.ts';
import { type Pin, pinsOf, pinText } from '../job/shared/pinned-text.ts';
import { plannedSaes, recordId } from '../job/shared/planned-saes.ts';
import { type ShardOfRun, shardName, shardRepository } from '../job/shared/shard.ts';
import { findFiles } from '../job/shared/text.ts';
import { matchStarts } from '../job/training-data/starts.ts';
import { openCheckpoint } from '../lm/checkpoint.ts';
import { machineMemory } from '../lm/memory.ts';
import { publishRun } from '../report/content.ts';
import { readFeatures } from '../report/feature-files.ts';
import { FEATURES } from '../report/feature-places.ts';
import { LIVE } from '../report/live-places.ts';
import { readRunRecords } from '../report/run-records.ts';
import type { EvaluationRecord } from '../report/schema.ts';
import { scoreTable } from '../report/score-table.ts';
import { shellWord } from '../report/shell-word.ts';
import { SIMILARITY_FILE } from '../report/similarity.ts';
import { readSimilarity } from '../report/similarity-file.ts';
import { ownRunOf, transferTables } from '../report/transfer.ts';
import { Stopped } from '../reporter.ts';
import { isSynthetic } from '../synthetic/layout.ts';
import { buildSite } from './build-site.ts';
import { checkUpload } from './check-upload.ts';
import { chooseDevices, precisionOf } from './choose-devices.ts';
import { evaluationCache } from './evaluation-cache.ts';
import { shownHashes } from './hashing.ts';
import { locateModel, locateOther } from './locate-model.ts';
import { locatePublished } from './locate-saes.ts';
import { nearby } from './nearby.ts';
import type { options } from './options/eval.ts';
import { optionWords, type parseOptions } from './parse-options.ts';
import { projectFolder, projectRoot } from './paths.ts';
import { type ProgressView, progressView, voiceOf } from './progress.ts';
import { findOnHub, isFinishedOnHub, resumeFromHub } from './resume-from-hub.ts';
import { headline, shapeText } from './run-headline.ts';
import { runJob } from './run-job.ts';

type Values = ReturnType<typeof parseOptions<typeof options>>['values'];

/** Where npx interpboard preview looks. */
const defaultOut = join(projectRoot, 'dist');

function besideOverfit(option: string, why: string): UserError {
  return new UserError({
    thing: '--overfit-one-batch',
    found: `--${option} beside it`,
    expected: `one of them: ${why}`,
    next: `Leave --${option} out.`,
  });
}

/** @returns the exit code: 0, or when it was stopped with its state saved that of the signal, 130 for Ctrl-C */
export async function evaluated(
  { values, positionals }: { values: Values; positionals: readonly string[] },
  given: RunConfig,
  suites: readonly LoadedSuite[],
): Promise<number> {
  const memory = values.memory === undefined ? machineMemory() : parseBytes('--memory', values.memory);
  const runs = projectFolder('runs', values.runs);
  const content = projectFolder('content', values.content);
  const out = values['no-site'] ? defaultOut : projectFolder('dist', values.out);
  const checked = values['overfit-one-batch'] ?? false;
  if (checked && values.shard !== undefined) throw besideOverfit('shard', 'the check is of all recipes');
  if (checked && given.training.from.length > 0)
    throw besideOverfit('from', 'the check is of recipes from new weights');
  const view = progressView(process.stdout);
  const hash = shownHashes(view);
  const part = values.shard === undefined ? null : whichShard(values.shard, process.env);
  const folder = part === null ? join(runs, given.name) : shardFolder(runs, given.name, part);
  const asked = { ...given, device: await chooseDevices(given.device, (text) => view.line(text)) };
  if (!checked) await checkUpload(asked, part !== null);
  const model = await locateModel(asked.model.reference, view);
  asked.precision = await precisionOf(asked, model, view);
  // Before an earlier run is looked at: layers that no run can have are no reason to start over.
  checkSource(model, asked.corpus);
  if (asked.train) {
    await checkHooksOf(model, trainedPlaces(asked));
    checkRecipes(asked, await widthsOf(model, trainedHooks(asked)));
  }
  if (checked) return overfit(asked, model, memory, view);
  const other = await locateOther(asked.evaluation.otherModel, view, hash);
  if (other !== null) await checkSameTokens(model, other);
  const published = await locatePublished(asked.saes, model, view, hash, '--sae', other);
  checkOther(published, asked.evaluation.otherModel);
  const from = await locatePublished(asked.training.from, model, view, hash, '--from');
  checkAlone(published, { train: asked.train, shard: part !== null, from });
  await matchStarts(asked, model, from);
  if (values.fresh) await discardRunFolder(folder);
  let opened = await openRunFolder(folder);
  const fresh = values.fresh ?? false;
  try {
    const onHub = await findOnHub({ ...asked, upload: shardRepository(asked, part) }, opened, fresh, view);
    const pinned = async (pins: readonly Pin[]): Promise<PlannedRun> => {
      const config = await pinText(asked, pins, findFiles);
      return { config, identity: await runIdentity(config, model, published, hash, from, other) };
    };
    const identified = (before: unknown): Promise<PlannedRun> => pinned(onHub?.stamp.text ?? pinsOf(before));
    const identityOf = async (pins: readonly Pin[]) => (await pinned(pins)).identity;
    if (part !== null && onHub === undefined) {
      const there = { part, folder: opened, fresh };
      if (await isFinishedOnHub(asked, there, identityOf, view)) return 0;
    }
    const agreed = part && {
      shards: shardsFolder(runs, given.name),
      part,
      fresh,
      own: (plan: ShardPlan | undefined) => identified(plan?.config),
      split: async ({ config }: PlannedRun) => {
        const checkpoint = isSynthetic(model.folder) ? null : await openCheckpoint(model.folder);
        const all = [...suitesOf(config), ...suites.map(({ suite }) => suite)];
        const shares = sharesOf(
          { config, suites: all, checkpoint },
          sharedSaes(plannedSaes(config, published)),
          part.of,
        );
        return shares.map(({ saes, operations }) => ({ saes: saes.map(({ id }) => id), operations }));
      },
    };
    const {
      run: { config, identity },
      shard,
    } =
      agreed === null
        ? { run: await identified(opened.found?.config), shard: null }
        : await agreeOnShards(agreed);
    const ids = plannedSaes(config, published).map(({ id }) => recordId(config.name, id));
    opened = { ...opened, found: await resumedState(opened, config, identity, ids) };
    if (onHub) {
      const own = stampOf(config, identity, onHub.stamp.started);
      opened = await resumeFromHub(onHub, { config, folder: opened, model, identity, shard, own }, view);
    }
    view.line(headline(config, published, opened, shard));
    const upToDate = opened.found?.stage === 'done';
    if (!upToDate) {
      const job: RunStart = {
        task: 'run',
        config,
        identity,
        model,
        suiteFiles: (values.suite ?? []).map((file) => resolve(file)),
        published,
        other,
        from,
        shard,
        command: commandOf(positionals, values),
        memory,
        cache: evaluationCache(values.cache),
        folder: opened.path,
        found: opened.found,
        fresh,
      };
      const outcome = await runJob(job, view, opened);
      if (outcome.kind === 'stopped') return outcome.code;
    }
    if (shard !== null) {
      await forgetFailure(folder);
      await sendShard(config, opened, shard, runs, view);
    }
    const records = await readRunRecords(folder);
    if (shard !== null) return endOfShard(config.name, shard, records, folder, view);
    const live = await writeLive(join(content, LIVE, config.name), {
      config,
      model,
      saes: plannedSaes(config, published),
      folder: opened.path,
      records,
    });
    const told = await publishRun(content, config.name, {
      records,
      similarity: await readSimilarity(join(folder, SIMILARITY_FILE)),
      features: await readFeatures(join(folder, FEATURES)),
    });
    const changed = told || live;
    if (!values['no-site'] && (changed || !upToDate || !existsSync(join(out, 'index.html')))) {
      await buildSite({ content, out, view });
    } else if (upToDate) {
      view.line(`up to date: nothing to do (--fresh starts over)`);
    }
    view.line(`\n${scoreTable(records)}\n`);
    if (config.evaluation.transferFrom !== null) {
      const own = await readRunRecords(join(runs, ownRunOf(config.name)));
      view.line(`${transferTables(records, own)}\n`);
    }
    view.line(`run      ${nearby(folder)}`);
    if (!values['no-site'])
      view.line(`report   ${nearby(out)}${out === defaultOut ? '  (npx interpboard preview shows it)' : ''}`);
    return 0;
  } catch (error) {
    if (part !== null && !(error instanceof Stopped)) await noteFailure(folder, error).catch(() => undefined);
    throw error;
  } finally {
    view.end();
    await opened.release();
  }
}

/** Where the run has a repository, a shard that is done is sent to its branch there: the merge may be made elsewhere. */
async function sendShard(
  config: RunConfig,
  folder: RunFolder,
  shard: ShardOfRun,
  runs: string,
  view: ProgressView,
): Promise<void> {
  const state = await readRunState(folder.path);
  const plan = await readShardPlan(shardsFolder(runs, config.name));
  if (state?.stage !== 'releasing' || plan === undefined) return;
  const done: RunState = { ...state, stage: 'done' };
  await uploadShard(config, folder.path, shard, { run: done, plan }, voiceOf(view));
  await folder.save(done);
}

/** A shard's records are the report's only when all are merged. */
function endOfShard(
  name: string,
  shard: ShardOfRun,
  records: readonly EvaluationRecord[],
  folder: string,
  view: ProgressView,
): number {
  view.line(`\n${scoreTable(records)}\n`);
  view.line(`shard    ${shardName(shard)} of ${name}: ${nearby(folder)}`);
  view.line(`merge    npx interpboard merge ${shellWord(name)}, when all ${shard.of} shards are done`);
  return 0;
}

/** @returns the exit code: 0 where every SAE learns the batch, 1 where one does not, 130 when stopped */
async function overfit(
  config: RunConfig,
  model: ModelPlace,
  memory: number,
  view: ProgressView,
): Promise<number> {
  const { name, sae } = config;
  view.line(`one batch of ${name}: ${shapeText(config)}, learning rate ${sae.learningRate}`);
  try {
    const outcome = await runJob({ task: 'overfit-one-batch', config, model, memory }, view);
    if (outcome.kind === 'stopped') return outcome.code;
    return outcome.kind === 'finished' ? 0 : 1;
  } finally {
    view.end();
  }
}

/** The command again, with what the results follow from and without where things lie on this machine. */
function commandOf(positionals: readonly string[], values: Values): string {
  const { config, model, sae, from, suite, transfer, train, name, layers, hooks } = values;
  const { device, precision, backend, threads, set } = values;
  const options = optionWords({
    config: config === undefined ? undefined : basename(config),
    model,
    sae,
    from,
    suite,
    transfer,
    'other-model': values['other-model'],
    train,
    name,
    layers,
    hooks,
    device,
    precision,
    backend,
    threads,
    set,
  });
  const shown = [...positionals, ...options].map((word) => shellWord(portableWord(word)));
  return ['npx interpboard eval', ...shown].join(' ');
}
