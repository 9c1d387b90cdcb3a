/** The shards of a run joined into the run folder that one process would have left. */

import { copyFile, link, mkdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { type RunConfig, runConfig } from '../../config/run-config.ts';
import { MalformedError, quote, UserError } from '../../errors.ts';
import { emptyOwned } from '../../io/folder-owner.ts';
import { rename } from '../../io/rename.ts';
import { temporaryName } from '../../io/temporary-name.ts';
import { counted } from '../../report/counted.ts';
import { type NamedRecord, type ValidationReport, writeExports } from '../../report/exports.ts';
import { type FeatureFiles, readFeatures, writeFeatures } from '../../report/feature-files.ts';
import { FEATURES } from '../../report/feature-places.ts';
import { readRunRecords, removeOthers, writeRunRecords } from '../../report/run-records.ts';
import type { EvaluationRecord } from '../../report/schema.ts';
import { snapshotFiles } from '../release/snapshots.ts';
import { RUN_SCHEMA, type RunFolder, type RunState, readRunState } from '../run/run-folder.ts';
import { recordId } from '../shared/planned-saes.ts';
import { trajectoryFile } from '../shared/trajectory-file.ts';
import { readShardPlan, type ShardPlan, shardFolder, shardsFolder } from './shard-plan.ts';
import { listed, type Union, unionOf } from './union.ts';

/** What the shards of a run hold. */
export interface FoundShards {
  config: RunConfig;
  plan: ShardPlan;
  union: Union;
  /** Of the shards that are done, in the order of the plan. */
  parts: readonly Part[];
}

interface Part {
  folder: string;
  state: RunState;
  records: readonly NamedRecord[];
}

/**
 * Looks at all shards of a run.
 *
 * @param partial whether shards may be missing
 * @throws UserError naming the shards that are missing, or that must not be joined with the others
 * @throws MalformedError when a file of a shard is damaged, or holds other records than it should
 */
export async function findShards(runs: string, name: string, partial: boolean): Promise<FoundShards> {
  const plan = await readShardPlan(shardsFolder(runs, name));
  if (plan === undefined) {
    throw new UserError({
      thing: `run ${name}`,
      found: `no shards in ${shardsFolder(runs, name)}`,
      expected: 'a run that was started with npx interpboard eval --shard i/N',
      next: 'Check the name, or where the run folders are (--runs).',
    });
  }
  const folders = plan.shards.map((_, i) =>
    shardFolder(runs, name, { index: i + 1, of: plan.shards.length }),
  );
  const states: (RunState | undefined)[] = [];
  for (const folder of folders) states.push(await readRunState(folder));
  const union = unionOf(plan, states);
  if (union.foreign.length > 0) {
    throw new UserError({
      thing: `shards of ${name}`,
      found: listed(union.foreign),
      expected: 'shards of one run, all started alike',
      next: 'Start these over with --fresh, as the others were started.',
    });
  }
  if (union.missing.length > 0 && !partial) {
    throw new UserError({
      thing: `shards of ${name}`,
      found: listed(union.missing),
      expected: `all ${plan.shards.length} done`,
      next: 'Start these again (each goes on from its last checkpoint), or merge the others with --partial.',
    });
  }
  const config = runConfig.parse(plan.config);
  const parts: Part[] = [];
  for (const { index, saes } of union.done) {
    const folder = folders[index - 1]!;
    parts.push({ folder, state: states[index - 1]!, records: await recordsOf(folder, config.name, saes) });
  }
  checkText(parts);
  return { config, plan, union, parts };
}

/** @throws MalformedError when the folder holds other records than those of its SAEs */
async function recordsOf(folder: string, run: string, saes: readonly string[]): Promise<NamedRecord[]> {
  const found = new Map((await readRunRecords(folder)).map((record) => [record.id, record]));
  const wanted = saes.map((id) => ({ id, record: found.get(recordId(run, id)) }));
  const missing = wanted.find(({ record }) => record === undefined);
  if (missing !== undefined || found.size !== saes.length) {
    throw new MalformedError({
      thing: join(folder, 'records'),
      found: missing === undefined ? counted(found.size, 'record') : `no record of ${missing.id}`,
      expected: `one of each of its SAEs: ${saes.length}`,
      next: 'Start this shard over with --fresh.',
    });
  }
  for (const { record } of wanted) {
    // Of others' SAEs no file is taken.
    const names = record!.sae.training === null ? [] : record!.sae.files.map(({ name }) => name);
    const strange = names.find((name) => !/^sae_\w[\w.-]*$/.test(name));
    if (strange === undefined) continue;
    throw new MalformedError({
      thing: join(folder, 'records', `${record!.id}.json`),
      found: `an SAE's file ${quote(strange)}`,
      expected: 'a file of the shard, such as sae_L11_latest.safetensors',
      next: 'Start this shard over with --fresh.',
    });
  }
  return wanted.map(({ id, record }) => ({ id, record: record! }));
}

/** Equal settings do not say that the text was the same: data files may have changed under one name. */
function checkText(parts: readonly Part[]): void {
  const facts = ({
    data,
    model,
  }: EvaluationRecord): { text: string | undefined; model: string | null | undefined } => ({
    text: data?.documents?.sha256,
    model: model.sha256,
  });
  const all = parts.flatMap(({ folder, records }) =>
    records.map(({ record }) => ({ folder, ...facts(record) })),
  );
  const [first] = all;
  const other = all.find(({ text, model }) => text !== first!.text || model !== first!.model);
  if (other === undefined) return;
  const what = other.text === first!.text ? 'files of the language model' : 'held-out text';
  throw new UserError({
    thing: `shard in ${other.folder}`,
    found: `records of other ${what} than those in ${first!.folder}`,
    expected: 'the same for all shards of a run',
    next: 'Start the shard that is wrong over with --fresh, on the files the others read.',
  });
}

/** The records of the report. Where shards are missing, each says so. */
export function mergedRecords({ plan, union, parts }: FoundShards): EvaluationRecord[] {
  const records = parts.flatMap((part) => part.records.map(({ record }) => record));
  if (union.missing.length === 0) return records;
  const all = plan.shards.reduce((sum, { saes }) => sum + saes.length, 0);
  const caveat = `Merged while ${union.missing.length} of ${plan.shards.length} shards of its run were not done: of the ${all} SAEs of the run ${records.length} are here.`;
  return records.map((record) => ({ ...record, caveats: [...record.caveats, caveat] }));
}

/** Evidence of latents, by record. */
export async function mergedFeatures(parts: FoundShards['parts']): Promise<Map<string, FeatureFiles>> {
  const all = new Map<string, FeatureFiles>();
  for (const { folder } of parts)
    for (const [id, files] of await readFeatures(join(folder, FEATURES))) all.set(id, files);
  return all;
}

/**
 * Makes a run folder hold what the shards hold: SAEs, trajectories, light checkpoints, records and exports. Large
 * files are linked where the file system can.
 *
 * @param opened the run's folder
 * @returns its state, done or still to be released
 * @throws UserError when the folder holds a run that was not merged
 */
export async function mergeInto(opened: RunFolder, { config, plan, parts }: FoundShards): Promise<RunState> {
  const { path, found } = opened;
  if (found !== undefined && found.merged === undefined) {
    throw new UserError({
      thing: path,
      found: 'a run that was not made from shards',
      expected: 'none, or an earlier merge',
      next: 'Move it away, or remove it.',
    });
  }
  if (found !== undefined && JSON.stringify(found.identity) !== JSON.stringify(plan.identity))
    await emptyOwned(path);
  const kept: string[] = [];
  for (const { folder, records } of parts) {
    for (const { id, record } of records) {
      if (record.sae.training === null || record.sae.source !== undefined) continue;
      for (const name of [...record.sae.files.map((file) => file.name), trajectoryFile(id)]) {
        await place(join(folder, name), join(path, name));
        kept.push(name);
      }
    }
    for (const { path: name, source } of await snapshotFiles(folder)) await place(source, join(path, name));
  }
  await removeOthers(path, /^(?:sae|trajectory)_.*/, kept);
  const records = parts.flatMap((part) => part.records);
  await writeRunRecords(
    path,
    records.map(({ record }) => record),
  );
  await writeFeatures(join(path, FEATURES), await mergedFeatures(parts));
  const validation = config.validation.tokens === null ? undefined : await validationOf(parts);
  const written = await writeExports(path, config.name, records, validation);
  await removeOthers(path, /^interpscore_.*\.json$/, written);
  const states = parts.map(({ state }) => state);
  const sum = (stage: 'training' | 'evaluating'): number =>
    states.reduce((seconds, state) => seconds + state.seconds[stage], 0);
  // SAEs of others are not released, though shards of a run that measures them are sent to its repository.
  const released = config.upload.repository === null || !config.train || sameMerge(found, states);
  const state: RunState = {
    schema: RUN_SCHEMA,
    identity: plan.identity,
    config,
    stage: released ? 'done' : 'releasing',
    started: states.map(({ started }) => started).reduce((a, b) => (b < a ? b : a)),
    merged: plan.shards.length,
    seconds: { training: sum('training'), evaluating: sum('evaluating') },
  };
  await opened.save(state);
  return state;
}

/** Whether an earlier merge of the same work was released. */
function sameMerge(found: RunState | undefined, states: readonly RunState[]): boolean {
  if (found?.stage !== 'done') return false;
  const seconds = states.reduce((sum, state) => sum + state.seconds.evaluating, 0);
  return found.seconds.evaluating === seconds;
}

/** What the shards' reports say, each of its own SAEs. */
async function validationOf(parts: readonly Part[]): Promise<Map<string, ValidationReport>> {
  const number = z.number().nullable();
  const report = z.strictObject({ var_expl: number, l0: number, alive: number, dead_pct: number });
  const all = new Map<string, ValidationReport>();
  for (const { folder } of parts) {
    const path = join(folder, 'val_report.json');
    const parsed = z.record(z.string(), report).safeParse(JSON.parse(await readFile(path, 'utf8')));
    if (!parsed.success) {
      throw new MalformedError({
        thing: path,
        found: parsed.error.issues[0]?.message ?? 'another shape',
        expected: 'the validation report of a shard',
        next: 'Start this shard over with --fresh.',
      });
    }
    for (const [key, value] of Object.entries(parsed.data)) all.set(`L${key}`, value);
  }
  return all;
}

/** A file of a shard in the merged folder: the same file where it can be linked, else a copy; whole at any moment. */
async function place(source: string, target: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  const made = temporaryName(target);
  try {
    await link(source, made).catch(() => copyFile(source, made));
    await rename(made, target);
  } finally {
    // Renaming a link onto the same file leaves both names.
    await rm(made, { force: true });
  }
}
