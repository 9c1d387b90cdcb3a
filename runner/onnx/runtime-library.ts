import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** Folder of the installed onnxruntime-node package. */
export const runtimeFolder = dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json'));

const names: Partial<Record<NodeJS.Platform, string>> = {
  win32: 'onnxruntime.dll',
  darwin: 'libonnxruntime.1.dylib',
};

/** onnxruntime's library in its package: the one that the package's own binding loads too. */
export function runtimeLibrary(): { name: string; path: string } {
  const name = names[process.platform] ?? 'libonnxruntime.so.1';
  const path = join(runtimeFolder, 'bin', 'napi-v6', process.platform, process.arch, name);
  return { name, path };
}

/** Where the package's own install script puts the CUDA provider. */
export const packagedProvider = join(
  runtimeFolder,
  ...['bin', 'napi-v6', 'linux', 'x64', 'libonnxruntime_providers_cuda.so'],
);
