/**
 * Compiles the *.as.ts beside it to the committed plain.wasm and relaxed.wasm, after a change of one:
 *
 *     node runner/train/backends/sparse-cpu/kernels/build.ts
 *
 * The compiled kernels (7 kB each) are committed so that running needs neither a build step nor the compiler, which
 * takes seconds and 100 MB; a test compiles again and finds the same bytes.
 */
import { readFile, writeFile } from 'node:fs/promises';
import asc from 'assemblyscript/asc';
import type { Build } from '../kernels.ts';

const parts = ['kernels', 'screen', 'vector'] as const;
const builds = { plain: 'simd', relaxed: 'simd,relaxed-simd' } as const satisfies Record<Build, string>;

/** @throws Error with the compiler's words when the source has a fault */
export async function buildKernels(build: Build): Promise<Uint8Array> {
  const sources = new Map<string, string>();
  for (const part of parts) {
    sources.set(`${part}.ts`, await readFile(new URL(`./${part}.as.ts`, import.meta.url), 'utf8'));
  }
  let bytes: Uint8Array | undefined;
  const { error, stderr } = await asc.main(
    [
      'kernels.ts',
      'screen.ts',
      '-O3',
      '--noAssert',
      // Helpers take vectors; nothing outside calls them.
      '--disableWarning=112',
      '--runtime=stub',
      '--importMemory',
      '--sharedMemory',
      '--initialMemory=1',
      '--maximumMemory=65536',
      `--enable=threads,bulk-memory,${builds[build]}`,
      '--outFile=kernels.wasm',
    ],
    {
      readFile: (name) => sources.get(name) ?? null,
      writeFile: (name, contents) => {
        if (name === 'kernels.wasm' && typeof contents !== 'string') bytes = contents;
      },
      listFiles: () => [],
    },
  );
  if (error !== null || bytes === undefined)
    throw new Error(`kernels: ${stderr.toString()}`, { cause: error });
  return bytes;
}

if (import.meta.main) {
  for (const build of Object.keys(builds) as Build[]) {
    const bytes = await buildKernels(build);
    await writeFile(new URL(`./${build}.wasm`, import.meta.url), bytes);
    console.log(`${build}.wasm ${bytes.length} bytes`);
  }
}
