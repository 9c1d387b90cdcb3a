import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UnavailableError } from '../../../runner/errors.ts';
import { emptyOwned, type Ownership, ownFolder, whileOwned } from '../../../runner/io/folder-owner.ts';
import { isRunning, type Machine, processToken, thisMachine } from '../../../runner/io/process-identity.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'interpboard-owner-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A machine on which the processes named run. */
function machine(host: string, pid: number, running: readonly number[] = [pid]): Machine {
  return { host, pid, startOf: (each) => (running.includes(each) ? `start of ${each}` : undefined) };
}

/** Takes the folder as a process that then dies without a word. */
async function abandon(by: Machine): Promise<string> {
  const owned = await ownFolder(folder, { machine: by, heartbeat: { every: 2 ** 30, dead: 90_000 } });
  const [token] = await readdir(join(folder, 'lock'));
  expect(owned.lost.aborted).toBe(false);
  return join(folder, 'lock', token!);
}

async function age(file: string, ms: number): Promise<void> {
  const then = new Date((await stat(file)).mtimeMs - ms);
  await utimes(file, then, then);
}

const settled = (tries: readonly Promise<Ownership>[]): Promise<Ownership[]> =>
  Promise.allSettled(tries).then((results) =>
    results.flatMap((result) => {
      if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(UnavailableError);
      return result.status === 'fulfilled' ? [result.value] : [];
    }),
  );

describe('the owner of a folder', () => {
  it('is one until it lets go, and leaves nothing', async () => {
    const owned = await ownFolder(join(folder, 'run'));
    const second = ownFolder(join(folder, 'run'));
    await expect(second).rejects.toThrow(
      `found process ${process.pid} at work there; expected one process at a time`,
    );
    await owned.release();
    expect(await readdir(join(folder, 'run'))).toEqual([]);
    await (await ownFolder(join(folder, 'run'))).release();
  });

  it('is waited for where there is patience', async () => {
    const owned = await ownFolder(folder);
    const order: string[] = [];
    const later = whileOwned(folder, async () => order.push('second'), { patience: 20_000 });
    order.push('first');
    await owned.release();
    await later;
    expect(order).toEqual(['first', 'second']);
    expect(await readdir(folder)).toEqual([]);
  });

  it('of this machine is known to be gone at once, whoever has its number now', async () => {
    const dead = machine('here', 7);
    await abandon(dead);
    const reused: Machine = { host: 'here', pid: 8, startOf: () => 'a later start' };
    await (await ownFolder(folder, { machine: reused })).release();

    await abandon(dead);
    await expect(ownFolder(folder, { machine: machine('here', 8, [7, 8]) })).rejects.toThrow(
      /process 7 at work/,
    );
    await (await ownFolder(folder, { machine: machine('here', 8) })).release();
  });

  it('of another machine is told by its heartbeat, in the time of the file system', async () => {
    const file = await abandon(machine('there 1a2b', 7));
    const here = machine('here', 7);
    await expect(ownFolder(folder, { machine: here })).rejects.toThrow(/process 7 of host "there" at work/);
    await age(file, 89_000);
    await expect(ownFolder(folder, { machine: here })).rejects.toThrow(UnavailableError);
    await age(file, 2_000);
    await (await ownFolder(folder, { machine: here })).release();
  });

  it('keeps its folder while its heart beats, and learns that it was taken for dead', async () => {
    const heartbeat = { every: 20, dead: 5_000 };
    const owned = await ownFolder(folder, { machine: machine('there', 7), heartbeat });
    const [token] = await readdir(join(folder, 'lock'));
    const file = join(folder, 'lock', token!);
    await age(file, 60_000);
    const aged = (await stat(file)).mtimeMs;
    const beaten = async (): Promise<boolean> => (await stat(file)).mtimeMs !== aged;
    while (!(await beaten())) await new Promise((resolve) => setTimeout(resolve, 5));
    await expect(ownFolder(folder, { machine: machine('here', 1), heartbeat })).rejects.toThrow(
      /host "there"/,
    );
    // Asleep for long, and another one takes the folder.
    await rm(file);
    const other = await ownFolder(folder, { machine: machine('here', 1), heartbeat });
    while (!owned.lost.aborted) await new Promise((resolve) => setTimeout(resolve, 5));
    await owned.release();
    await expect(ownFolder(folder, { machine: machine('third', 1), heartbeat })).rejects.toThrow(
      /host "here"/,
    );
    expect(other.lost.aborted).toBe(false);
    await other.release();
  });

  it('that cannot be read is one while its file is young', async () => {
    await mkdir(join(folder, 'lock'));
    const file = join(folder, 'lock', 'x');
    await writeFile(file, '{"host":');
    await expect(ownFolder(folder)).rejects.toThrow(/an owner that cannot be read/);
    await age(file, 100_000);
    await (await ownFolder(folder)).release();
  });

  it('of an earlier version is a process number in a file', async () => {
    await writeFile(join(folder, 'lock'), `${process.ppid}\n`);
    await expect(ownFolder(folder)).rejects.toThrow(`found process ${process.ppid} at work`);
    for (const text of ['4194305\n', '', 'nonsense', `${process.pid}\n`]) {
      await writeFile(join(folder, 'lock'), text);
      await (await ownFolder(folder)).release();
    }
  });

  it('may empty its folder, and sweeps what a killed one was making', async () => {
    const token = processToken(machine('here', 7));
    await mkdir(join(folder, `lock.${token}`));
    // Killed before it had written a word.
    await writeFile(join(folder, `lock.${token}`, token), '');
    const owned = await ownFolder(folder, { machine: machine('here', 8) });
    await writeFile(join(folder, 'file'), '');
    await emptyOwned(folder);
    expect(await readdir(folder)).toEqual(['lock']);
    await owned.release();
    expect(await readdir(folder)).toEqual([]);
  });

  it.skipIf(process.getuid?.() === 0)('says where a folder cannot be written', async () => {
    await expect(ownFolder('/proc/interpboard')).rejects.toThrow(/expected a writable folder/);
  });

  it('says where a file stands in the folder’s place', async () => {
    await writeFile(join(folder, 'file'), '');
    await expect(ownFolder(join(folder, 'file'))).rejects.toThrow(/expected a writable folder/);
  });
});

