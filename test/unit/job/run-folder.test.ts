import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MalformedError, UnavailableError, UserError } from '../../../runner/errors.ts';
import {
  checkIdentity,
  discardRunFolder,
  openRunFolder,
  type RunState,
} from '../../../runner/job/run-folder.ts';

let folder: string;
beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'interpboard-')), 'run');
});
afterEach(() => rm(join(folder, '..'), { recursive: true, force: true }));

const state: RunState = {
  schema: 'interpboard.run/1',
  identity: { config: 'a', model: 'b' },
  config: {},
  stage: 'training',
  started: '2026-01-01T00:00:00.000Z',
  seconds: { training: 1, evaluating: 0 },
};

describe('openRunFolder', () => {
  it('keeps the state between openings', async () => {
    const first = await openRunFolder(folder);
    expect(first.found).toBeUndefined();
    await first.save(state);
    await first.release();
    const second = await openRunFolder(folder);
    expect(second.found).toEqual(state);
    await second.release();
    expect(await readdir(folder)).toEqual(['run.json']);
  });

  it('refuses while another process works there', async () => {
    await openRunFolder(folder).then((run) => run.release());
    // Process 1 is always alive.
    await writeFile(join(folder, 'lock'), '1\n');
    await expect(openRunFolder(folder)).rejects.toThrow(UnavailableError);
  });

  it('takes over the lock of a process that is gone, or a lock that was never finished', async () => {
    await openRunFolder(folder).then((run) => run.release());
    for (const content of ['4194305\n', '', 'nonsense']) {
      await writeFile(join(folder, 'lock'), content);
      await openRunFolder(folder).then((run) => run.release());
    }
  });

  it('calls a damaged state malformed and lets go of the lock', async () => {
    await openRunFolder(folder).then((run) => run.release());
    await writeFile(join(folder, 'run.json'), '{"schema": ');
    await expect(openRunFolder(folder)).rejects.toThrow(MalformedError);
    expect(await readdir(folder)).toEqual(['run.json']);
  });
});

describe('discardRunFolder', () => {
  it('deletes a damaged run, but not one that a process works in', async () => {
    await openRunFolder(folder).then((run) => run.release());
    await writeFile(join(folder, 'run.json'), 'damaged');
    await writeFile(join(folder, 'lock'), '1\n');
    await expect(discardRunFolder(folder)).rejects.toThrow(UnavailableError);
    expect((await readdir(folder)).sort()).toEqual(['lock', 'run.json']);
    await rm(join(folder, 'lock'));
    await discardRunFolder(folder);
    await expect(readdir(folder)).rejects.toThrow(/ENOENT/);
  });
});

describe('checkIdentity', () => {
  it('tells other settings from another model', async () => {
    const run = await openRunFolder(folder);
    const found = { ...run, found: state };
    expect(() => checkIdentity(run, { config: 'x', model: 'y' })).not.toThrow();
    expect(() => checkIdentity(found, state.identity)).not.toThrow();
    expect(() => checkIdentity(found, { config: 'x', model: 'b' })).toThrow(/other settings/);
    expect(() => checkIdentity(found, { config: 'a', model: 'x' })).toThrow(/other model files/);
    expect(() => checkIdentity(found, { config: 'a', model: 'x' })).toThrow(UserError);
    await run.release();
  });
});
