/** The export for Neuronpedia: what SAEDashboard's classes were shown to take, and the same from a run's folder. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { run } from '../../../runner/commands/export.ts';
import { UserError } from '../../../runner/errors.ts';
import { neuronpediaFiles } from '../../../runner/exchange/neuronpedia.ts';
import { writeFeatures } from '../../../runner/report/feature-files.ts';
import { writeRunRecords } from '../../../runner/report/run-records.ts';
import { index, names, record, shard } from '../../fixtures/neuronpedia/evidence.ts';
import checked from '../../fixtures/neuronpedia/export-checked.json' with { type: 'json' };

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'interpboard-neuronpedia-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const opened = (path: string, bytes: Uint8Array): Uint8Array =>
  path.endsWith('.gz') ? gunzipSync(bytes) : bytes;
const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

it('is what SAEDashboard’s classes of rows take', () => {
  const found = [...neuronpediaFiles(record, index, [shard], names)].map(([path, bytes]) => [
    path,
    hashOf(opened(path, bytes)),
  ]);
  expect(Object.fromEntries(found)).toEqual(checked.sha256);
});

it('says of a latent what the evidence does', () => {
  const files = neuronpediaFiles(record, index, [shard], names);
  const rows = (name: string) => {
    const path = `small-world/2-res-1k/${name}/batch-0.jsonl.gz`;
    return new TextDecoder()
      .decode(gunzipSync(files.get(path)!))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
  };
  expect(rows('features')[1]).toMatchObject({
    index: '7',
    layer: '2-res-1k',
    frac_nonzero: 0.5,
    maxActApprox: 4,
    pos_str: [' a'],
    pos_values: [1.5],
    neg_str: [' kettle'],
    neg_values: [-0.25],
    topkCosSimIndices: [4],
    topkCosSimValues: [0.5],
    freq_hist_data_bar_heights: [1, 0, 2],
  });
  const activations = rows('activations');
  expect(activations).toHaveLength(4);
  expect(activations[2]).toMatchObject({
    index: '7',
    tokens: [' a', ' kettle', '.'],
    values: [0, 7, 0],
    maxValue: 7,
    maxValueTokenIndex: 1,
    binMin: -1,
    binMax: 7,
    qualifyingTokenIndex: 1,
  });
  expect(new Set(activations.map(({ id }) => id)).size).toBe(4);
});

it('is written from a run’s folder, and into no folder that is there', async () => {
  await writeRunRecords(folder, [record]);
  await writeFeatures(
    join(folder, 'features'),
    new Map([[record.id, { 'index.json': JSON.stringify(index), '0.json': JSON.stringify(shard) }]]),
  );
  const to = join(folder, 'to');
  const args = [
    folder,
    '--to',
    to,
    '--format',
    'neuronpedia',
    '--source-set',
    'res-1k',
    '--creator',
    'somebody',
  ];
  expect(await run([...args, '--model', 'small-world'])).toBe(0);
  for (const [path, hash] of Object.entries(checked.sha256))
    expect(hashOf(opened(path, readFileSync(join(to, path)))), path).toBe(hash);
  await expect(run([...args, '--model', 'small-world'])).rejects.toThrow(/a folder there/);
  await expect(run([...args, '--model', '../up'])).rejects.toThrow(UserError);
  expect(existsSync(join(folder, 'up'))).toBe(false);
  await writeRunRecords(join(folder, 'other'), [record]);
  const without = run([join(folder, 'other'), '--to', to, '--format', 'neuronpedia', '--creator', 'x']);
  await expect(without).rejects.toThrow(/no evidence of latents/);
  await expect(run([folder, '--to', to, '--format', 'neuronpedia'])).rejects.toThrow(/no --creator/);
  await expect(run([folder, '--to', to, '--creator', 'x'])).rejects.toThrow(/--format neuronpedia/);
});
