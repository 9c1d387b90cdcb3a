/** Records that cannot be made again are refused before anything is computed. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { run } from '../../../runner/commands/verify.ts';
import { MalformedError } from '../../../runner/errors.ts';
import record from '../../fixtures/site/records/small-world-l2.json' with { type: 'json' };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'verify-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it.each([
  ['training', { training: undefined }],
  ['training.from', { training: { from: 'owner/name' } }],
  ['saes', { saes: 2 }],
  ['evaluation', { evaluation: null }],
])('a record whose settings have no readable %s is malformed', async (path, change) => {
  const config = { saes: [], training: { from: [] }, evaluation: {} };
  const file = join(folder, 'record.json');
  const changed = { ...record, provenance: { ...record.provenance, config: { ...config, ...change } } };
  await writeFile(file, JSON.stringify(changed));
  const error: unknown = await run([file]).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(MalformedError);
  expect((error as Error).message).toContain(`found no readable ${path} in its settings`);
});
