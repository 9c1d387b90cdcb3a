/**
 * Compiles kernels.as.ts to the committed compiled.ts, after a change of it:
 *
 *     node runner/simd/build.ts
 *
 * As text, so that nothing has to find and read a file.
 */
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { compileAssemblyScript } from './assemblyscript.ts';

/** @throws Error with the compiler's words when the source has a fault */
export function buildKernels(): Promise<Uint8Array> {
  const folder = new URL('./', import.meta.url);
  return compileAssemblyScript(folder, ['kernels'], ['--enable=bulk-memory,simd']);
}

// import.meta.main is undefined on Node 22 and 24.0.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const bytes = await buildKernels();
  const lines = Buffer.from(bytes)
    .toString('base64')
    .match(/.{1,100}/g)!
    .map((line) => `  '${line}',`);
  const text = `/** kernels.as.ts, compiled by build.ts. */\nexport const compiled = [\n${lines.join('\n')}\n].join('');\n`;
  await writeFile(new URL('./compiled.ts', import.meta.url), text);
  console.log(`compiled.ts: ${bytes.length} bytes`);
}
