/**
 * WebGPU without a GPU: the software Vulkan (SwiftShader) that @sparticuz/chromium packs for Linux x64. The dynamic
 * loader reads its variables when a process starts, so what needs the device runs in a process of its own.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';

/** Said where a test is skipped. */
export const howToEnable =
  'no WebGPU device: run on Linux x64 (software Vulkan comes with npm ci), or set INTERPBOARD_GPU=system to use this machine’s own, INTERPBOARD_GPU=cuda for CUDA';

/** What the device tests run on. */
export const testedDevice = process.env.INTERPBOARD_GPU === 'cuda' ? 'cuda:0' : 'webgpu';

/**
 * The environment in which a process finds a WebGPU device: software Vulkan, or the system's own driver with
 * INTERPBOARD_GPU=system, or with INTERPBOARD_GPU=cuda NVIDIA's. Null where there is neither.
 */
export async function webgpuEnvironment(): Promise<NodeJS.ProcessEnv | null> {
  if (['system', 'cuda'].includes(process.env.INTERPBOARD_GPU ?? '')) return { ...process.env };
  if (process.platform !== 'linux' || process.arch !== 'x64') return null;
  const folder = await unpacked();
  if (folder === null) return null;
  const path = [folder, process.env.LD_LIBRARY_PATH].filter(Boolean).join(':');
  return {
    ...process.env,
    LD_LIBRARY_PATH: path,
    VK_ICD_FILENAMES: join(folder, 'vk_swiftshader_icd.json'),
    VK_DRIVER_FILES: join(folder, 'vk_swiftshader_icd.json'),
  };
}

/** Whether the device is the software one, whose subgroups of 4 no hardware has. */
export function isSoftware(env: NodeJS.ProcessEnv): boolean {
  return env.VK_ICD_FILENAMES?.includes('swiftshader') ?? false;
}

/**
 * Runs a TypeScript file in a process with that environment.
 *
 * @returns what it printed to stdout, and to stderr
 * @throws when it fails, with its stderr
 */
export async function runWithDevice(
  script: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<{ stdout: string; stderr: string }> {
  // Into a file: a pipe that is full for a moment makes the runtime's log stream give up for good.
  const folder = await mkdtemp(join(tmpdir(), 'interpboard-device-'));
  const log = join(folder, 'stderr');
  const file = await open(log, 'w');
  try {
    const child = spawn(process.execPath, [script, ...args], { env, stdio: ['ignore', 'pipe', file.fd] });
    let stdout = '';
    child.stdout!.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
    });
    const code = await new Promise<number | null>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', resolve);
    });
    const stderr = await readFile(log, 'utf8');
    if (code !== 0) throw new Error(`${basename(script)} ended with ${code}: ${stderr.slice(-4_000)}`);
    return { stdout, stderr };
  } finally {
    await file.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** The libraries in a folder of their own under the system's temporary one, unpacked once. */
async function unpacked(): Promise<string | null> {
  const entry = createRequire(import.meta.url).resolve('@sparticuz/chromium');
  const archive = join(dirname(entry), '..', '..', 'bin', 'swiftshader.tar.br');
  const packed = await readFile(archive).catch(() => null);
  if (packed === null) return null;
  const name = createHash('sha256').update(packed).digest('hex').slice(0, 16);
  const folder = join(tmpdir(), `interpboard-swiftshader-${name}`);
  if ((await readFile(join(folder, 'complete')).catch(() => null)) !== null) return folder;
  const partial = `${folder}.${process.pid}`;
  await mkdir(partial, { recursive: true });
  for (const { name: file, bytes } of filesOfTar(brotliDecompressSync(packed))) {
    await writeFile(join(partial, basename(file)), bytes);
  }
  await writeFile(join(partial, 'complete'), '');
  // Another process may have been faster; its folder is as good.
  await rename(partial, folder).catch(() => rm(partial, { recursive: true, force: true }));
  return folder;
}

const BLOCK = 512;

/** Plain files of a tar archive: a header block with name (100 bytes) and octal size (at 124), then the bytes. */
function filesOfTar(tar: Uint8Array): { name: string; bytes: Uint8Array }[] {
  const files = [];
  for (let at = 0; at + BLOCK <= tar.length; ) {
    const text = (from: number, to: number): string =>
      Buffer.from(tar.subarray(at + from, at + to))
        .toString('latin1')
        .split('\0', 1)[0]!;
    const name = text(0, 100);
    if (name === '') break;
    const size = Number.parseInt(text(124, 136), 8);
    const type = text(156, 157);
    if (type === '0' || type === '') files.push({ name, bytes: tar.subarray(at + BLOCK, at + BLOCK + size) });
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
  return files;
}
