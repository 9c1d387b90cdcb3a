import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MalformedError, UnavailableError } from '../../../../runner/errors.ts';
import { shortHash, thisMachine } from '../../../../runner/io/process-identity.ts';
import { discardRunFolder, openRunFolder, type RunState } from '../../../../runner/job/run/run-folder.ts';

let folder: string;
beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'interpboard-')), 'run');
});
afterEach(() => rm(join(folder, '..'), { recursive: true, force: true }));

const state: RunState = {
  schema: 'interpboard.run/2',
  identity: { trained: 'a', evaluated: 'b', model: 'c' },
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
    await mkdir(folder);
    // Process 1 is always alive.
    await writeFile(join(folder, 'lock'), '1\n');
    await expect(openRunFolder(folder)).rejects.toThrow(UnavailableError);
  });

  it('takes over the lock of a process that is gone, and sweeps what it left half-written', async () => {
    await mkdir(folder);
    await writeFile(join(folder, 'lock'), '4194305\n');
    const { host } = thisMachine;
    await writeFile(join(folder, `run.json.${shortHash(host)}-4194305-0123456789abcdef.tmp`), '{');
    await writeFile(join(folder, 'mine.tmp'), '');
    await openRunFolder(folder).then((run) => run.release());
    expect(await readdir(folder)).toEqual(['mine.tmp']);
  });

  it('refuses every state with one bit flipped', async () => {
    await openRunFolder(folder).then(async (run) => {
      await run.save(state);
      await run.release();
    });
    const path = join(folder, 'run.json');
    const bytes = await readFile(path);
    for (let bit = 0; bit < 8 * bytes.length; bit += 7) {
      const flipped = Buffer.from(bytes);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      await writeFile(path, flipped);
      await expect(openRunFolder(folder), `bit ${bit}`).rejects.toThrow(MalformedError);
    }
    await writeFile(path, bytes);
    const whole = await openRunFolder(folder);
    expect(whole.found).toEqual(state);
    await whole.release();
  });

  it('calls a damaged state malformed and lets go of the lock', async () => {
    await mkdir(folder);
    await writeFile(join(folder, 'run.json'), '{"schema": ');
    await expect(openRunFolder(folder)).rejects.toThrow(MalformedError);
    expect(await readdir(folder)).toEqual(['run.json']);
  });
});

describe('a folder in which nothing was saved', () => {
  it('is gone afterwards, with those that were made to hold it', async () => {
    const deep = join(folder, 'runs', 'one');
    await openRunFolder(deep).then((run) => run.release());
    await expect(readdir(folder)).rejects.toThrow(/ENOENT/);
    expect(await readdir(join(folder, '..'))).toEqual([]);
  });

  it('stays where it was there before, or holds something else', async () => {
    await mkdir(folder);
    await openRunFolder(folder).then((run) => run.release());
    expect(await readdir(folder)).toEqual([]);
    const other = await openRunFolder(join(folder, 'other'));
    await writeFile(join(other.path, 'notes.txt'), 'mine');
    await other.release();
    expect(await readdir(join(folder, 'other'))).toEqual(['notes.txt']);
  });
});

describe('a state of an earlier version', () => {
  it('is called that', async () => {
    const run = await openRunFolder(folder);
    await run.save(state);
    await run.release();
    await writeFile(join(folder, 'run.json'), JSON.stringify({ ...state, schema: 'interpboard.run/1' }));
    await expect(openRunFolder(folder)).rejects.toThrow(
      /found the state of a run of an earlier version.*--sae/,
    );
  });
});

describe('discardRunFolder', () => {
  it('deletes a damaged run, but not one that a process works in', async () => {
    await mkdir(folder);
    await writeFile(join(folder, 'run.json'), 'damaged');
    await writeFile(join(folder, 'lock'), '1\n');
    await expect(discardRunFolder(folder)).rejects.toThrow(UnavailableError);
    expect((await readdir(folder)).sort()).toEqual(['lock', 'run.json']);
    await rm(join(folder, 'lock'));
    await discardRunFolder(folder);
    await expect(readdir(folder)).rejects.toThrow(/ENOENT/);
  });
});
