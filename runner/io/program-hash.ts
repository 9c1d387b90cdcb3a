/**
 * What computes a result, as a hash: the bytes of every module of the program, the versions of its dependencies, and
 * what runs them. Kept results carry it, so that a change of the program never meets results of another.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const modulesFolder = fileURLToPath(new URL('../', import.meta.url));
const manifest = fileURLToPath(new URL('../../package.json', import.meta.url));

/** Code and its tables; weights and texts have hashes of their own where they count. */
const CODE = /\.(?:ts|js|mjs|wasm|json)$/;

let found: Promise<string> | undefined;

/** Of the running program; read once per process, some hundred files. */
export function programHash(): Promise<string> {
  found ??= hashOfProgram(modulesFolder, manifest);
  return found;
}

/**
 * @param folder all code below it counts
 * @param manifestPath a package.json, whose exact dependencies count
 */
export async function hashOfProgram(folder: string, manifestPath: string): Promise<string> {
  const hash = createHash('sha256');
  const files = (await readdir(folder, { recursive: true })).filter((name) => CODE.test(name)).sort();
  for (const file of files) {
    const bytes = await readFile(join(folder, file));
    hash.update(`${file.replaceAll('\\', '/')} ${bytes.byteLength}\n`).update(bytes);
  }
  const { dependencies } = JSON.parse(await readFile(manifestPath, 'utf8')) as { dependencies?: unknown };
  // Sums of floating-point numbers depend on the processor too.
  const machine = [process.version, process.arch, cpus()[0]?.model ?? ''];
  return hash.update(JSON.stringify([dependencies, machine])).digest('hex');
}
