import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { MalformedError } from '../../../../runner/errors.ts';
import { RUN_SCHEMA, type RunState, writeState } from '../../../../runner/job/run/run-folder.ts';
import { findFinished } from '../../../../runner/job/shards/finished-shard.ts';
import { on, withBench } from '../../../hub/open.ts';

const state: RunState = {
  schema: RUN_SCHEMA,
  identity: { trained: 'a', evaluated: 'b', model: 'c' },
  config: {},
  stage: 'done',
  started: '2026-01-01T00:00:00.000Z',
  shard: { index: 1, of: 2, saes: ['L0_k4_n32'] },
  seconds: { training: 1, evaluating: 2 },
};
const branch = 'mine-shard-1-of-2';
const reference = on(`lab/sweep@${branch}`);

async function textOf(of: RunState): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'interpboard-state-'));
  try {
    await writeState(folder, of);
    return await readFile(join(folder, 'run.json'), 'utf8');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

it('finds the state of a shard that ended on its branch', async () => {
  await withBench(async ({ hub, server }) => {
    expect(await findFinished(hub, reference)).toBeUndefined();
    const resume = { 'resume/run.json': { text: '{}' }, 'shard/plan.json': { text: '{}' } };
    server.put('lab/sweep', resume, { branch });
    expect(await findFinished(hub, reference)).toBeUndefined();
    server.put('lab/sweep', { 'shard/run.json': { text: await textOf(state) } }, { branch });
    expect((await findFinished(hub, reference))?.state).toEqual(state);
  });
});

it('takes a state that is not done for none, and refuses a damaged one', async () => {
  await withBench(async ({ hub, server }) => {
    const put = (text: string) => server.put('lab/sweep', { 'shard/run.json': { text } }, { branch });
    put(await textOf({ ...state, stage: 'releasing' }));
    expect(await findFinished(hub, reference)).toBeUndefined();
    put((await textOf(state)).replace('"a"', '"x"'));
    await expect(findFinished(hub, reference)).rejects.toThrow(MalformedError);
  });
});
