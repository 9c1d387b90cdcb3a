/** Memory of NVIDIA's cards, as their driver tells. */
import { systemLibrary } from './binding/c-api/library.ts';

export interface DeviceMemory {
  /** Bytes that nobody holds. */
  free: number;
  total: number;
}

/** Gives a function of the driver's library by its declaration; a result other than 0 is an error. */
export type Driver = (
  declaration: string,
) => (...args: (bigint | number | Int32Array | BigUint64Array)[]) => number;

/** @returns null without a driver, or where it does not answer */
export async function cudaMemory(
  card: number,
  open: () => Promise<Driver | null> = () => systemLibrary('libcuda.so.1'),
): Promise<DeviceMemory | null> {
  const driver = await open();
  if (driver === null) return null;
  try {
    return memoryOf(driver, card);
  } catch {
    // A library of that name that is not NVIDIA's driver, or an older one.
    return null;
  }
}

function memoryOf(driver: Driver, card: number): DeviceMemory | null {
  const device = new Int32Array(1);
  const context = new BigUint64Array(1);
  const [free, total] = [new BigUint64Array(1), new BigUint64Array(1)];
  if (driver('int cuInit(unsigned int flags)')(0) !== 0) return null;
  if (driver('int cuDeviceGet(int *device, int ordinal)')(device, card) !== 0) return null;
  // The context that the runtime uses too: memory is told of the current one.
  const retain = driver('int cuDevicePrimaryCtxRetain(void *context, int device)');
  if (retain(context, device[0]!) !== 0) return null;
  try {
    if (driver('int cuCtxSetCurrent(void *context)')(context[0]!) !== 0) return null;
    if (driver('int cuMemGetInfo_v2(void *free, void *total)')(free, total) !== 0) return null;
    return { free: Number(free[0]), total: Number(total[0]) };
  } finally {
    driver('int cuDevicePrimaryCtxRelease_v2(int device)')(device[0]!);
  }
}
