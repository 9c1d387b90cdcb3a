/** What a run's folder and `content/` hold after an evaluation: the files of this one, and no others. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { publishRecords } from '../../../runner/report/content.ts';
import { combinedExport, validationExport } from '../../../runner/report/exports.ts';
import { readRunRecords, removeOthers, writeRunRecords } from '../../../runner/report/run-records.ts';
import type { EvaluationRecord } from '../../../runner/report/schema.ts';
import { fixture } from '../site/fixtures.ts';

let folder: string;
let records: EvaluationRecord[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'interpboard-files-'));
  records = [fixture('small-world-l0'), fixture('small-world-l2')];
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('records of an earlier evaluation go, and what is no record stays', async () => {
  await writeRunRecords(folder, records);
  await writeFile(join(folder, 'records', 'notes.txt'), 'mine');
  await writeRunRecords(folder, records.slice(1));
  expect((await readRunRecords(folder)).map(({ id }) => id)).toEqual([records[1]!.id]);
  expect(await readdir(join(folder, 'records'))).toContain('notes.txt');
  await mkdir(join(folder, 'empty'));
  await removeOthers(join(folder, 'nowhere'), /./, []);
});

test('content holds exactly the records of the run', async () => {
  expect(await publishRecords(records, folder)).toBe(true);
  expect(await publishRecords(records, folder)).toBe(false);
  expect(await publishRecords(records.slice(1), folder)).toBe(true);
  expect(await readdir(folder)).toEqual([`${records[1]!.id}.json`]);
  expect(JSON.parse(await readFile(join(folder, `${records[1]!.id}.json`), 'utf8'))).toEqual(records[1]);
});

test('the combined export names the layer of the best score, the validation report counts in percent', () => {
  const [one, two] = records as [EvaluationRecord, EvaluationRecord];
  const scored = (record: EvaluationRecord, value: number, layer: number): EvaluationRecord => ({
    ...record,
    sae: { ...record.sae, layer, d_sae: 200 },
    metrics: {
      ...record.metrics,
      'alive@v1': { value: 0.75, interval: null },
      'dead_fraction@v1': { value: 0.25, interval: null },
    },
    suites: withScore(record, value),
  });
  const saes = [
    { id: 'L3', record: scored(one, 0.4, 3) },
    { id: 'L5', record: scored(two, 0.6, 5) },
  ];
  expect(combinedExport(saes).best_layer).toBe(5);
  expect(combinedExport([...saes].reverse()).best_layer).toBe(5);
  expect(validationExport(saes)['3']).toMatchObject({ alive: 150, dead_pct: 25 });
});

function withScore({ suites }: EvaluationRecord, value: number): EvaluationRecord['suites'] {
  const part = suites.interpscore!;
  const measures = { ...part.measures, 'interpscore@0.0.1': { value, interval: null } };
  return { ...suites, interpscore: { ...part, measures } };
}
