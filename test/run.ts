/**
 * What `npm test` and `npm run check` run: types, lint and tests, beside one another. Words behind it go to vitest.
 *
 *     npm test [-- FILE ... | --mode whole]
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));
const programs = [
  ['tsc', '--noEmit'],
  ['biome', 'check', '.'],
  ['vitest', 'run', ...process.argv.slice(2)],
];

/** Whole lines, so that those of several processes do not mix. */
function pass(from: Readable, to: NodeJS.WritableStream): void {
  createInterface({ input: from }).on('line', (line) => to.write(`${line}\n`));
}

function run(words: readonly string[]): Promise<{ name: string; code: number }> {
  const child = spawn(process.execPath, ['runner/launch.mjs', ...words], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  pass(child.stdout, process.stdout);
  pass(child.stderr, process.stderr);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ name: words[0]!, code: code ?? 1 }));
  });
}

const ends = await Promise.all(programs.map(run));
// The last lines are those of the tests: what failed before is said again.
for (const { name, code } of ends) if (code !== 0) console.error(`${name} failed with code ${code}`);
process.exitCode = Math.max(...ends.map(({ code }) => code));
