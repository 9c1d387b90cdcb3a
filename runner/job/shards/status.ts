/** How far the shards of a run are, read from their run folders. */
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { isOwned } from '../../io/folder-owner.ts';
import { writeJsonAtomic } from '../../io/write-atomic.ts';
import { resumeStamp, STAMP } from '../release/resume-stamp.ts';
import { type RunState, readRunState } from '../run/run-folder.ts';
import { readShardPlan, type ShardPlan, shardFolder, shardsFolder } from './shard-plan.ts';
import { unionOf } from './union.ts';

export interface ShardStatus {
  index: number;
  saes: number;
  /** `stopped` is one that began and nobody works on, `failed` one that ended with an error. */
  state: 'done' | 'running' | 'failed' | 'stopped' | 'not begun' | 'foreign';
  /** The stage it is in, or what it failed of. */
  note: string;
  /** Of work, over all tries, as far as it was saved. */
  seconds: number;
  /** Share of its training that is saved; null where it trains nothing or is beyond it. */
  trained: number | null;
}

export interface RunStatus {
  shards: readonly ShardStatus[];
  /** Seconds until all are done, if those that run now go on alone; null while nothing tells. */
  eta: number | null;
}

const failure = z.object({ message: z.string() });
const FAILURE = 'failure.json';

/** Notes in a shard's folder what it failed of, for its status. Its next try forgets it. */
export async function noteFailure(folder: string, error: unknown): Promise<void> {
  const message = error instanceof Error ? error.message : String(error);
  await writeJsonAtomic(join(folder, FAILURE), { message: message.slice(0, 2_000) });
}

export async function forgetFailure(folder: string): Promise<void> {
  await rm(join(folder, FAILURE), { force: true });
}

/** @returns undefined where the run has no shards */
export async function runStatus(runs: string, name: string): Promise<RunStatus | undefined> {
  const plan = await readShardPlan(shardsFolder(runs, name));
  if (plan === undefined) return undefined;
  const of = plan.shards.length;
  const found = await Promise.all(
    plan.shards.map(async (_, i) => {
      const folder = shardFolder(runs, name, { index: i + 1, of });
      const [state, owned, failed, tokens] = await Promise.all([
        readRunState(folder),
        isOwned(folder),
        failureIn(folder),
        tokensIn(folder),
      ]);
      return { state, owned, failed, tokens };
    }),
  );
  const union = unionOf(
    plan,
    found.map(({ state }) => state),
  );
  const foreign = new Map(union.foreign.map(({ index, reason }) => [index, reason]));
  const total = tokensOf(plan);
  const shards = found.map(({ state, owned, failed, tokens }, i): ShardStatus => {
    const index = i + 1;
    const other = foreign.get(index);
    const training = state?.stage === 'training' && total !== null;
    return {
      index,
      saes: plan.shards[i]!.saes.length,
      ...(other === undefined ? stateOf(state, owned, failed) : { state: 'foreign', note: other }),
      seconds: tokens?.seconds ?? secondsOf(state),
      trained: training ? (tokens?.tokens ?? 0) / total : null,
    };
  });
  return { shards, eta: etaOf(plan, shards) };
}

function stateOf(
  state: RunState | undefined,
  owned: boolean,
  failed: string | undefined,
): Pick<ShardStatus, 'state' | 'note'> {
  if (state?.stage === 'done') return { state: 'done', note: '' };
  if (owned) return { state: 'running', note: state?.stage ?? 'starting' };
  if (failed !== undefined) return { state: 'failed', note: failed };
  return state === undefined ? { state: 'not begun', note: '' } : { state: 'stopped', note: state.stage };
}

/**
 * From the work of shards that are done to that of the others; without any, from how far training is. Shards that wait are
 * shared among as many processes as run now.
 */
function etaOf(plan: ShardPlan, shards: readonly ShardStatus[]): number | null {
  const operations = (i: number): number => plan.shards[i]!.operations;
  const done = shards.filter(({ state }) => state === 'done');
  const running = shards.filter(({ state }) => state === 'running').length;
  if (done.length === shards.length) return 0;
  if (running === 0) return null;
  const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
  const spent = sum(done.map(({ seconds }) => seconds));
  const left = shards.map(({ state, seconds, trained }, i): number | null => {
    if (state === 'done') return 0;
    const rate = spent / sum(done.map(({ index }) => operations(index - 1)));
    if (done.length > 0) return Math.max(0, operations(i) * rate - seconds);
    return trained === null || trained === 0 ? null : seconds / trained - seconds;
  });
  const known = left.filter((each) => each !== null);
  if (known.length === 0) return null;
  return Math.max(sum(known) / running, ...known);
}

function secondsOf(state: RunState | undefined): number {
  return state === undefined ? 0 : state.seconds.training + state.seconds.evaluating;
}

function tokensOf({ config }: ShardPlan): number | null {
  const parsed = z
    .object({ train: z.boolean(), training: z.object({ tokens: z.number() }) })
    .safeParse(config);
  return parsed.success && parsed.data.train ? parsed.data.training.tokens : null;
}

/** What the newest checkpoint says; undefined where there is none, or it is just being replaced. */
async function tokensIn(folder: string): Promise<{ tokens: number; seconds: number } | undefined> {
  const at = join(folder, 'checkpoints');
  const stamps = await Promise.all(
    (await readdir(at).catch(() => [])).map(async (generation) => {
      const text = await readFile(join(at, generation, STAMP), 'utf8').catch(() => '');
      return read(text, resumeStamp);
    }),
  );
  const known = stamps.filter((stamp) => stamp !== undefined);
  return known.sort((a, b) => b.tokens - a.tokens)[0];
}

async function failureIn(folder: string): Promise<string | undefined> {
  const text = await readFile(join(folder, FAILURE), 'utf8').catch(() => '');
  return read(text, failure)?.message;
}

function read<T>(text: string, schema: z.ZodType<T>): T | undefined {
  try {
    const parsed = schema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}
