/** Bandwidth of this machine's memory by STREAM's triad, in WebAssembly as the training step's kernels are. */
import { compileAssemblyScript } from '../../../runner/simd/assemblyscript.ts';
import { median } from './median.ts';

/** Of each of the three arrays: far more than caches of one program's own hold. */
const BYTES = 2 ** 28;

/** @returns GB/s of one thread, of its processor time; read twice and written once, as STREAM counts */
export async function threadBandwidth(rounds = 9): Promise<number> {
  const bytes = await compileAssemblyScript(new URL('./', import.meta.url), ['stream'], ['--enable=simd']);
  const memory = new WebAssembly.Memory({ initial: (3 * BYTES) / 65_536 + 1 });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array(bytes)), {
    env: { memory },
  });
  const { triad } = exports as { triad: (a: number, b: number, c: number, bytes: number) => void };
  const [a, b, c] = [65_536, 65_536 + BYTES, 65_536 + 2 * BYTES];
  // Written once, so that each page is there.
  new Uint8Array(memory.buffer).fill(1);
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const before = process.threadCpuUsage();
    triad(a, b, c, BYTES);
    const { user, system } = process.threadCpuUsage(before);
    times.push((user + system) / 1e6);
  }
  return (3 * BYTES) / median(times) / 1e9;
}
