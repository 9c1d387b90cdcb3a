/**
 * Compiles kernels.as.ts to the committed compiled.ts, after a change of it:
 *
 *     node runner/simd/build.ts
 *
 * Committed, so that running needs neither a build step nor the compiler, which takes seconds and 100 MB; as text, so that
 * nothing has to find and read a file. A test compiles again and finds the same bytes.
 */
import { readFile, writeFile } from 'node:fs/promises';
import asc from 'assemblyscript/asc';

/** @throws Error with the compiler's words when the source has a fault */
export async function buildKernels(): Promise<Uint8Array> {
  const source = await readFile(new URL('./kernels.as.ts', import.meta.url), 'utf8');
  let bytes: Uint8Array | undefined;
  const { error, stderr } = await asc.main(
    [
      'kernels.ts',
      '-O3',
      '--noAssert',
      '--runtime=stub',
      '--importMemory',
      '--initialMemory=1',
      '--enable=bulk-memory,simd',
      '--outFile=kernels.wasm',
    ],
    {
      readFile: (name) => (name === 'kernels.ts' ? source : null),
      writeFile: (name, contents) => {
        if (name === 'kernels.wasm' && typeof contents !== 'string') bytes = contents;
      },
      listFiles: () => [],
    },
  );
  if (error !== null || bytes === undefined)
    throw new Error(`kernels.ts: ${stderr.toString()}`, { cause: error });
  return bytes;
}

if (import.meta.main) {
  const bytes = await buildKernels();
  const lines = Buffer.from(bytes)
    .toString('base64')
    .match(/.{1,100}/g)!
    .map((line) => `  '${line}',`);
  const text = `/** kernels.as.ts, compiled by build.ts. */\nexport const compiled = [\n${lines.join('\n')}\n].join('');\n`;
  await writeFile(new URL('./compiled.ts', import.meta.url), text);
  console.log(`compiled.ts: ${bytes.length} bytes`);
}
