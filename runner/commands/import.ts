/** `import`: result files of other evaluations as records of kind `imported`. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { InterpboardError, UserError } from '../errors.ts';
import { collected, type FileRecords } from '../exchange/collect.ts';
import { importFile } from '../exchange/import-file.ts';
import type { Architecture, Known } from '../exchange/imported.ts';
import { readResultFile } from '../exchange/result-file.ts';
import { whileOwned } from '../io/folder-owner.ts';
import { sweepAbandoned } from '../io/temporary-name.ts';
import { writeJsonAtomic } from '../io/write-atomic.ts';
import { checkRecord } from '../report/run-records.ts';
import { type EvaluationRecord, recordObject } from '../report/schema.ts';
import { suitesOf } from '../report/suites/find.ts';
import { jsonFilesIn } from './json-files.ts';
import { optionLines } from './option-lines.ts';
import { ANY_WORDS, parseOptions } from './parse-options.ts';
import { projectFolder } from './paths.ts';
import { everyVerb, places } from './shared-options.ts';

const options = {
  model: { type: 'string', help: 'language model, where the file does not name it' },
  layer: { type: 'string', help: 'hooked block, where the file does not name it' },
  latents: { type: 'string', help: 'number of latents, where the file does not give it' },
  architecture: { type: 'string', help: 'architecture, where the file does not name it' },
  k: { type: 'string', help: 'latents per token of a TopK SAE, where the file does not give them' },
  replace: { type: 'boolean', help: 'let new values take the place of those of an earlier import' },
  name: { type: 'string', help: 'name of the SAE in the report' },
  content: places.content,
  ...everyVerb,
} as const;

/** Another import may take so long. */
const PATIENCE_MS = 60_000;

const FILES = { ...ANY_WORDS, least: 1, expected: 'result files of other evaluations' };

/** @returns the exit code */
export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseOptions('import', args, options, FILES);
  if (values.help) {
    console.log(help());
    return 0;
  }
  const known: Known = {
    model: values.model,
    layer: numberOf('--layer', values.layer),
    latents: numberOf('--latents', values.latents),
    architecture: architectureOf(values.architecture),
    k: numberOf('--k', values.k),
    name: values.name,
  };
  const folder = join(projectFolder('content', values.content), 'imported');
  const refusals: { path: string; error: InterpboardError }[] = [];
  const refused = (path: string, error: unknown): void => {
    if (!(error instanceof InterpboardError)) throw error;
    refusals.push({ path, error });
  };
  // All files are read before anything is written.
  const read: FileRecords[] = [];
  let files = 0;
  for (const given of positionals) {
    const paths = await resultFiles(given);
    files += Math.max(1, paths.length);
    if (paths.length === 0) refused(given, withoutFiles(given));
    for (const path of paths) {
      try {
        read.push({ path, records: await importFile(path, known) });
      } catch (error) {
        refused(path, error);
      }
    }
  }
  // What is there is read, added to and written back: another import at the same time waits.
  const add = async (): Promise<void> => {
    await sweepAbandoned(folder);
    const records = collected(read, await earlier(folder), refused, values.replace ?? false);
    for (const each of records) {
      await writeJsonAtomic(join(folder, `${each.id}.json`), checkRecord(each, each.id));
      console.log(`imported ${join('content', 'imported', `${each.id}.json`)}  (${summary(each)})`);
    }
  };
  if (read.length > 0) await whileOwned(folder, add, { patience: PATIENCE_MS });
  const [only] = refusals;
  if (only === undefined) return 0;
  if (files === 1) throw only.error;
  for (const { error } of refusals) console.error(`not imported: ${error.message}`);
  const left = new Set(refusals.map(({ path }) => path)).size;
  console.error(`${left} of ${files} files were not imported`);
  return Math.max(...refusals.map(({ error }) => error.exitCode));
}

/** The files that a path names, none of a folder without any. One that is not there is among them: it is listed and left out as others are. */
async function resultFiles(path: string): Promise<string[]> {
  const found = await stat(path).catch(() => null);
  return found?.isDirectory() ? jsonFilesIn(path) : [path];
}

function withoutFiles(path: string): UserError {
  return new UserError({
    thing: path,
    found: 'a folder without .json files',
    expected: 'result files in it',
    next: 'Check the path.',
  });
}

function summary(each: EvaluationRecord): string {
  const present = Object.values(each.metrics).filter(({ value }) => value !== null).length;
  const parts = [`${present} metrics`];
  return [...parts, ...suitesOf([each]).map(({ title }) => title)].join(', ');
}

/** The records of earlier imports. @throws MalformedError for one that cannot be read, which would be written over */
async function earlier(folder: string): Promise<EvaluationRecord[]> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.json')).sort();
  return Promise.all(
    names.map(async (name) => {
      const path = join(folder, name);
      return checkRecord((await readResultFile(path)).value, path);
    }),
  );
}

function numberOf(option: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d{1,9}$/.test(value)) return Number(value);
  throw new UserError({ thing: option, found: value, expected: 'a whole number', next: 'Correct it.' });
}

function architectureOf(value: string | undefined): Architecture | undefined {
  if (value === undefined) return undefined;
  const parsed = recordObject.shape.sae.shape.architecture.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new UserError({
    thing: '--architecture',
    found: value,
    expected: `one of ${recordObject.shape.sae.shape.architecture.options.join(', ')}`,
    next: 'Choose one of these.',
  });
}

function help(): string {
  const lines = optionLines(options);
  return [
    'usage: npx interpboard import FILE|FOLDER… [options]',
    '',
    'Reads result files of SAEBench (core, sparse_probing, sparse_probing_sae_probes, tpp, scr, absorption, autointerp, ravel,',
    'unlearning), of the reference evaluation (interpscore_L{N}.json, interpscore_papergrade.json, val_report.json) and of',
    'dictionary_learning (eval_results.json). Files of one SAE become one record in content/imported/: an SAE is its model, hook,',
    'architecture, sizes, k, where it comes from and its training step. A file that is not understood, or says something else',
    'than another, is listed and left out, and the exit code is not 0.',
    '',
    'Options',
    ...lines,
  ].join('\n');
}
