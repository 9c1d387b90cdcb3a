/**
 * What sessions on CUDA need beside onnxruntime's npm package and NVIDIA's driver, as it comes in wheels of PyPI, and where
 * `npx interpboard cuda` puts it. Linux x64 alone.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { userCacheFolder } from '../io/user-cache.ts';
import { packagedProvider, runtimeLibrary } from './runtime-library.ts';

export interface Wheel {
  /** Its project on PyPI. */
  project: string;
  file: string;
  size: number;
  sha256: string;
  /** Members that are wanted. */
  libraries: readonly string[];
}

/** Of the runtime's own version: the provider is called through structures that change with it. */
export const ONNXRUNTIME = '1.30.0';

/** CUDA 13.0, which any driver for CUDA 13 runs. The first holds the provider; it is the same in those of every Python. */
export const wheels: readonly Wheel[] = [
  {
    project: 'onnxruntime-gpu',
    file: `onnxruntime_gpu-${ONNXRUNTIME}-cp312-cp312-manylinux_2_28_x86_64.whl`,
    size: 246_685_715,
    sha256: '6acc0f4b3d5ac5f2984432faa59dd8fcce6775f8b43a7140afa0f322c7a703b1',
    libraries: [
      'onnxruntime/capi/libonnxruntime_providers_shared.so',
      'onnxruntime/capi/libonnxruntime_providers_cuda.so',
    ],
  },
  {
    project: 'nvidia-cuda-runtime',
    file: 'nvidia_cuda_runtime-13.0.96-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl',
    size: 2_243_632,
    sha256: '7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548',
    libraries: ['nvidia/cu13/lib/libcudart.so.13'],
  },
  {
    project: 'nvidia-cublas',
    file: 'nvidia_cublas-13.0.2.14-py3-none-manylinux_2_27_x86_64.whl',
    size: 420_882_912,
    sha256: '0cf238ffdbe46c00cb9aa98e7bca745c223a5ca5a53e686ac8b3e5a08fe80d6c',
    libraries: ['nvidia/cu13/lib/libcublasLt.so.13', 'nvidia/cu13/lib/libcublas.so.13'],
  },
  {
    project: 'nvidia-curand',
    file: 'nvidia_curand-10.4.0.35-py3-none-manylinux_2_27_x86_64.whl',
    size: 59_544_258,
    sha256: '1aee33a5da6e1db083fe2b90082def8915f30f3248d5896bcec36a579d941bfc',
    libraries: ['nvidia/cu13/lib/libcurand.so.10'],
  },
];

/** Of NVIDIA's drivers for Linux the first for CUDA 13. */
export const LEAST_DRIVER = 580;

/** In an order in which each finds what it is linked with: before the provider asks for them. */
const PRELOADED = ['libcudart.so.13', 'libcublasLt.so.13', 'libcublas.so.13', 'libcurand.so.10'];

const PROVIDERS = ['libonnxruntime_providers_shared.so', 'libonnxruntime_providers_cuda.so'];

/** Beside the libraries, written last: their names and sizes. */
export const LIST = 'libraries.json';

const list = z.record(z.string(), z.number());

/** For all of this user's programs of this version of the runtime, unless INTERPBOARD_CUDA names another place. */
export function cudaFolder(environment: NodeJS.ProcessEnv = process.env, home = homedir()): string {
  return (
    environment.INTERPBOARD_CUDA ||
    join(userCacheFolder(environment, home), 'cuda', `onnxruntime-${ONNXRUNTIME}`)
  );
}

export interface CudaLibraries {
  /** A copy of onnxruntime's library, which looks for its providers beside itself. */
  runtime: string;
  /** To be loaded before the provider. */
  preload: readonly string[];
}

/** Null where they have not been fetched, not whole, or for another build of the runtime. */
export function cudaLibraries(folder = cudaFolder(), library = runtimeLibrary()): CudaLibraries | null {
  try {
    const sizes = list.parse(JSON.parse(readFileSync(join(folder, LIST), 'utf8')));
    const names = [library.name, ...PROVIDERS, ...PRELOADED];
    const whole = names.every((name) => statSync(join(folder, name)).size === sizes[name]);
    if (!whole || statSync(library.path).size !== sizes[library.name]) return null;
    return {
      runtime: join(folder, library.name),
      preload: PRELOADED.map((name) => join(folder, name)),
    };
  } catch {
    return null;
  }
}

/** Whether the library that makes sessions on CUDA is there: fetched from PyPI, or put into onnxruntime's package by its own script. */
export function cudaProviderInstalled(): boolean {
  return existsSync(packagedProvider) || cudaLibraries() !== null;
}
