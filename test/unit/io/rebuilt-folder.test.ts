import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeWithin, rebuildFolder, restored } from '../../../runner/io/rebuilt-folder.ts';
import { random } from '../../../runner/math/random.ts';
import { fill, filledBy } from './filling.ts';

let root: string;
let folder: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'interpboard-rebuilt-'));
  folder = join(root, 'dist');
});
afterEach(() => rm(root, { recursive: true, force: true }));

test('a folder is made anew, and the old one stays when that fails', async () => {
  await rebuildFolder(folder, (made) => fill(made, 'one'));
  expect(await filledBy(folder)).toBe('one');
  const failing = rebuildFolder(folder, async (made) => {
    await fill(made, 'two');
    throw new Error('no more');
  });
  await expect(failing).rejects.toThrow('no more');
  // What cannot take the old one's place: there is nothing.
  await expect(rebuildFolder(folder, async () => undefined)).rejects.toThrow(/ENOENT/);
  expect(await filledBy(folder)).toBe('one');
  expect(await readdir(root)).toEqual(['dist']);
});

test('of 100 times several builds at once, the last that finishes is seen, whole, and nothing is left', async () => {
  const stream = random('builds at once');
  for (let race = 0; race < 100; race++) {
    const finished: string[] = [];
    await Promise.all(
      [0, 1, 2].map(async (builder) => {
        // One begins as another ends.
        await wait(4 * builder * stream.next());
        await rebuildFolder(folder, (made) => fill(made, `${race} ${builder}`));
        finished.push(`${race} ${builder}`);
      }),
    );
    expect(finished).toContain(await filledBy(folder));
    expect(await readdir(root)).toEqual(['dist']);
  }
}, 120_000);

test('a folder is made again where the one around it was just taken away, and not for ever', async () => {
  const gone = Object.assign(new Error('gone'), { code: 'ENOENT' });
  let calls = 0;
  const failing = (times: number) => async (): Promise<void> => {
    if (calls++ < times) throw gone;
  };
  await makeWithin(folder, failing(3));
  expect(calls).toBe(4);
  calls = 0;
  await expect(makeWithin(folder, failing(Number.POSITIVE_INFINITY))).rejects.toBe(gone);
  expect(calls).toBeLessThan(100);
  const full = Object.assign(new Error('full'), { code: 'ENOSPC' });
  await expect(makeWithin(folder, () => Promise.reject(full))).rejects.toBe(full);
});

test('an exchange that was cut between its two renames is undone by the next one that looks', async () => {
  await rebuildFolder(folder, (made) => fill(made, 'one'));
  await mkdir(`${folder}.build`);
  await rename(folder, join(`${folder}.build`, 'old'));
  await restored(folder);
  expect(await filledBy(folder)).toBe('one');
  expect(await readdir(root)).toEqual(['dist']);
  // Cut after both: the new one stays.
  await mkdir(`${folder}.build`);
  await fill(join(`${folder}.build`, 'old'), 'older');
  await restored(folder);
  expect(await filledBy(folder)).toBe('one');
  expect(await readdir(root)).toEqual(['dist']);
});

test('20 kills at any moment lose no folder and leave nothing to the next one', async () => {
  await rebuildFolder(folder, (made) => fill(made, 'start'));
  const program = fileURLToPath(new URL('./filling.ts', import.meta.url));
  for (let kill = 0; kill < 20; kill++) {
    const child = spawn(process.execPath, [program, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    child.stdout.on('data', (chunk) => {
      if (said === '') setTimeout(() => child.kill('SIGKILL'), 1 + kill * 1.7);
      said += String(chunk);
    });
    await new Promise((resolve) => child.once('close', resolve));
    await restored(folder);
    const last = said.trim().split('\n').at(-1)!;
    const found = Number(await filledBy(folder));
    // The one that it said it finished, or one that it finished without saying so.
    expect([Number(last), Number(last) + 1]).toContain(found);
    expect(await readdir(root)).toEqual(['dist']);
  }
}, 120_000);

test('what is not its own is left alone', async () => {
  await mkdir(`${folder}.build`);
  await writeFile(join(`${folder}.build`, 'notes'), 'mine');
  await rebuildFolder(folder, (made) => fill(made, 'one'));
  expect(await readFile(join(`${folder}.build`, 'notes'), 'utf8')).toBe('mine');
});
