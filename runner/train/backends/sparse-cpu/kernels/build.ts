/**
 * Compiles the *.as.ts beside it to the committed plain.wasm and relaxed.wasm (some kB each), after a change of one:
 *
 *     node runner/train/backends/sparse-cpu/kernels/build.ts
 */
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { compileAssemblyScript } from '../../../../simd/assemblyscript.ts';
import type { Build } from '../kernels.ts';

const builds = { plain: 'simd', relaxed: 'simd,relaxed-simd' } as const satisfies Record<Build, string>;

/** @throws Error with the compiler's words when the source has a fault */
export function buildKernels(build: Build): Promise<Uint8Array> {
  return compileAssemblyScript(
    new URL('./', import.meta.url),
    ['kernels', 'update', 'quantise', 'select', 'block'],
    ['--sharedMemory', '--maximumMemory=65536', `--enable=threads,bulk-memory,${builds[build]}`],
  );
}

// import.meta.main is undefined on Node 22 and 24.0.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const build of Object.keys(builds) as Build[]) {
    const bytes = await buildKernels(build);
    await writeFile(new URL(`./${build}.wasm`, import.meta.url), bytes);
    console.log(`${build}.wasm ${bytes.length} bytes`);
  }
}
