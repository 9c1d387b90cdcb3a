/** `import`: result files of other evaluations as records of kind `imported`. */
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { UserError } from '../errors.ts';
import { importFile } from '../exchange/import-file.ts';
import { type Architecture, type Known, merged } from '../exchange/imported.ts';
import { writeJsonAtomic } from '../io/write-atomic.ts';
import { checkRecord } from '../report/run-records.ts';
import { type EvaluationRecord, record } from '../report/schema.ts';
import { projectRoot } from './paths.ts';

const options = {
  model: { type: 'string', help: 'language model, where the file does not name it' },
  layer: { type: 'string', help: 'hooked block, where the file does not name it' },
  latents: { type: 'string', help: 'number of latents, where the file does not give it' },
  architecture: { type: 'string', help: 'architecture, where the file does not name it' },
  name: { type: 'string', help: 'name of the SAE in the report' },
  content: { type: 'string', help: 'folder that receives the records (default content)' },
  debug: { type: 'boolean', help: 'print the stack of an error' },
  help: { type: 'boolean', help: 'print this' },
} as const;

/** @returns the exit code */
export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parse(args);
  if (values.help || positionals.length === 0) {
    console.log(help());
    return values.help ? 0 : 2;
  }
  const known: Known = {
    model: values.model,
    layer: numberOf('--layer', values.layer),
    latents: numberOf('--latents', values.latents),
    architecture: architectureOf(values.architecture),
    name: values.name,
  };
  const folder = join(resolve(values.content ?? join(projectRoot, 'content')), 'imported');
  // All files are read before anything is written.
  const records = new Map<string, EvaluationRecord>();
  for (const path of positionals) {
    for (const each of await importFile(path, known)) {
      const before = records.get(each.id) ?? (await earlier(join(folder, `${each.id}.json`)));
      records.set(each.id, checkRecord(before === undefined ? each : merged(before, each), each.id));
    }
  }
  for (const [id, each] of records) {
    await writeJsonAtomic(join(folder, `${id}.json`), each);
    console.log(`imported ${join('content', 'imported', `${id}.json`)}  (${summary(each)})`);
  }
  return 0;
}

function summary(each: EvaluationRecord): string {
  const present = Object.values(each.metrics).filter(({ value }) => value !== null).length;
  const parts = [`${present} metrics`];
  if (each.interpscore) parts.push('InterpScore');
  if (each.k_sparse) parts.push('k-sparse probing');
  if (each.tpp_saebench) parts.push('TPP');
  if (each.scr_saebench) parts.push('SCR');
  return parts.join(', ');
}

/** The record of an earlier import of the same SAE. */
async function earlier(path: string): Promise<EvaluationRecord | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : checkRecord(JSON.parse(text), path);
}

function numberOf(option: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d{1,9}$/.test(value)) return Number(value);
  throw new UserError({ thing: option, found: value, expected: 'a whole number', next: 'Correct it.' });
}

function architectureOf(value: string | undefined): Architecture | undefined {
  if (value === undefined) return undefined;
  const parsed = record.shape.sae.shape.architecture.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new UserError({
    thing: '--architecture',
    found: value,
    expected: `one of ${record.shape.sae.shape.architecture.options.join(', ')}`,
    next: 'Choose one of these.',
  });
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    throw new UserError({
      thing: 'options of import',
      found: error instanceof Error ? error.message : String(error),
      expected: 'those that --help lists',
      next: 'Run npm run import -- --help.',
    });
  }
}

function help(): string {
  const lines = Object.entries(options).map(
    ([name, { type, help: words }]) => `  --${name}${type === 'string' ? ' …' : ''}`.padEnd(18) + words,
  );
  return [
    'usage: npm run import -- FILE… [options]',
    '',
    'Reads result files of SAEBench (core, sparse_probing, sparse_probing_sae_probes, tpp, scr, absorption, autointerp, ravel,',
    'unlearning), of the reference evaluation (interpscore_L{N}.json, interpscore_papergrade.json, val_report.json) and of',
    'dictionary_learning (eval_results.json). Files of one SAE become one record in content/imported/.',
    '',
    'Options',
    ...lines,
  ].join('\n');
}
