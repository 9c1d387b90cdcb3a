/**
 * Whether the tests notice: small changes of the program, each applied in a copy of it, and the tests that should fail.
 *
 *     npm run test:mutation [-- WORD ...]      those of a number, or with a word in the name of their file or test
 *
 * Exit code 1 where a change survives without an explanation, its place in the program is not found any more, or its
 * tests fail without it.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Mutation } from './mutation.ts';
import { mutations } from './mutations.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const words = process.argv.slice(2);

function copyOfProgram(): string {
  const copy = mkdtempSync(join(tmpdir(), 'interpboard-mutation-'));
  const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  });
  for (const file of files.split('\n').filter((name) => name !== '' && !name.startsWith('content/'))) {
    mkdirSync(dirname(join(copy, file)), { recursive: true });
    cpSync(join(root, file), join(copy, file));
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'), 'dir');
  return copy;
}

type Result = 'killed' | 'survived' | 'explained' | 'not found' | 'red before';

const baselines = new Map<string, boolean>();

/** Whether the tests pass. */
function passes(copy: string, tests: readonly string[], only: string | undefined): boolean {
  const filter = only === undefined ? [] : ['-t', only];
  const args = ['runner/launch.mjs', 'vitest', 'run', '--mode', 'whole', '--bail', '1', ...filter, ...tests];
  return spawnSync(process.execPath, args, { cwd: copy, stdio: 'ignore' }).status === 0;
}

function tried(copy: string, { file, from, to, tests, only, explained }: Mutation): Result {
  const path = join(copy, file);
  const text = readFileSync(path, 'utf8');
  if (text.split(from).length !== 2) return 'not found';
  // A test that fails without the change says nothing about it.
  const key = JSON.stringify([tests, only]);
  const green = baselines.get(key) ?? passes(copy, tests, only);
  baselines.set(key, green);
  if (!green) return 'red before';
  writeFileSync(
    path,
    text.replace(from, () => to),
  );
  try {
    if (!passes(copy, tests, only)) return 'killed';
    return explained === undefined ? 'survived' : 'explained';
  } finally {
    writeFileSync(path, text);
  }
}

const copy = copyOfProgram();
const counts: Record<Result, number> = {
  killed: 0,
  survived: 0,
  explained: 0,
  'not found': 0,
  'red before': 0,
};
try {
  for (const [i, mutation] of mutations.entries()) {
    const name = `${i + 1} ${mutation.file}`;
    const isChosen = (word: string): boolean =>
      word === String(i + 1) || [mutation.file, ...mutation.tests].some((path) => path.includes(word));
    if (words.length > 0 && !words.some(isChosen)) continue;
    const result = tried(copy, mutation);
    counts[result]++;
    const change = `${mutation.from.trim()}  →  ${mutation.to.trim() || '(nothing)'}`.replaceAll(/\s+/g, ' ');
    console.log(
      `${result.padEnd(10)} ${name}: ${change}${result === 'explained' ? ` (${mutation.explained})` : ''}`,
    );
  }
} finally {
  rmSync(copy, { recursive: true, force: true });
}
console.log(
  Object.entries(counts)
    .map(([result, count]) => `${count} ${result}`)
    .join(', '),
);
process.exitCode = counts.killed + counts.explained === Object.values(counts).reduce((a, b) => a + b) ? 0 : 1;
