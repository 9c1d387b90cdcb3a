import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { resolveRun } from '../../../../runner/config/resolve.ts';
import type { RunConfig } from '../../../../runner/config/run-config.ts';
import { UserError } from '../../../../runner/errors.ts';
import { resumedState as resumed } from '../../../../runner/job/run/resumed-state.ts';
import type { RunState } from '../../../../runner/job/run/run-folder.ts';

let path: string;
let config: RunConfig;
let done: RunState;
const identity = { trained: 'a', evaluated: 'b', model: 'c' };

beforeEach(async () => {
  path = await mkdtemp(join(tmpdir(), 'interpboard-standing-'));
  config = await resolveRun(['small-world-quick'], {});
  done = {
    schema: 'interpboard.run/2',
    identity,
    config,
    stage: 'done',
    started: '2026-01-01T00:00:00.000Z',
    seconds: { training: 5, evaluating: 7 },
  };
});
afterEach(() => rm(path, { recursive: true, force: true }));

/** Of a run whose records are these. */
const resumedState = (
  folder: Parameters<typeof resumed>[0],
  settings: RunConfig,
  asked: RunState['identity'],
  records: string[] = [],
) => resumed(folder, settings, asked, records);

const withCheckpoint = (): Promise<string | undefined> =>
  mkdir(join(path, 'checkpoints', 'generation-000001'), { recursive: true });

const withRecords = async (...ids: string[]): Promise<void> => {
  await mkdir(join(path, 'records'), { recursive: true });
  for (const id of ids) await writeFile(join(path, 'records', `${id}.json`), '{}');
};

describe('a run that is asked for again', () => {
  it('goes on as it was with the same settings', async () => {
    expect(await resumedState({ path, found: undefined }, config, identity)).toBeUndefined();
    expect(await resumedState({ path, found: done }, config, identity)).toEqual(done);
  });

  it.each(['done', 'releasing', 'evaluating'] as const)(
    'is measured again after %s, its training kept',
    async (stage) => {
      const state = await resumedState({ path, found: { ...done, stage } }, config, {
        ...identity,
        evaluated: 'x',
      });
      expect(state).toEqual({
        ...done,
        identity: { ...identity, evaluated: 'x' },
        stage: 'evaluating',
        seconds: { training: 5, evaluating: 0 },
      });
    },
  );

  it('trains on where it was training, whatever will be measured', async () => {
    await withCheckpoint();
    const found: RunState = { ...done, stage: 'training' };
    const state = await resumedState({ path, found }, config, { ...identity, evaluated: 'x' });
    expect(state).toMatchObject({ stage: 'training', identity: { evaluated: 'x' } });
  });

  it('refuses to train with other settings once something is trained, and names them', async () => {
    const other = await resolveRun(['small-world-quick'], { set: ['sae.k=4', 'corpus.trainSeed=1'] });
    const asked = { ...identity, trained: 'x', evaluated: 'x' };
    const refused = resumedState({ path, found: done }, other, asked);
    await expect(refused).rejects.toBeInstanceOf(UserError);
    await expect(refused).rejects.toThrow(
      /found SAEs trained with other settings \(corpus\.trainSeed, sae\.k\); .*--fresh/,
    );
    await expect(resumedState({ path, found: done }, config, { ...identity, model: 'x' })).rejects.toThrow(
      /other model files/,
    );
    await withCheckpoint();
    await expect(resumedState({ path, found: { ...done, stage: 'training' } }, other, asked)).rejects.toThrow(
      /--fresh/,
    );
  });

  it('begins anew with other settings where nothing is saved of the training', async () => {
    await writeFile(join(path, 'run.json'), '{}');
    await mkdir(join(path, 'snapshots', 'step-000001'), { recursive: true });
    const found: RunState = { ...done, stage: 'training' };
    const asked = { ...identity, trained: 'x' };
    expect(await resumedState({ path, found }, config, asked)).toBeUndefined();
    expect(await readdir(path)).toEqual([]);
    const measuring: RunState = { ...done, config: { ...config, train: false } };
    expect(await resumedState({ path, found: measuring }, config, asked)).toBeUndefined();
  });

  it('refuses another SAE or model where a run that trained none has records', async () => {
    const measured: RunConfig = { ...config, train: false, saes: ['a', 'b'] };
    const found: RunState = { ...done, config: measured };
    const asked = { ...identity, evaluated: 'x' };
    const again = (records: string[], other: Partial<RunConfig> = {}) =>
      resumedState({ path, found }, { ...measured, ...other }, asked, records);
    // Nothing is lost before there are records.
    expect(await again(['reuse-l2-c'])).toMatchObject({ stage: 'evaluating' });
    await withRecords('reuse-l2-a', 'reuse-l2-b');
    await expect(again(['reuse-l2-c'])).rejects.toThrow(
      /found the record "reuse-l2-a" and 1 more, of SAEs that this run leaves out; .*--name.*--fresh/,
    );
    await expect(again(['reuse-l2-b', 'reuse-l2-c'])).rejects.toThrow(
      /found the record "reuse-l2-a", of an SAE/,
    );
    const both = ['reuse-l2-b', 'reuse-l2-a'];
    const model = { ...config.model, id: 'other/model' };
    await expect(again(both, { model })).rejects.toThrow(/records on the model/);
    expect(await again([...both, 'reuse-l2-c'])).toMatchObject({ stage: 'evaluating', identity: asked });
  });

  it('refuses to lose the record of an SAE of others beside those that it trained, until its file is deleted', async () => {
    const asked = { ...identity, evaluated: 'x' };
    const again = (...records: string[]) => resumedState({ path, found: done }, config, asked, records);
    await withRecords('mine-l2', 'mine-l2-theirs');
    await expect(again('mine-l2', 'mine-l2-others')).rejects.toThrow(
      /found the record "mine-l2-theirs", of an SAE that this run leaves out; .*Name it too with --sae.*delete .*mine-l2-theirs\.json\.$/,
    );
    expect(await again('mine-l2', 'mine-l2-theirs', 'mine-l2-others')).toMatchObject({ stage: 'evaluating' });
    await rm(join(path, 'records', 'mine-l2-theirs.json'));
    expect(await again('mine-l2')).toMatchObject({ stage: 'evaluating' });
    // What other training would lose is said first: it is more.
    await withRecords('mine-l2-theirs');
    await expect(
      resumedState({ path, found: done }, config, { ...asked, trained: 'x' }, ['mine-l2']),
    ).rejects.toThrow(/SAEs trained with other settings/);
  });
});
