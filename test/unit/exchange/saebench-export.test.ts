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
  // Files of SAEBench have no room for untrained SAEs.
  const plain = ({ suites }: EvaluationRecord, suite: string, curve: string) =>
    suites[suite]!.curves![curve]!.points.map(({ at, values: { untrained: _, ...values } }) => [
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
  await expect(run([path, '--format', 'csv', '--to', to])).rejects.toThrow(/saelens, saebench, neuronpedia/);
});

test('what sae-probes and absorption measured comes back, under the id of what the file says', async () => {
  const measure = (value: number) => ({ value, interval: null, interval_note: 'made' });
  const curve = (value: number) => ({
    points: [{ at: 2, values: { sae: measure(value), channels: measure(0.5) } }],
    constants: { ceiling: measure(0.9) },
    sets: [{ name: '117_us_state_FL', points: [{ at: 2, values: { sae: measure(value) } }] }],
  });
  const letter = (name: string, split: number, fraction: number) => {
    const cells = { words: 10, split, fraction: measure(fraction), full: measure(0.1), full_words: 1 };
    return { name, cells };
  };
  const record = structuredClone(fixture('small-world-l0'));
  record.suites = {
    'sae-probes': { curves: { accuracy: curve(0.7), auroc: curve(0.8), f1: curve(0.6) } },
    absorption: {
      measures: {
        'absorption_fraction@saebench-0.6': measure(0.1),
        'absorption_fraction@saebench-0.3': measure(0.4),
        'absorption_full@saebench': measure(0.1),
        'split_latents@saebench': measure(1.5),
      },
      tables: { letters: [letter('a', 1, 0.05), letter('b', 2, 0.15)] },
    },
  };
  await writeRunRecords(join(folder, 'run'), [record]);
  const paths = await exported(join(folder, 'run'));
  const file = paths.find((path) => path.includes('absorption_first_letter'))!;
  expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({
    eval_result_metrics: {
      mean: { mean_absorption_fraction_score: 0.1, std_dev_num_split_features: Math.SQRT1_2 },
    },
    eval_result_details: [{ first_letter: 'a' }, { first_letter: 'b', num_split_features: 2 }],
  });
  const back = await readBack(paths);
  expect(measureOf(back, 'absorption_fraction@saebench')?.value).toBe(0.1);
  const curves = back.suites['sae-probes']!.curves!;
  for (const [key, value] of [
    ['accuracy', 0.7],
    ['auroc', 0.8],
    ['f1', 0.6],
  ] as const) {
    expect(curves[key]!.points[0]!.values.sae!.value).toBe(value);
    expect(curves[key]!.constants!.ceiling!.value).toBe(0.9);
    expect(curves[key]!.sets[0]).toMatchObject({ name: '117_us_state_FL' });
  }
});
