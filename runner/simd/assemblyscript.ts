/**
 * AssemblyScript to WebAssembly. What it makes is committed, so that running needs neither a build step nor the
 * compiler, which takes seconds and 100 MB; tests compile again and find the same bytes.
 */
import { readFile } from 'node:fs/promises';
import asc from 'assemblyscript/asc';

/**
 * Compiles `entries` (what they export the module exports) and what they import of one another and of vector.as.ts. A file
 * name.as.ts is imported as './name', wherever it lies.
 *
 * @param flags besides those that all modules of this project have: no runtime, memory from outside
 * @throws Error with the compiler's words when a source has a fault
 */
export async function compileAssemblyScript(
  folder: URL,
  entries: readonly string[],
  flags: readonly string[],
): Promise<Uint8Array> {
  const read = (name: string, from: URL): Promise<string> => readFile(new URL(`${name}.as.ts`, from), 'utf8');
  const sources = new Map([['vector.ts', await read('vector', new URL('./', import.meta.url))]]);
  for (const entry of entries) sources.set(`${entry}.ts`, await read(entry, folder));
  let bytes: Uint8Array | undefined;
  const { error, stderr } = await asc.main(
    [
      ...entries.map((entry) => `${entry}.ts`),
      '-O3',
      '--noAssert',
      // Those of vector.as.ts take and give vectors; what lies outside the module does not call them.
      '--disableWarning=112',
      '--runtime=stub',
      '--importMemory',
      '--initialMemory=1',
      '--outFile=module.wasm',
      ...flags,
    ],
    {
      readFile: (name) => sources.get(name) ?? null,
      writeFile: (name, contents) => {
        if (name === 'module.wasm' && typeof contents !== 'string') bytes = contents;
      },
      listFiles: () => [],
    },
  );
  if (error !== null || bytes === undefined) {
    throw new Error(`${entries.join(', ')}: ${stderr.toString()}`, { cause: error });
  }
  return bytes;
}
