import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** Folder of the installed onnxruntime-node package. */
export const runtimeFolder = dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json'));

const provider = join(
  runtimeFolder,
  ...['bin', 'napi-v6', 'linux', 'x64', 'libonnxruntime_providers_cuda.so'],
);

/** Whether the library that makes sessions on CUDA lies where onnxruntime looks for it (Linux x64 alone). */
export function cudaProviderInstalled(): boolean {
  return existsSync(provider);
}
