/** The program as a user starts it: a process of its own, and what it wrote. */
import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type EvaluationRecord, record } from '../../runner/report/schema.ts';
import { similarity } from '../../runner/report/similarity.ts';

export const root = fileURLToPath(new URL('../../', import.meta.url));

/** Windows hands a Ctrl-C to whoever shares the console; one process cannot send it to another. */
export const canInterrupt = process.platform !== 'win32';

export interface Outcome {
  code: number | null;
  out: string;
  err: string;
  /** Both, in the order they came. */
  all: string;
}

export interface Program {
  child: ChildProcess;
  outcome: Promise<Outcome>;
}

/**
 * @param words the verb and its arguments
 * @param within a command that runs the one given to it as further words
 */
export function startProgram(
  words: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  within: readonly string[] = [],
): Program {
  const [first = '', ...rest] = [...within, process.execPath, 'runner/launch.mjs', 'runner/cli.ts', ...words];
  const child = spawn(first, rest, {
    cwd: root,
    env: { ...process.env, ...environment },
  });
  return watched(child);
}

/** A process with all that it writes. */
export function watched(child: ChildProcessWithoutNullStreams): Program {
  const text = { out: '', err: '', all: '' };
  for (const [name, stream] of [
    ['out', child.stdout],
    ['err', child.stderr],
  ] as const) {
    // A character may stand on the seam of two chunks.
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text[name] += chunk;
      text.all += chunk;
    });
  }
  const outcome = new Promise<Outcome>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, ...text }));
  });
  return { child, outcome };
}

export function runProgram(
  words: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  within: readonly string[] = [],
): Promise<Outcome> {
  return startProgram(words, environment, within).outcome;
}

/** What an evaluation takes for a test that looks at something else of it: every suite, on little text. */
export const LITTLE_TEXT: Readonly<Record<string, string>> = {
  'evaluation.tokens': '2048',
  'evaluation.coreTokens': '512',
  'evaluation.controlTokens': '512',
  'evaluation.probeTexts': '60',
  'evaluation.probeTokens': '64',
  'evaluation.resamples': '50',
};

/** No suite beside reconstruction and losses. */
export const NO_SUITES: Readonly<Record<string, string>> = {
  'evaluation.tokens': '2048',
  'evaluation.resamples': '50',
  'evaluation.suites': '[]',
};

/** Settings as options. */
export function settingWords(settings: Readonly<Record<string, string>>): string[] {
  return Object.entries(settings).map(([path, value]) => `--set=${path}=${value}`);
}

/** The records in a folder, in the order of their names. */
export async function readRecords(folder: string): Promise<EvaluationRecord[]> {
  const files = (await readdir(folder)).sort();
  const values = await Promise.all(
    files.map(async (file): Promise<unknown> => JSON.parse(await readFile(join(folder, file), 'utf8'))),
  );
  // Beside a run's records in content/ lies how alike its decoders are.
  return values.filter((value) => !similarity.safeParse(value).success).map((value) => record.parse(value));
}

/**
 * Waits until something holds.
 *
 * @throws Error when the program ends before
 */
export async function until(holds: () => boolean | Promise<boolean>, program: Program): Promise<void> {
  let ended: Outcome | undefined;
  void program.outcome.then((outcome) => {
    ended = outcome;
  });
  while (!(await holds())) {
    if (ended) throw new Error(`the program ended first, with code ${ended.code}:\n${ended.all}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
