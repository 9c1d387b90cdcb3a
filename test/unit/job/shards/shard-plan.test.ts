import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { resolveRun } from '../../../../runner/config/resolve.ts';
import { MalformedError, UserError } from '../../../../runner/errors.ts';
import {
  agreeOnShards,
  type PlannedRun,
  readShardPlan,
  type ShardPlan,
} from '../../../../runner/job/shards/shard-plan.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'interpboard-plan-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const identity = { trained: 't', evaluated: 'e', model: 'm' };
const config = await resolveRun(['small-world-quick'], {});

/** @param own what the process would be, given the plan */
function agree(
  index: number,
  own: (plan: ShardPlan | undefined) => Promise<PlannedRun> = async () => ({ config, identity }),
  { fresh = false, of = 2 } = {},
) {
  return agreeOnShards({
    shards: folder,
    part: { index, of },
    fresh,
    own,
    split: async () => Array.from({ length: of }, (_, i) => ({ saes: [`L${i}`], operations: 1 })),
  });
}

describe('the plan of shards', () => {
  it('is written by the first and read by the others', async () => {
    expect((await agree(2)).shard).toEqual({ index: 2, of: 2, saes: ['L1'] });
    const text = await readFile(join(folder, 'plan.json'), 'utf8');
    expect((await agree(1)).shard).toEqual({ index: 1, of: 2, saes: ['L0'] });
    expect(await readFile(join(folder, 'plan.json'), 'utf8')).toBe(text);
  });

  it.each<[string, PlannedRun, number, string]>([
    [
      'settings',
      { config: { ...config, threads: 3 }, identity: { ...identity, evaluated: 'x' } },
      2,
      'other settings (threads)',
    ],
    ['SAEs', { config, identity: { ...identity, evaluated: 'x' } }, 2, 'other SAEs'],
    [
      'model files',
      { config, identity: { ...identity, model: 'x' } },
      2,
      'other files of the language model',
    ],
    ['a number', { config, identity }, 3, 'another number of shards (3, not 2)'],
  ])('refuses other %s, until it is told to start over', async (_what, run, of, said) => {
    await agree(1);
    await expect(agree(2, async () => run, { of })).rejects.toThrow(UserError);
    await expect(agree(2, async () => run, { of })).rejects.toThrow(said);
    await agree(2, async () => run, { of, fresh: true });
    expect((await readShardPlan(folder))?.identity).toEqual(run.identity);
  });

  it('gives all that begin at once one pinned text', async () => {
    // Each would resolve a reference to a commit of its own, unless the plan says which.
    let commits = 0;
    const pins = async (plan: ShardPlan | undefined): Promise<PlannedRun> => {
      const commit = plan === undefined ? `commit ${commits++}` : plan.identity.evaluated;
      await new Promise((resolve) => setTimeout(resolve, 5));
      return { config, identity: { ...identity, evaluated: commit } };
    };
    const all = await Promise.all(Array.from({ length: 6 }, (_, i) => agree(i + 1, pins, { of: 6 })));
    expect(commits).toBeGreaterThan(1);
    expect(new Set(all.map(({ run }) => run.identity.evaluated)).size).toBe(1);
    expect(all.flatMap(({ shard }) => shard.saes)).toEqual(['L0', 'L1', 'L2', 'L3', 'L4', 'L5']);
  });

  it('that is damaged is said to be', async () => {
    await writeFile(join(folder, 'plan.json'), '{"schema":"interpboard.shards/1"');
    await expect(agree(1)).rejects.toThrow(MalformedError);
  });
});
