import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { UnavailableError } from '../../../runner/errors.ts';
import { refusedByFileSystem, refusedWrite } from '../../../runner/io/refused-write.ts';
import { rename } from '../../../runner/io/rename.ts';

const fault = (code: string): Error => Object.assign(new Error(`${code}: rename`), { code });

/** A system whose first renames fail. */
function system(platform: NodeJS.Platform, ...faults: string[]) {
  let clock = 0;
  const move = vi.fn(async () => {
    const code = faults.shift();
    if (code !== undefined) throw fault(code);
  });
  return {
    platform,
    rename: move,
    wait: async (milliseconds: number) => {
      clock += milliseconds;
    },
    waited: () => clock,
  };
}

it.each(['EPERM', 'EBUSY', 'EACCES'])('on Windows %s is waited out', async (code) => {
  const windows = system('win32', code, code, code);
  await rename('a', 'b', windows);
  expect(windows.rename.mock.calls).toEqual(Array.from({ length: 4 }, () => ['a', 'b']));
  expect(windows.waited()).toBeLessThan(200);
});

it('for two seconds at least and five at most; then the error is the system’s', async () => {
  const windows = system('win32', ...Array.from({ length: 100 }, () => 'EBUSY'));
  await expect(rename('a', 'b', windows)).rejects.toThrow('EBUSY: rename');
  expect(windows.waited()).toBeGreaterThanOrEqual(2_000);
  expect(windows.waited()).toBeLessThan(5_000);
});

it.each([
  ['win32', 'ENOENT'],
  ['win32', 'ENOTEMPTY'],
  ['linux', 'EPERM'],
  ['darwin', 'EACCES'],
] as const)('on %s %s is an answer', async (platform, code) => {
  const other = system(platform, code);
  await expect(rename('a', 'b', other)).rejects.toThrow(code);
  expect(other.waited()).toBe(0);
});

it('a file that is held does not ask for a larger disk', () => {
  for (const code of ['EPERM', 'EBUSY', 'EACCES', 'EROFS'])
    expect(refusedWrite(fault(code)).next).not.toMatch(/[Ff]ree space/);
  expect(refusedWrite(fault('EBUSY'))).toMatchObject({
    found: 'EBUSY: rename',
    expected: expect.stringContaining('no other program holds open'),
    next: expect.stringContaining('Close the program'),
  });
  expect(refusedWrite(fault('ENOSPC')).next).toMatch(/^Free space/);
});

it('what the file system refused and nobody put into words is said in one line; other errors are not', async () => {
  const refusal = await readFile(import.meta.dirname).catch((error: unknown) => refusedByFileSystem(error));
  expect(refusal).toBeInstanceOf(UnavailableError);
  expect((refusal as UnavailableError).message).toMatch(/EISDIR.*; expected files where .*--debug shows/);
  const below = join(import.meta.filename, 'x');
  const path = await readFile(below).catch((error: unknown) => refusedByFileSystem(error)?.complaint.thing);
  expect(path).toBe(below);
  expect(refusedByFileSystem(fault('EBUSY'))).toBeNull();
  expect(refusedByFileSystem(new TypeError('x is not a function'))).toBeNull();
  const missing = await readFile('nowhere').catch((error: unknown) => refusedByFileSystem(error));
  expect(missing).toBeNull();
});
