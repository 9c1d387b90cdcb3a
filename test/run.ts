/**
 * The suites, as `npm test` runs them: the end-to-end tests, which wait for processes and hubs much of the time, beside
 * all others. Words behind it go to vitest; where they name no test of either, that is a failure.
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

/** What vitest says where it exits with 0 for want of files. */
const NOTHING = 'No test files found';

/** Whole lines, so that those of two processes do not mix. */
function pass(from: Readable, to: NodeJS.WritableStream, see: (line: string) => void): void {
  createInterface({ input: from }).on('line', (line) => {
    see(line);
    to.write(`${line}\n`);
  });
}

function run(projects: readonly string[]): Promise<{ code: number; found: boolean }> {
  const chosen = projects.flatMap((name) => ['--project', name]);
  const args = [vitest, 'run', '--passWithNoTests', ...chosen, ...process.argv.slice(2)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let found = true;
  const see = (line: string): void => {
    if (line.includes(NOTHING)) found = false;
  };
  pass(child.stdout, process.stdout, see);
  pass(child.stderr, process.stderr, see);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code: code ?? 1, found }));
  });
}

const ends = await Promise.all(beside.map(run));
process.exitCode = Math.max(...ends.map(({ code }) => code));
if (ends.every(({ found }) => !found)) {
  console.error(`No project has a test file for: ${process.argv.slice(2).join(' ')}`);
  process.exitCode = 1;
}
