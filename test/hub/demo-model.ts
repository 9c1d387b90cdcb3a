import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { demoModelFolder } from '../../runner/demo/index.ts';
import type { Contents } from './repositories.ts';

/** The files of the embedded language model as a repository of the hub holds them. */
export async function demoModelFiles(): Promise<Record<string, Contents>> {
  const files: Record<string, Contents> = {};
  for (const name of await readdir(demoModelFolder))
    files[name] = { text: await readFile(join(demoModelFolder, name)), lfs: name.endsWith('.safetensors') };
  return files;
}
