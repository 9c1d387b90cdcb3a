/**
 * What the shards of a run agree on before any of them works: `plan.json` in the folder that holds their run folders.
 * The first one writes it, and each is held to it, so that shards that could not be merged do not start.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { differingSettings, recordedSettings } from '../../config/roles.ts';
import { type RunConfig, runConfig } from '../../config/run-config.ts';
import { MalformedError, UserError } from '../../errors.ts';
import { whileOwned } from '../../io/folder-owner.ts';
import { writeJsonAtomic } from '../../io/write-atomic.ts';
import type { RunIdentity } from '../run/identity.ts';
import { type Shard, type ShardOfRun, shardName } from '../shared/shard.ts';

const shardPlan = z.strictObject({
  schema: z.literal('interpboard.shards/1'),
  identity: z.strictObject({ trained: z.string(), evaluated: z.string(), model: z.string() }),
  /** Settings, with all text pinned. */
  config: z.record(z.string(), z.unknown()),
  /** Ids of SAEs, and estimated floating-point operations. */
  shards: z.array(z.strictObject({ saes: z.array(z.string()).min(1), operations: z.number() })).min(1),
});

export type ShardPlan = z.infer<typeof shardPlan>;

/** What one process is about to do. */
export interface PlannedRun {
  config: RunConfig;
  identity: RunIdentity;
}

/** Whoever writes the plan may pin its text anew, which asks the hub. */
const PATIENCE_MS = 600_000;

/** Holds the run folders of a run's shards. No run can have this name. */
export function shardsFolder(runs: string, name: string): string {
  return join(runs, `${name}_shards`);
}

export function shardFolder(runs: string, name: string, shard: Shard): string {
  return join(shardsFolder(runs, name), shardName(shard));
}

/** @throws MalformedError when there is a plan that cannot be read */
export async function readShardPlan(folder: string): Promise<ShardPlan | undefined> {
  const path = join(folder, 'plan.json');
  if (!existsSync(path)) return undefined;
  let raw: unknown;
  try {
    raw = JSON.parse(await readFile(path, 'utf8'));
  } catch {
    raw = undefined;
  }
  const parsed = shardPlan.safeParse(raw);
  if (parsed.success) return parsed.data;
  throw new MalformedError({
    thing: path,
    found: parsed.error.issues[0]?.message ?? 'another shape',
    expected: 'the plan that the shards of a run share',
    next: 'Remove it and start a shard again: the first one writes it.',
  });
}

/**
 * The shard's SAEs by the plan that all shards follow; written here where there is none yet, or where the shard was
 * told to start over and the plan is of other settings.
 *
 * @param asked.own this process's settings, given the plan where there is one: its text is pinned as there
 * @param asked.split the run's SAEs shared out, for a plan that is to be written
 * @throws UserError when the shards before it have other settings, other model files or another number
 */
export async function agreeOnShards(asked: {
  /** Holds their run folders. */
  shards: string;
  part: Shard;
  fresh: boolean;
  own: (plan: ShardPlan | undefined) => Promise<PlannedRun>;
  split: (run: PlannedRun) => Promise<ShardPlan['shards']>;
}): Promise<{ run: PlannedRun; shard: ShardOfRun }> {
  const { shards: folder, fresh, own, split } = asked;
  const { index, of } = asked.part;
  const found = await readShardPlan(folder);
  const run = await own(found);
  const fits = (plan: ShardPlan | undefined): boolean =>
    plan !== undefined && differences(plan, run, of) === null;
  if (fits(found)) return { run, shard: { index, of, saes: found!.shards[index - 1]!.saes } };
  return whileOwned(
    folder,
    async () => {
      // Another shard may have written it meanwhile.
      const now = await readShardPlan(folder);
      const again = now === undefined || fits(now) ? run : await own(now);
      if (now !== undefined && !fresh) checkPlan(now, again, of, folder);
      const kept = now !== undefined && differences(now, again, of) === null;
      const shards = kept ? now.shards : await split(again);
      const { config, identity } = again;
      if (!kept)
        await writeJsonAtomic(join(folder, 'plan.json'), {
          schema: 'interpboard.shards/1',
          identity,
          config,
          shards,
        } satisfies ShardPlan);
      return { run: again, shard: { index, of, saes: shards[index - 1]!.saes } };
    },
    { patience: PATIENCE_MS },
  );
}

function checkPlan(plan: ShardPlan, run: PlannedRun, of: number, folder: string): void {
  const found = differences(plan, run, of);
  if (found === null) return;
  throw new UserError({
    thing: `shards of ${run.config.name} in ${folder}`,
    found: `${found} than the shards that began before this one`,
    expected: 'the same for all shards of a run',
    next: 'Start this one as the others, give the run another --name, or start every shard over with --fresh.',
  });
}

/** How a run is another than the plan's; null where it is that one. */
function differences(plan: ShardPlan, { config, identity }: PlannedRun, of: number): string | null {
  if (plan.shards.length !== of) return `another number of shards (${of}, not ${plan.shards.length})`;
  if (plan.identity.model !== identity.model) return 'other files of the language model';
  if (plan.identity.trained === identity.trained && plan.identity.evaluated === identity.evaluated)
    return null;
  const before = runConfig.safeParse(plan.config);
  const names = before.success ? differingSettings(before.data, config, recordedSettings) : [];
  return names.length === 0 ? 'other SAEs' : `other settings (${names.slice(0, 8).join(', ')})`;
}
