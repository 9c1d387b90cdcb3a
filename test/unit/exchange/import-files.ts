/** What the tests of imports share: files of others as fixtures, a folder for each test, and the verb as it is run. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, vi } from 'vitest';
import { run } from '../../../runner/commands/import.ts';
import { importFile } from '../../../runner/exchange/import-file.ts';
import { type EvaluationRecord, record } from '../../../runner/report/schema.ts';

export const fixtures = fileURLToPath(new URL('../../fixtures/exchange/', import.meta.url));
export const saebench = (name: string) => importFile(join(fixtures, 'saebench', `${name}.json`), {});

export async function one(name: string) {
  const [found] = await saebench(name);
  if (!found) throw new Error(`no record of ${name}`);
  expect(record.safeParse(found).error?.issues ?? []).toEqual([]);
  expect(found.kind).toBe('imported');
  return found;
}

/** Of the test that runs. */
export let folder: string;

export function folderForEachTest(): void {
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'interpboard-import-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));
}

export async function written(name: string, value: unknown): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, typeof value === 'string' ? value : JSON.stringify(value));
  return path;
}

/** Of all single numbers, wherever the record holds them. */
export function valuesOf({ metrics, suites }: EvaluationRecord): Record<string, number | null> {
  const all = [metrics, ...Object.values(suites).map(({ measures }) => measures ?? {})];
  return Object.fromEntries(
    all.flatMap((table) => Object.entries(table).map(([id, { value }]) => [id, value])),
  );
}

export function curvesOf({ suites }: EvaluationRecord, suite: string) {
  return suites[suite]!.curves!;
}

export async function imported(args: readonly string[]): Promise<{ code: number; errors: string[] }> {
  const said = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  try {
    const code = await run([...args, '--content', folder]);
    return { code, errors: said.mock.calls.map(([line]) => String(line)) };
  } finally {
    said.mockRestore();
  }
}

export async function records() {
  const names = (await readdir(join(folder, 'imported'))).sort();
  return Promise.all(
    names.map(async (name) =>
      record.parse(JSON.parse(await readFile(join(folder, 'imported', name), 'utf8'))),
    ),
  );
}
