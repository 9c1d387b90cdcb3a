/**
 * What a device can do, found out before it is used: in a process of its own, so that the runtime's own lines about a
 * device that is not there stay away from the terminal, and a driver that crashes takes nothing with it.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { UnavailableError, UserError } from '../errors.ts';
import { type Device, deviceAdvice, providerOf } from './devices.ts';
import type { DeviceMemory } from './gpu-memory.ts';
import type { Precision } from './graph.ts';
import { type AttentionKernels, allKernels } from './kernels.ts';

export interface DeviceFacts {
  /** Of a product of matrices in float32. */
  operationsPerSecond: number;
  /** The same in bfloat16; null where the device does not compute in it. */
  bfloat16PerSecond: number | null;
  kernels: AttentionKernels;
  /** The same for numbers of 16 bits; null where the device does not compute in bfloat16. */
  bfloat16: AttentionKernels | null;
  /** Of a card of its own, as its driver tells; null where that is not known, or there is none. */
  memory: DeviceMemory | null;
}

/** Starting a driver takes a second or two; shaders are compiled meanwhile. */
const TIME_LIMIT_MS = 120_000;

const asked = new Map<Device, Promise<DeviceFacts>>();

/**
 * @throws UnavailableError naming what is missing, and how to get it
 */
export function deviceFacts(device: Device): Promise<DeviceFacts> {
  const known = asked.get(device) ?? check(device);
  asked.set(device, known);
  return known;
}

/** What was found of devices other than the CPU, for another thread. */
export type KnownFacts = readonly (readonly [Device, DeviceFacts])[];

/**
 * @throws UnavailableError as `deviceFacts`
 */
export async function knownFacts(devices: readonly Device[]): Promise<KnownFacts> {
  const others = devices.filter((device) => device !== 'cpu');
  return Promise.all(others.map(async (device) => [device, await deviceFacts(device)] as const));
}

/** Takes over what another thread found: devices are not checked again here. */
export function rememberFacts(facts: KnownFacts): void {
  for (const [device, found] of facts) asked.set(device, Promise.resolve(found));
}

/**
 * Attention kernels that a device has right in a precision.
 *
 * @throws UserError for bfloat16 on a device that computes in it neither itself nor rounded from float32
 * @throws UnavailableError as `deviceFacts`
 */
export async function kernelsOf(device: Device, precision: Precision): Promise<AttentionKernels> {
  if (device === 'cpu') return allKernels;
  const facts = await deviceFacts(device);
  if (precision === 'float32') return facts.kernels;
  if (precision === 'bfloat16' && facts.bfloat16 !== null) return facts.bfloat16;
  throw new UserError({
    thing: `precision ${precision}`,
    found: `device ${device}, which does not compute in it`,
    expected: 'CUDA, or the CPU, which rounds what it computes in float32',
    next: 'Use --precision float32.',
  });
}

/**
 * Bytes that every one of some devices has free; null where one of them does not tell, or uses the host's.
 *
 * @throws UnavailableError as `deviceFacts`
 */
export async function freeMemory(devices: readonly Device[]): Promise<number | null> {
  let least = Number.POSITIVE_INFINITY;
  for (const device of devices) {
    const memory = providerOf(device) === 'cuda' ? (await deviceFacts(device)).memory : null;
    if (memory === null) return null;
    least = Math.min(least, memory.free);
  }
  return least;
}

async function check(device: Device): Promise<DeviceFacts> {
  const script = fileURLToPath(new URL('./device-check.ts', import.meta.url));
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [script, device], {
      env: { ...process.env, ORT_DISABLE_TELEMETRY: '1' },
      timeout: TIME_LIMIT_MS,
      maxBuffer: 16 << 20,
    });
    return JSON.parse(stdout) as DeviceFacts;
  } catch (cause) {
    throw new UnavailableError(
      {
        thing: `device ${device}`,
        found: reasonOf(cause),
        expected: 'a device that runs a small program',
        next: deviceAdvice(device),
      },
      { cause },
    );
  }
}

/** Plain words for what the runtimes are known to say; else the first line of it. */
function reasonOf(cause: unknown): string {
  const said =
    typeof cause === 'object' && cause !== null && 'stderr' in cause ? String(cause.stderr) : String(cause);
  if (/libvulkan|No supported adapters|Failed to get a WebGPU adapter/.test(said))
    return 'no graphics adapter';
  if (/libcuda\.so/.test(said)) return 'no NVIDIA driver (libcuda.so.1)';
  if (/driver version is insufficient/.test(said)) return 'an NVIDIA driver that is too old for CUDA 13';
  if (/providers_(cuda|shared)|CUDA(ExecutionProvider)? .*not (available|enabled)/i.test(said))
    return 'no CUDA provider';
  if (/no available backend|not supported|Unknown provider|backend not found/i.test(said))
    return 'no provider for it in this build of onnxruntime';
  const lines = said.split('\n');
  // Node prints the line of the source that threw before what was thrown.
  const thrown = lines.find((each) => /^\w*Error: /.test(each));
  const line = thrown ?? lines.find((each) => /error/i.test(each)) ?? lines[0] ?? '';
  return line.slice(0, 200) || 'that its check ended without a word';
}

/** Tried in this order by `auto`, where the system can have them. */
const preferred: readonly { device: Device; on: readonly NodeJS.Platform[] }[] = [
  { device: 'cuda:0', on: ['linux', 'win32'] },
  { device: 'webgpu', on: ['linux', 'win32', 'darwin'] },
];

/**
 * The device that `auto` stands for here: the first that passes its check, else the CPU.
 *
 * @returns it with words on why
 */
export async function automaticDevice(): Promise<{ device: Device; why: string }> {
  const missed: string[] = [];
  for (const { device, on } of preferred) {
    if (!on.includes(process.platform)) continue;
    try {
      await deviceFacts(device);
      return { device, why: [...missed, `${device} passed its check`].join('; ') };
    } catch (error) {
      if (!(error instanceof UnavailableError)) throw error;
      missed.push(`${device}: ${error.complaint.found}`);
    }
  }
  return { device: 'cpu', why: missed.join('; ') };
}
