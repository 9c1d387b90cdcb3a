/**
 * The suites, as `npm test` runs them: the end-to-end tests, which wait for processes and hubs much of the time, beside
 * all others. Words behind it go to vitest.
 *
 *     npm test [-- FILE ... | --mode whole]
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';

const vitest = fileURLToPath(new URL('../node_modules/vitest/vitest.mjs', import.meta.url));
/** Each runs its projects one after the other. */
const beside = [['unit', 'wiring', 'gpu'], ['e2e']];

/** Whole lines, so that those of two processes do not mix. */
function pass(from: Readable, to: NodeJS.WritableStream): void {
  createInterface({ input: from }).on('line', (line) => to.write(`${line}\n`));
}

function run(projects: readonly string[]): Promise<number> {
  const chosen = projects.flatMap((name) => ['--project', name]);
  const args = [vitest, 'run', '--passWithNoTests', ...chosen, ...process.argv.slice(2)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  pass(child.stdout, process.stdout);
  pass(child.stderr, process.stderr);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? 1));
  });
}

const codes = await Promise.all(beside.map(run));
process.exitCode = Math.max(...codes);
