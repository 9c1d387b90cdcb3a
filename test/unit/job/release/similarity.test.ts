import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { filesOfRelease } from '../../../../runner/job/release/release.ts';
import { readRunRecords } from '../../../../runner/report/run-records.ts';
import {
  SIMILARITY_FILE,
  type Similarity,
  similarity,
  similarityVersion,
} from '../../../../runner/report/similarity.ts';
import { writeSimilarity } from '../../../../runner/report/similarity-file.ts';
import { finishedRun } from '../../../e2e/finished-run.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'interpboard-release-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function released(run: string): Promise<Map<string, string>> {
  const files = await filesOfRelease(run, 'demo', { repo: 'lab/demo' });
  const texts = files
    .filter(({ path }) => /\.(json|md)$/.test(path))
    .map(async ({ path, source }) => [path, await readFile(source, 'utf8')] as const);
  return new Map(await Promise.all(texts));
}

it('a release says how alike its own decoders are, and nothing of SAEs that are not in it', async () => {
  const run = await finishedRun(join(folder, 'runs'), 'demo');
  const before = await released(run);
  expect(before.has(SIMILARITY_FILE)).toBe(false);
  expect(before.get('README.md')).not.toContain(SIMILARITY_FILE);

  const own = (await readRunRecords(run)).map(({ id }) => id);
  const names = [...own, 'demo-l2-of-somebody-else'];
  const values = { 'decoder_twins@cosine-0.7': 0.25, 'decoder_mmcs@v1': 0.5 };
  const found: Similarity = {
    schema: similarityVersion,
    id: 'demo-decoders',
    model: { id: 'none', sha256: null },
    d_model: 8,
    window_tokens: 100,
    saes: names.map((record) => ({ record, layer: 0, d_sae: 64, sha256: 'a'.repeat(64), compared: 60 })),
    pairs: names.flatMap((_, of) => names.map((__, among) => ({ of, among, values, floor: values }))),
    interval_note: 'none',
  };
  await writeSimilarity(run, found);
  const after = await released(run);
  const sent = similarity.parse(JSON.parse(after.get(SIMILARITY_FILE)!));
  expect(sent.saes.map(({ record }) => record)).toEqual(own);
  expect(sent.pairs).toHaveLength(own.length ** 2);
  expect(after.get('README.md')).toContain(`\`${SIMILARITY_FILE}\``);
  expect([...after.values()].join()).not.toContain('somebody-else');
});
