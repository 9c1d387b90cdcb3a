/** What a merge takes from shards, whose files may have come from elsewhere. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { resolveRun } from '../../../../runner/config/resolve.ts';
import type { RunConfig } from '../../../../runner/config/run-config.ts';
import { MalformedError } from '../../../../runner/errors.ts';
import { writeJsonAtomic } from '../../../../runner/io/write-atomic.ts';
import { openRunFolder, RUN_SCHEMA, writeState } from '../../../../runner/job/run/run-folder.ts';
import { findShards, mergeInto } from '../../../../runner/job/shards/merge.ts';
import { shardFolder, shardsFolder } from '../../../../runner/job/shards/shard-plan.ts';
import { recordId } from '../../../../runner/job/shared/planned-saes.ts';
import { writeRunRecords } from '../../../../runner/report/run-records.ts';
import type { EvaluationRecord } from '../../../../runner/report/schema.ts';
import { fixture } from '../../site/fixtures.ts';

const [name, sae] = ['mine', 'L0'];
const identity = { trained: 'a', evaluated: 'b', model: 'c' };
const before = fixture('small-world-l0');
const trained: EvaluationRecord = { ...before, id: recordId(name, sae) };

let runs: string;
beforeEach(async () => {
  runs = await mkdtemp(join(tmpdir(), 'interpboard-shards-'));
});
afterEach(() => rm(runs, { recursive: true, force: true }));

/** A run of one shard that is done, with these records. */
async function found(records: readonly EvaluationRecord[], over: Partial<RunConfig> = {}) {
  const config = { ...(await resolveRun(['small-world-quick'], {})), name, ...over };
  const folder = shardFolder(runs, name, { index: 1, of: 1 });
  await writeJsonAtomic(join(shardsFolder(runs, name), 'plan.json'), {
    schema: 'interpboard.shards/1',
    identity,
    config,
    shards: [{ saes: [sae], operations: 1 }],
  });
  await writeState(folder, {
    schema: RUN_SCHEMA,
    identity,
    config,
    stage: 'done',
    started: '2026-01-01T00:00:00.000Z',
    shard: { index: 1, of: 1, saes: [sae] },
    seconds: { training: 1, evaluating: 1 },
  });
  await writeRunRecords(folder, records);
  return findShards(runs, name, false);
}

const withFile = (file: string): EvaluationRecord => ({
  ...trained,
  sae: { ...trained.sae, files: [{ ...trained.sae.files[0]!, name: file }] },
});

describe('records of a shard', () => {
  it('name the SAEs of its share, and their files', async () => {
    expect(trained.sae.training).not.toBeNull();
    expect((await found([withFile('sae_L0_latest.safetensors')])).parts[0]!.records[0]!.id).toBe(sae);
  });

  it.each([
    '../../../evil.safetensors',
    'sae_/../../evil',
    '/etc/passwd',
    'sae_L0/../../../run.json',
    'C:\\sae_L0',
    'sae_L0\\..\\evil',
    'run.json',
    'checkpoints',
    'sae_',
    'sae_L0\n',
  ])('with a file %j are refused', async (file) => {
    await expect(found([withFile(file)])).rejects.toThrow(MalformedError);
  });

  it('of other SAEs than its share, or more, are refused', async () => {
    const other = { ...trained, id: recordId(name, 'L1') };
    await expect(found([other])).rejects.toThrow('no record of L0');
    await expect(found([trained, other])).rejects.toThrow('2 records');
  });
});

it('a merge of SAEs that the run measured and did not train has nothing to release', async () => {
  const others = { ...trained, sae: { ...trained.sae, training: null } };
  const upload = { repository: 'lab/results', everyTokens: 1, private: true };
  const folder = await openRunFolder(join(runs, name));
  try {
    const measured = await found([others], { upload, train: false, saes: ['lab/sae'] });
    expect(await mergeInto(folder, measured)).toMatchObject({ stage: 'done' });
    const trains = await found([others], { upload });
    expect(await mergeInto(folder, trains)).toMatchObject({ stage: 'releasing' });
  } finally {
    await folder.release();
  }
});
