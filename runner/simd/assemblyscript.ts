/**
 * AssemblyScript to WebAssembly. What it makes is committed, so that running needs neither a build step nor the
 * compiler, which takes seconds and 100 MB; tests compile again and find the same bytes.
 */
import { readFile } from 'node:fs/promises';
import asc from 'assemblyscript/asc';

/**
 * Compiles `entries` (what they export the module exports) and what they import of one another and of `parts`. A part
 * `name` lies in `folder` as name.as.ts, and is imported as './name'.
 *
 * @param flags beside those that all modules of this project have: no runtime, memory from outside
 * @throws Error with the compiler's words when a source has a fault
 */
export async function compileAssemblyScript(
  folder: URL,
  { entries, parts = [] }: { entries: readonly string[]; parts?: readonly string[] },
  flags: readonly string[],
): Promise<Uint8Array> {
  const sources = new Map<string, string>();
  for (const part of [...entries, ...parts]) {
    sources.set(`${part}.ts`, await readFile(new URL(`${part}.as.ts`, folder), 'utf8'));
  }
  let bytes: Uint8Array | undefined;
  const { error, stderr } = await asc.main(
    [
      ...entries.map((entry) => `${entry}.ts`),
      '-O3',
      '--noAssert',
      // Functions of a part take and give vectors; what lies outside the module does not call them.
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
