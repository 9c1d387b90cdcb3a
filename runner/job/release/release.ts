/** A finished run as the files of a release repository, in the layout of the reference release. */
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { MalformedError, UnavailableError, UserError } from '../../errors.ts';
import { hashFile } from '../../io/hash.ts';
import { writeAtomic, writeJsonAtomic } from '../../io/write-atomic.ts';
import { writeExports } from '../../report/exports.ts';
import { readFeatures } from '../../report/feature-files.ts';
import { FEATURES } from '../../report/feature-places.ts';
import { type CardOptions, modelCard } from '../../report/model-card.ts';
import { readRunRecords } from '../../report/run-records.ts';
import type { EvaluationRecord } from '../../report/schema.ts';
import { SIMILARITY_FILE, withSaes } from '../../report/similarity.ts';
import { readSimilarity, writeSimilarity } from '../../report/similarity-file.ts';
import { trajectoryFile } from '../shared/trajectory-file.ts';
import { snapshotFiles } from './snapshots.ts';

const VALIDATION = 'val_report.json';

export interface ReleaseFile {
  /** Its name in the repository. */
  path: string;
  /** The file on this machine. */
  source: string;
}

/**
 * A run's records as a board keeps them: content/measured/RUN/ID.json.
 *
 * @throws MalformedError when there are none, or one does not follow the schema
 */
export async function recordFiles(runFolder: string, runName: string): Promise<ReleaseFile[]> {
  return (await readRunRecords(runFolder)).map(({ id }) => ({
    path: `content/measured/${runName}/${id}.json`,
    source: join(runFolder, 'records', `${id}.json`),
  }));
}

/**
 * The files to send: the SAEs as they lie in the run's folder, and card, exports and records written anew into its
 * folder `release`, with the name of the repository in them. The SAEs have to be those that were measured; those that
 * others published are left out. Light checkpoints along training go with them.
 *
 * @throws MalformedError when a file of an SAE is another than its record says; UnavailableError when one is gone;
 *   UserError when the run trained none
 */
export async function filesOfRelease(
  runFolder: string,
  runName: string,
  options: CardOptions,
): Promise<ReleaseFile[]> {
  const staged = join(runFolder, 'release');
  await rm(staged, { recursive: true, force: true });
  const all = await readRunRecords(runFolder);
  const measured = all.filter(({ sae }) => sae.training !== null && sae.source === undefined);
  if (measured.length === 0) throw notTrained(all[0]!.sae.name);
  const records = measured.map(
    (record): EvaluationRecord => ({
      ...record,
      sae: { ...record.sae, repo: options.repo, license: options.license ?? record.sae.license },
    }),
  );
  const files: ReleaseFile[] = [];
  const stage = (path: string): void => {
    files.push({ path, source: join(staged, path) });
  };
  const light = await snapshotFiles(runFolder);
  const similarity = await readSimilarity(join(runFolder, SIMILARITY_FILE));
  await writeAtomic(
    join(staged, 'README.md'),
    modelCard(records, {
      ...options,
      lightCheckpoints: stepsOf(light),
      similarity: similarity !== null,
    }),
  );
  stage('README.md');
  const named = records.map((record) => ({ id: nameOf(record), record }));
  for (const { id, record } of named) {
    for (const file of record.sae.files) files.push(await checked(runFolder, file));
    const trajectory = trajectoryFile(id);
    if (existsSync(join(runFolder, trajectory)))
      files.push({ path: trajectory, source: join(runFolder, trajectory) });
  }
  files.push(...light);
  for (const file of await writeExports(staged, runName, named)) {
    // The run's own report stands: it may be of a validation that the records do not hold.
    const own = join(runFolder, file);
    if (file === VALIDATION && existsSync(own)) files.push({ path: file, source: own });
    else stage(file);
  }
  if (similarity !== null) {
    const released = new Set(records.map(({ id }) => id));
    await writeSimilarity(
      staged,
      withSaes(similarity, (id) => released.has(id)),
    );
    stage(SIMILARITY_FILE);
  }
  const evidence = await readFeatures(join(runFolder, FEATURES));
  for (const { id } of records) {
    for (const name of Object.keys(evidence.get(id) ?? {})) {
      const path = `${FEATURES}/${id}/${name}`;
      files.push({ path, source: join(runFolder, path) });
    }
  }
  for (const record of records) {
    const path = `records/${record.id}.json`;
    await writeJsonAtomic(join(staged, path), record);
    stage(path);
  }
  return files;
}

/** The steps that light checkpoints are of. */
function stepsOf(files: readonly ReleaseFile[]): number[] {
  return [...new Set(files.map(({ path }) => Number(/\/step-(\d+)\//.exec(path)?.[1])))];
}

function notTrained(name: string): UserError {
  return new UserError({
    thing: 'release',
    found: `SAEs that the run measured and did not train, such as ${name}`,
    expected: 'SAEs that the run trained',
    next: 'Publish the report instead, with --site.',
  });
}

/** The name its files carry: `L11`, or `L11_k64`. */
function nameOf({ sae }: EvaluationRecord): string {
  const names = sae.files.map(({ name }) => /^sae_(.+)_latest\.safetensors$/.exec(name)?.[1]);
  return names.find((name) => name !== undefined) ?? `L${sae.layer}`;
}

async function checked(
  runFolder: string,
  { name, sha256 }: EvaluationRecord['sae']['files'][number],
): Promise<ReleaseFile> {
  const source = join(runFolder, name);
  if (!existsSync(source)) {
    throw new UnavailableError({
      thing: source,
      found: 'no such file',
      expected: 'the SAE that the record describes',
      next: 'Make it again with npx interpboard eval --fresh.',
    });
  }
  const found = (await hashFile(source)).sha256;
  if (sha256 !== null && found !== sha256) {
    throw new MalformedError({
      thing: source,
      found: `SHA-256 ${found.slice(0, 12)}…`,
      expected: `${sha256.slice(0, 12)}…, the one that was measured`,
      next: 'Put the file back, or make both again with npx interpboard eval --fresh.',
    });
  }
  return { path: name, source };
}
