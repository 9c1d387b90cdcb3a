/** No script of this project that starts Astro reports usage or asks another machine for anything. */
import { spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { inWorkFolder } from '../../runner/commands/astro.ts';
import { root } from './program.ts';

const trace = pathToFileURL(fileURLToPath(new URL('./trace-network.mjs', import.meta.url))).href;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'interpboard-traced-'));
  await mkdir(join(folder, 'content'));
  const records = fileURLToPath(new URL('../fixtures/site/records/', import.meta.url));
  const [one] = (await readdir(records)).filter((name) => name.includes('small-world'));
  await cp(join(records, one!), join(folder, 'content', one!));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Words of every script that starts Astro, by its name. */
async function scriptsOfAstro(): Promise<[string, string[]][]> {
  const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  return Object.entries(scripts)
    .map(([name, line]): [string, string[]] => [name, line.split(' ')])
    .filter(([, words]) => words.includes('astro'));
}

/** Runs a command until it ends or `ready` stands in its output, and says what it wrote and whom it asked. */
async function traced(
  words: readonly string[],
  ready: RegExp | null,
  environment: Record<string, string | undefined> = {},
): Promise<{ output: string; asked: string[]; kept: string[] }> {
  const at = await mkdtemp(join(folder, 'traced-'));
  const child = spawn(process.execPath, words, {
    cwd: root,
    // As in a terminal of somebody who never used Astro: vitest and CI would keep it quiet.
    env: {
      ...Object.fromEntries(
        Object.entries(process.env).filter(
          ([name]) => !/^(CI|VITEST.*|TEST|NODE_ENV|.*TELEMETRY.*)$/.test(name),
        ),
      ),
      HOME: at,
      XDG_CONFIG_HOME: join(at, 'config'),
      NODE_OPTIONS: `--import=${trace}`,
      TRACE_NETWORK: join(at, 'asked'),
      NO_COLOR: '1',
      INTERPBOARD_CONTENT: join(folder, 'content'),
      INTERPBOARD_OUT: join(folder, 'dist'),
      INTERPBOARD_WORK: undefined,
      INTERPBOARD_CACHE: join(folder, 'astro'),
      ...environment,
    },
  });
  let output = '';
  const closed = new Promise((done) => child.on('close', done));
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      output += String(chunk);
      if (ready?.test(output)) child.kill('SIGTERM');
    });
  await closed;
  const asked = await readFile(join(at, 'asked'), 'utf8').catch(() => '');
  const kept = await readdir(join(at, 'config'), { recursive: true }).catch(() => []);
  return { output, asked: asked.split('\n').filter((line) => line !== ''), kept };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as { port: number };
  await new Promise((done) => server.close(done));
  return port;
}

test('the trace sees whom a child process of a child process asks', async () => {
  const ask = `fetch('http://telemetry.invalid/x').catch(() => {}); require('node:https').get('https://update.invalid/').on('error', () => {})`;
  const parent = `require('node:child_process').spawnSync(process.execPath, ['-e', ${JSON.stringify(ask)}])`;
  const { asked } = await traced(['-e', parent], null);
  expect(asked.sort()).toEqual(expect.arrayContaining(['telemetry.invalid', 'update.invalid']));
});

test('build, dev and preview ask nobody, say nothing of telemetry and keep nothing of it', async () => {
  const scripts = await scriptsOfAstro();
  expect(scripts.map(([name]) => name).sort()).toEqual(['build', 'dev', 'preview']);
  await inWorkFolder(async (work) => {
    // The one that makes what another shows goes first.
    for (const [name, [, ...words]] of scripts.sort(([a], [b]) => (a < b ? -1 : 1))) {
      const served = name !== 'build';
      const port = served ? ['--port', String(await freePort())] : [];
      const ready = served ? /localhost:\d+/ : null;
      const { output, asked, kept } = await traced([...words, ...port], ready, { INTERPBOARD_WORK: work });
      expect(output, name).toMatch(served ? /localhost:\d+/ : /Complete!|built in/);
      expect(output, name).not.toMatch(/telemetry|anonymous/i);
      expect({ name, asked, kept }).toEqual({ name, asked: [], kept: [] });
    }
  });
});
