/** What several files of end-to-end tests need and none of them changes: made once in a run, by the first that asks. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject } from 'vitest';
import type { TestProject } from 'vitest/node';
import { whileOwned } from '../../runner/io/folder-owner.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** A folder that lives as long as a run of the tests. */
    shared: string;
  }
}

/** Called by vitest before the first test; what it gives is called after the last. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'interpboard-shared-'));
  project.provide('shared', folder);
  return () => rm(folder, { recursive: true, force: true });
}

/** Of a machine on which others are at work. */
const PATIENCE_MS = 900_000;

/**
 * Another file that asks meanwhile waits.
 *
 * @returns the folder that `make` was given
 */
export async function once(name: string, make: (folder: string) => Promise<void>): Promise<string> {
  const folder = join(inject('shared'), name);
  const made = join(folder, 'made');
  const unlessMade = async (): Promise<void> => {
    if (existsSync(made)) return;
    await make(folder);
    await writeFile(made, '');
  };
  await whileOwned(folder, unlessMade, { patience: PATIENCE_MS });
  return folder;
}
