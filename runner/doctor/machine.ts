/** What the machine has, as far as it can be read without loading anything. Nothing here names a user, host or path. */
import { execFile } from 'node:child_process';
import { readFile, statfs } from 'node:fs/promises';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { promisify } from 'node:util';
import type { BindingName } from '../onnx/binding/binding.ts';
import { cudaProviderInstalled } from '../onnx/cuda-libraries.ts';
import { runtimeBinding, runtimeVersion } from '../onnx/session.ts';

export interface Machine {
  system: string;
  processor: string;
  cores: number;
  /** Vector instructions that decide which kernels run; null where the system does not tell. */
  vectors: readonly string[] | null;
  memoryBytes: number;
  freeDiskBytes: number;
  versions: { interpboard: string; node: string; onnxruntime: string };
  /** How onnxruntime is reached: its C API, or its package's JavaScript. */
  binding: BindingName;
  /** As the NVIDIA driver tells; empty without one. */
  nvidia: { name: string; memory: string; driver: string }[];
  cudaProvider: boolean;
}

export async function readMachine(): Promise<Machine> {
  const { bavail, bsize } = await statfs(process.cwd());
  const container = process.constrainedMemory();
  const manifest = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return {
    system: `${process.platform} ${process.arch}`,
    processor: cpus()[0]?.model.trim() || 'unknown',
    cores: availableParallelism(),
    vectors: await vectorInstructions(),
    memoryBytes: container > 0 ? Math.min(totalmem(), container) : totalmem(),
    freeDiskBytes: bavail * bsize,
    versions: {
      interpboard: manifest.version,
      node: process.versions.node,
      onnxruntime: await runtimeVersion(),
    },
    binding: await runtimeBinding(),
    nvidia: await nvidiaDevices(),
    cudaProvider: cudaProviderInstalled(),
  };
}

const TOLD = ['avx2', 'avx512f', 'avx_vnni', 'avx512_vnni', 'amx_int8', 'asimd', 'asimddp', 'sve'];

async function vectorInstructions(): Promise<string[] | null> {
  const text = await readFile('/proc/cpuinfo', 'utf8').catch(() => null);
  const flags = text === null ? null : /^(?:flags|Features)\s*:\s*(.*)$/m.exec(text);
  if (!flags) return null;
  const all = new Set(flags[1]!.split(/\s+/));
  return TOLD.filter((name) => all.has(name));
}

/** As the NVIDIA driver tells; empty without one. */
export async function nvidiaDevices(): Promise<Machine['nvidia']> {
  const query = ['--query-gpu=name,memory.total,driver_version', '--format=csv,noheader'];
  try {
    const { stdout } = await promisify(execFile)('nvidia-smi', query, { timeout: 10_000 });
    return stdout
      .trim()
      .split('\n')
      .map((line) => line.split(',').map((each) => each.trim()))
      .filter((fields) => fields.length === 3)
      .map(([name, memory, driver]) => ({ name: name!, memory: memory!, driver: driver! }));
  } catch {
    // No such program, or a driver that does not answer: either way there is no device to tell of.
    return [];
  }
}
