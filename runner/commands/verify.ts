/** `verify`: makes a record again from its own provenance, and says which numbers moved beyond their interval. */
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { MalformedError, quote, UserError } from '../errors.ts';
import { type Movement, type Movements, movements, similarityMovements } from '../report/movement.ts';
import { checkRecord, readRunRecords } from '../report/run-records.ts';
import type { EvaluationRecord } from '../report/schema.ts';
import { SIMILARITY_FILE, similarityId } from '../report/similarity.ts';
import { readSimilarity } from '../report/similarity-file.ts';
import { run as evaluate } from './eval.ts';
import { options, words } from './options/verify.ts';
import { parseOptions } from './parse-options.ts';
import { projectFolder } from './paths.ts';
import { placed, textPlaces } from './text-places.ts';

/** What is looked at of a record's settings before `eval` reads them; it checks them all. */
const settingsRead = z.looseObject({
  saes: z.array(z.string()).default([]),
  training: z.looseObject({ from: z.array(z.string()).default([]) }),
  evaluation: z.looseObject({ transferFrom: z.string().nullish() }),
});

/** @returns 0 when every number stayed within its interval, 1 when one moved, 130 when it was stopped */
export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseOptions('verify', args, options, words);
  const path = positionals[0]!;
  const before = await readRecord(path);
  const { config } = before.provenance;
  if (before.kind !== 'measured' || config === undefined) {
    throw new UserError({
      thing: path,
      found: before.kind === 'measured' ? 'a record without its settings' : `a record of kind ${before.kind}`,
      expected: 'a record measured by this version, with its settings in provenance.config',
      next: 'Only what this program measured can be made again by it.',
    });
  }
  const parsed = settingsRead.safeParse(config);
  if (!parsed.success) {
    throw new MalformedError({
      thing: path,
      found: `no readable ${parsed.error.issues[0]?.path.join('.')} in its settings`,
      expected: 'those of a run, in provenance.config',
      next: 'Take the record as the run wrote it.',
    });
  }
  const settings = parsed.data;
  checkPlaces('--sae', settings.saes, values.sae, path);
  checkPlaces('--from', settings.training.from, values.from, path);
  const runs = projectFolder('runs', values.runs);
  const folder = values.keep ?? (await mkdtemp(join(tmpdir(), 'interpboard-verify-')));
  try {
    const file = join(folder, 'config.json');
    const places = await textPlaces(values.text ?? [], join(runs, String(config.name)));
    await writeFile(file, JSON.stringify(placed(config, places, path)));
    const words = [
      `--config=${file}`,
      `--runs=${join(folder, 'runs')}`,
      `--content=${join(folder, 'content')}`,
    ];
    if (values.model !== undefined) words.push(`--model=${values.model}`);
    if (values['other-model'] !== undefined) words.push(`--other-model=${values['other-model']}`);
    if (values.device !== undefined) words.push(`--device=${values.device}`);
    for (const sae of values.sae ?? []) words.push(`--sae=${sae}`);
    for (const sae of values.from ?? []) words.push(`--from=${sae}`);
    for (const suite of values.suite ?? []) words.push(`--suite=${suite}`);
    // Nothing kept from before, here or on the hub: every number is made again. And nothing is sent.
    words.push('--set=upload.repository=null', '--no-site', '--cache=off');
    // The record on the SAE's own model is another one, and is made again by itself.
    if (settings.evaluation.transferFrom != null)
      words.push('--set=evaluation.transferFrom=null', '--set=evaluation.pairEvery=true');
    const code = await evaluate(words);
    if (code !== 0) return code;
    const name = String(config.name);
    const after = (await readRunRecords(join(folder, 'runs', name))).find(({ id }) => id === before.id);
    if (after === undefined) {
      throw new MalformedError({
        thing: path,
        found: `a run ${name} that makes no record ${before.id}`,
        expected: 'the record among those of its run',
        next: 'Check that its provenance was not edited.',
      });
    }
    const decoders = await decodersAgain(
      before.id,
      join(dirname(path), `${similarityId(name)}.json`),
      join(folder, 'runs', name, SIMILARITY_FILE),
    );
    return report(before, after, decoders);
  } finally {
    if (values.keep === undefined) await rm(folder, { recursive: true, force: true });
  }
}

/** @throws UserError for an SAE that lay on the machine of the record, which keeps its last name alone */
function checkPlaces(
  option: string,
  recorded: readonly string[],
  given: readonly string[] | undefined,
  record: string,
): void {
  if (given !== undefined) return;
  const local = recorded.find((name) => {
    const [path = ''] = name.split('#');
    return !path.includes('/') && !existsSync(path);
  });
  if (local === undefined) return;
  throw new UserError({
    thing: record,
    found: `SAE ${quote(local)}, a file or folder of the machine that the record was made on`,
    expected: 'where it lies here',
    next: `Say it with ${option}, as many as the record has (${recorded.length}).`,
  });
}

/** What of the file beside the record was measured again; null where there is no such file. */
async function decodersAgain(record: string, before: string, after: string): Promise<Movements | null> {
  const [then, now] = [await readSimilarity(before), await readSimilarity(after)];
  return then === null || now === null ? null : similarityMovements(then, now, record);
}

function report(before: EvaluationRecord, after: EvaluationRecord, decoders: Movements | null): number {
  for (const [what, one, two] of [
    ['language model', before.model.sha256, after.model.sha256],
    ['SAE', before.sae.sha256, after.sae.sha256],
    ['SAE that training starts from', startOf(before), startOf(after)],
  ] as const) {
    if (one !== undefined && one !== two)
      console.log(`${what}: other files than the record's (${two?.slice(0, 12)}, not ${one?.slice(0, 12)})`);
  }
  for (const { id, sha256 } of before.declared ?? []) {
    const now = after.declared?.find((suite) => suite.id === id)?.sha256;
    if (now !== sha256)
      console.log(
        `suite ${id}: another file than the record's (${now?.slice(0, 12)}, not ${sha256.slice(0, 12)})`,
      );
  }
  for (const [name, version] of Object.entries(before.provenance.versions)) {
    const now = after.provenance.versions[name];
    if (now !== version) console.log(`${name} ${now ?? 'absent'}, not ${version} as then`);
  }
  const own = movements(before, after);
  const compared = own.compared + (decoders?.compared ?? 0);
  const same = own.same + (decoders?.same ?? 0);
  const moved = [...own.moved, ...(decoders?.moved ?? [])];
  for (const each of moved) console.log(`moved    ${describe(each)}`);
  console.log(
    `${before.id}: ${compared} numbers made again, ${same} the same, ${compared - same - moved.length} within their intervals, ${moved.length} moved beyond`,
  );
  return moved.length > 0 ? 1 : 0;
}

/** SHA-256 of the files that training started from. */
function startOf({ sae: { training } }: EvaluationRecord): string | undefined {
  const hashes = training?.fromSha256;
  return hashes === undefined ? undefined : String(hashes);
}

function describe({ path, before, after, interval }: Movement): string {
  const range =
    interval === null ? 'no interval' : `${interval.low.toPrecision(6)} to ${interval.high.toPrecision(6)}`;
  return `${path}: ${after?.toPrecision(6) ?? 'n/a'}, was ${before?.toPrecision(6) ?? 'n/a'} (${range})`;
}

async function readRecord(path: string): Promise<EvaluationRecord> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new UserError({
      thing: path,
      found: error.code === 'ENOENT' ? 'no such file' : error.message,
      expected: 'a record, as content/measured holds them',
      next: 'Check the path.',
    });
  });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  return checkRecord(value, path);
}
