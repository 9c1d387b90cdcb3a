import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ownFolder } from '../../../../runner/io/folder-owner.ts';
import { writeJsonAtomic } from '../../../../runner/io/write-atomic.ts';
import { RUN_SCHEMA, type RunState, writeState } from '../../../../runner/job/run/run-folder.ts';
import { shardFolder, shardsFolder } from '../../../../runner/job/shards/shard-plan.ts';
import { forgetFailure, noteFailure, runStatus } from '../../../../runner/job/shards/status.ts';

let runs: string;
beforeEach(async () => {
  runs = await mkdtemp(join(tmpdir(), 'interpboard-status-'));
});
afterEach(() => rm(runs, { recursive: true, force: true }));

const identity = { trained: 't', evaluated: 'e', model: 'm' };
const at = (index: number): string => shardFolder(runs, 'mine', { index, of: 5 });

async function state(index: number, stage: RunState['stage'], seconds: number): Promise<void> {
  await mkdir(at(index), { recursive: true });
  await writeState(at(index), {
    schema: RUN_SCHEMA,
    identity,
    config: {},
    stage,
    started: '2026-01-01T00:00:00.000Z',
    shard: { index, of: 5, saes: [`L${index}`] },
    seconds: { training: seconds, evaluating: 0 },
  });
}

async function checkpoint(index: number, tokens: number, seconds: number): Promise<void> {
  const folder = join(at(index), 'checkpoints', `gen-${tokens}`);
  await mkdir(folder, { recursive: true });
  const hash = '0'.repeat(64);
  const stamp = {
    schema: 'interpboard.resume/2',
    model: hash,
    settings: {},
    text: [],
    started: '2026-01-01T00:00:00.000Z',
  };
  await writeFile(join(folder, 'run.json'), JSON.stringify({ ...stamp, tokens, seconds }));
}

const plan = {
  schema: 'interpboard.shards/1',
  identity,
  config: { train: true, training: { tokens: 1_000 } },
  shards: [1, 2, 3, 4, 5].map((index) => ({ saes: [`L${index}`], operations: index === 5 ? 400 : 200 })),
};

describe('the status of shards', () => {
  it('tells those that are done, run, failed, were stopped and have not begun', async () => {
    expect(await runStatus(runs, 'mine')).toBeUndefined();
    await writeJsonAtomic(join(shardsFolder(runs, 'mine'), 'plan.json'), plan);
    await state(1, 'done', 100);
    await state(2, 'training', 5);
    await checkpoint(2, 100, 12);
    await checkpoint(2, 250, 30);
    await state(3, 'evaluating', 40);
    await noteFailure(at(3), new Error('held-out text: found too little'));
    await state(4, 'training', 7);
    const owned = await ownFolder(at(2));
    try {
      const status = await runStatus(runs, 'mine');
      expect(
        status!.shards.map(({ index, state: each, note, trained, seconds }) => [
          index,
          each,
          note,
          trained,
          seconds,
        ]),
      ).toEqual([
        [1, 'done', '', null, 100],
        [2, 'running', 'training', 0.25, 30],
        [3, 'failed', 'held-out text: found too little', null, 40],
        [4, 'stopped', 'training', 0, 7],
        [5, 'not begun', '', null, 0],
      ]);
      // 200 operations took 100 s: 70 + 60 + 93 + 200 are left, for the one that runs.
      expect(status!.eta).toBeCloseTo(423);
    } finally {
      await owned.release();
    }
    // Without anybody at work nothing is to be waited for.
    expect((await runStatus(runs, 'mine'))!.eta).toBeNull();
    await forgetFailure(at(3));
    expect((await runStatus(runs, 'mine'))!.shards[2]!.state).toBe('stopped');
  });

  it('names a shard that is of another run', async () => {
    await writeJsonAtomic(join(shardsFolder(runs, 'mine'), 'plan.json'), {
      ...plan,
      identity: { ...identity, model: 'x' },
    });
    await state(1, 'done', 100);
    expect((await runStatus(runs, 'mine'))!.shards[0]).toMatchObject({
      state: 'foreign',
      note: 'is of other files of the language model',
    });
  });
});