/** Contenders of one race, each a host of its own, as for nodes of a cluster on one file system. */
const CONTENDERS = 6;

describe.each([
  ['free folder', async (): Promise<void> => undefined],
  ['lock of a dead process', async (): Promise<void> => void (await abandon(machine('host 0', 99)))],
  ['lock without heartbeat', async (): Promise<void> => age(await abandon(machine('lost', 99)), 100_000)],
  ['lock of an earlier version', (): Promise<void> => writeFile(join(folder, 'lock'), '4194305\n')],
] as const)('100 races for a %s', (_name, plant) => {
  it('have one winner each', async () => {
    for (let race = 0; race < 100; race++) {
      await plant();
      const tries = Array.from({ length: CONTENDERS }, (_, i) =>
        ownFolder(folder, { machine: machine(`host ${i}`, i + 1) }),
      );
      const owners = await settled(tries);
      expect(owners).toHaveLength(1);
      await owners[0]!.release();
      expect(await readdir(folder)).toEqual([]);
    }
  }, 120_000);
});

it('100 races for the folder of a live process have no winner', async () => {
  const owned = await ownFolder(folder, { machine: machine('host 0', 1) });
  for (let race = 0; race < 100; race++) {
    const tries = Array.from({ length: CONTENDERS }, (_, i) =>
      ownFolder(folder, { machine: machine(`host ${i}`, 1) }),
    );
    // Process 1 of host 0 is the owner itself, and finds that it has the folder.
    expect(await settled(tries)).toEqual([]);
  }
  await owned.release();
});

it('processes that share a counter lose no count, whichever of them are killed on the way', async () => {
  const program = fileURLToPath(new URL('./counting.ts', import.meta.url));
  const count = async (turns: number, kill?: number): Promise<number> => {
    const child = spawn(process.execPath, [program, folder, String(turns)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let done = 0;
    child.stdout.on('data', (chunk) => {
      done += String(chunk).length;
      if (kill !== undefined && done >= kill) child.kill('SIGKILL');
    });
    await new Promise((resolve) => child.once('close', resolve));
    return done;
  };
  const counts = await Promise.all([count(40), count(40), count(1_000, 15), count(1_000, 25)]);
  const { length } = await readFile(join(folder, 'count'), 'utf8');
  const said = counts.reduce((sum, each) => sum + each, 0);
  // A killed one may have counted without having said so.
  expect(length).toBeGreaterThanOrEqual(said);
  expect(length).toBeLessThanOrEqual(said + 2);
});

it('this machine knows its own processes', async () => {
  const me = processToken();
  expect(isRunning(me)).toBe(true);
  expect(isRunning(me, { ...thisMachine, host: 'elsewhere' })).toBeNull();
  expect(isRunning('no token')).toBeNull();
  // The same number, and another start.
  expect(isRunning(processToken({ ...thisMachine, startOf: () => 'yesterday' }))).toBe(false);
  const child: ChildProcess = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)']);
  const other = processToken({ ...thisMachine, pid: child.pid! });
  expect(isRunning(other)).toBe(true);
  child.kill('SIGKILL');
  await new Promise((resolve) => child.once('close', resolve));
  expect(isRunning(other)).toBe(false);
});
