import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { run } from '../../../runner/commands/export.ts';
import { importFile } from '../../../runner/exchange/import-file.ts';
import { merged } from '../../../runner/exchange/merge.ts';
import { saeBenchFiles } from '../../../runner/exchange/saebench/export.ts';
import { sha256 } from '../../../runner/io/hash.ts';
import { measureOf } from '../../../runner/report/measures.ts';
import { writeRunRecords } from '../../../runner/report/run-records.ts';
import type { EvaluationRecord } from '../../../runner/report/schema.ts';
import checked from '../../fixtures/saebench/exports-checked.json' with { type: 'json' };
import { fixture } from '../site/fixtures.ts';

const ids = ['small-world-l0', 'small-world-l2', 'small-world-l4'];
const recordFile = (id: string) =>
  fileURLToPath(new URL(`../../fixtures/site/records/${id}.json`, import.meta.url));
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'saebench-export-'));
  vi.spyOn(process.stdout, 'write').mockImplementation(() => true);
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true });
});

async function exported(...sources: string[]): Promise<string[]> {
  const to = join(folder, 'to');
  expect(await run([...sources, '--format', 'saebench', '--to', to])).toBe(0);
  const names = await readdir(to, { recursive: true });
  return names
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => join(to, name));
}

async function readBack(paths: readonly string[]): Promise<EvaluationRecord> {
  const records = (await Promise.all(paths.map((path) => importFile(path, {})))).flat();
  return records.reduce((first, second) => merged(first, second, 'a file'));
}

test('the files are those that SAEBench’s own classes and schemas accepted', async () => {
  const paths = await exported(...ids.map(recordFile));
  const found = await Promise.all(
    paths.map(async (path) => [path.slice(join(folder, 'to').length + 1), sha256(await readFile(path))]),
  );
  expect(Object.fromEntries(found)).toEqual(checked.sha256);
});

test('import reads the same values back', async () => {
  const record = fixture('small-world-l0');
  await writeRunRecords(join(folder, 'run'), [record]);
  const back = await readBack(await exported(join(folder, 'run')));
  expect(back).toMatchObject({
    kind: 'imported',
    model: { id: record.model.id, d_model: 128 },
    sae: { architecture: 'topk', layer: 0, d_in: 128, d_sae: 1024, k: 32, tokens_trained: 2_000_000 },
    provenance: { started: record.provenance.started },
  });
  expect(back.provenance.source).toContain('Interpboard record small-world-l0, measured');
  expect(back.data?.tokens).toBe(record.data?.tokens);
  for (const [id, { value }] of Object.entries({ ...back.metrics, ...back.suites.core!.measures })) {
    const missing = ['bias@gated-v1', 'var_exp@saebench-0.6'].includes(id);
    expect(value, id).toBe(missing ? null : measureOf(record, id)?.value);
  }
  expect(Object.keys(back.suites.core!.measures!).sort()).toEqual(
    Object.keys(record.suites.core!.measures!).sort(),
  );
  const plain = ({ suites }: EvaluationRecord, suite: string, curve: string) =>
    suites[suite]!.curves![curve]!.points.map(({ at, values }) => [
      at,
      Object.fromEntries(Object.entries(values).map(([line, { value }]) => [line, value])),
    ]);
  for (const [suite, curve] of [
    ['k-sparse', 'accuracy'],
    ['tpp', 'tpp'],
    ['scr', 'scr'],
  ] as const) {
    expect(plain(record, suite, curve).length).toBeGreaterThan(2);
    expect(plain(back, suite, curve)).toEqual(plain(record, suite, curve));
  }
});

test('what is defined otherwise or was not measured is missing, and imported numbers of SAEBench stay', async () => {
  const record = fixture('small-world-l0');
  const values = (of: EvaluationRecord) =>
    Object.fromEntries(saeBenchFiles(of).map((file) => [file.eval, file.value.eval_result_metrics]));
  expect(values(record)).toMatchObject({
    core: {
      reconstruction_quality: { mse: -1, explained_variance: -1 },
      shrinkage: { relative_reconstruction_bias: -1 },
    },
    sparse_probing: { llm: { llm_test_accuracy: -1 }, sae: { sae_test_accuracy: null } },
    scr: { scr_metrics: { scr_dir1_threshold_2: null } },
  });
  const fixtures = fileURLToPath(new URL('../../fixtures/exchange/saebench/', import.meta.url));
  const names = ['core', 'sparse_probing', 'tpp', 'scr'];
  const present = new Set(await readdir(fixtures));
  for (const name of names) {
    expect(present).toContain(`${name}.json`);
    const [original] = await importFile(join(fixtures, `${name}.json`), {});
    const [file] = saeBenchFiles(original!);
    const path = join(folder, `${name}.json`);
    await writeFile(path, JSON.stringify(file!.value));
    const [again] = await importFile(path, {});
    expect(again!.sae).toEqual(original!.sae);
    expect(again!.metrics).toEqual(original!.metrics);
    expect(again!.suites).toEqual(original!.suites);
  }
});

test('a file there, a record twice, nothing to write, a wrong format', async () => {
  const to = join(folder, 'other');
  const saebench = (...sources: string[]) => run([...sources, '--format', 'saebench', '--to', to]);
  const path = recordFile('small-world-l0');
  await expect(saebench(path, path)).rejects.toThrow(/two records for it/);
  const empty = join(folder, 'empty.json');
  await writeFile(
    empty,
    JSON.stringify({ ...fixture('awkward-import'), metrics: {}, suites: {} } satisfies EvaluationRecord),
  );
  await expect(saebench(empty)).rejects.toThrow(/no value that SAEBench defines/);
  await expect(readdir(dirname(to))).resolves.not.toContain('other');
  expect(await saebench(path)).toBe(0);
  await expect(saebench(path)).rejects.toThrow(/a file there/);
  await expect(run([path, '--format', 'csv', '--to', to])).rejects.toThrow(/saelens or saebench/);
});
