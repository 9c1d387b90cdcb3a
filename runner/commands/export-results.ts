import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { quote, UserError } from '../errors.ts';
import { neuronpediaFiles } from '../exchange/neuronpedia.ts';
import { readResultFile } from '../exchange/result-file.ts';
import { saeBenchFiles } from '../exchange/saebench/export.ts';
import { parseJson } from '../formats/json.ts';
import { writeAtomic, writeJsonAtomic } from '../io/write-atomic.ts';
import { readFeatures } from '../report/feature-files.ts';
import { FEATURES, INDEX_FILE, SHARD_LATENTS, shardOf } from '../report/feature-places.ts';
import { featureIndex, featureShard } from '../report/features.ts';
import { checkRecord, readRunRecords } from '../report/run-records.ts';
import type { EvaluationRecord } from '../report/schema.ts';

/**
 * Writes records as result files of SAEBench, in a folder for each of its evaluations.
 *
 * @param sources run folders, record files
 * @returns the files' paths
 * @throws UserError where a file would be overwritten, or a record has nothing that SAEBench has a name for
 */
export async function exportSaeBench(sources: readonly string[], to: string): Promise<string[]> {
  const records = (await Promise.all(sources.map(readRecords))).flat();
  const files = records.flatMap((record) => {
    const found = saeBenchFiles(record);
    if (found.length === 0) {
      throw new UserError({
        thing: `record ${record.id}`,
        found: 'no value that SAEBench defines',
        expected: 'core, k-sparse probing, TPP or SCR',
        next: 'Leave it out.',
      });
    }
    return found.map(({ eval: folder, name, value }) => ({ path: join(to, folder, name), value }));
  });
  const paths = files.map(({ path }) => path);
  const taken = paths.find((path, i) => existsSync(path) || paths.indexOf(path) !== i);
  if (taken !== undefined) {
    throw new UserError({
      thing: taken,
      found: existsSync(taken) ? 'a file there' : 'two records for it',
      expected: 'a new file for each record',
      next: 'Choose another folder, or name each record once.',
    });
  }
  for (const { path, value } of files) await writeJsonAtomic(path, value);
  return paths;
}

/**
 * Writes the evidence of latents of a run's records as Neuronpedia's bulk import takes it.
 *
 * @param names of the language model there, of the set of SAEs and of the owner; by default the model's own name and the
 *   record's id
 * @returns folders, one for each record that has evidence
 * @throws UserError where no record has evidence, or a folder would be written into
 */
export async function exportNeuronpedia(
  runs: readonly string[],
  to: string,
  names: { model: string | undefined; set: string | undefined; creator: string },
): Promise<string[]> {
  const made: string[] = [];
  for (const run of runs) {
    const evidence = await readFeatures(join(run, FEATURES));
    const records = (await readRunRecords(run)).filter(({ id }) => evidence.has(id));
    if (records.length === 0) {
      throw new UserError({
        thing: run,
        found: 'no evidence of latents',
        expected: 'a run that was evaluated with the suite features',
        next: 'Add it: --set \'evaluation.suites=["features"]\'.',
      });
    }
    for (const record of records) {
      const files = evidence.get(record.id)!;
      const index = featureIndex.parse(parseJson(files[INDEX_FILE]!));
      const shards = Array.from({ length: Math.ceil(index.columns.latent.length / SHARD_LATENTS) }, (_, i) =>
        featureShard.parse(parseJson(files[shardOf(i * SHARD_LATENTS)]!)),
      );
      const model = names.model ?? record.model.id.split('/').at(-1)!;
      const set = names.set ?? record.id.replace(/[^a-z0-9]+/g, '-');
      for (const name of [model, set]) checkFolderName(name);
      const found = neuronpediaFiles(record, index, shards, { model, set, creator: names.creator });
      const folder = join(to, model, `${record.sae.layer}-${set}`);
      if (existsSync(folder)) {
        throw new UserError({
          thing: folder,
          found: 'a folder there',
          expected: 'a new one for each record',
          next: 'Choose another folder with --to, or another --source-set.',
        });
      }
      for (const [path, bytes] of found) await writeAtomic(join(to, path), bytes);
      made.push(folder);
    }
  }
  return made;
}

/** What a path is made of, wherever it comes from. */
function checkFolderName(name: string): void {
  if (/^\w[\w.-]{0,99}$/.test(name)) return;
  throw new UserError({
    thing: 'name for Neuronpedia',
    found: quote(name),
    expected: 'letters, digits, _, . and -',
    next: 'Give another one with --model or --source-set.',
  });
}

async function readRecords(source: string): Promise<EvaluationRecord[]> {
  const found = await stat(source).catch(() => null);
  if (found?.isDirectory()) return readRunRecords(source);
  const { value } = await readResultFile(source);
  return [checkRecord(value, source)];
}
