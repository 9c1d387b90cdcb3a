/**
 * Memory of outputs that have been read, for the outputs of later runs. Left to the garbage collector, megabytes that come
 * and go with every run make it look through everything every few runs; freed and asked for again, the system clears them
 * each time.
 *
 * An output belongs to whoever ran the session, until that one gives it away by `discard`. Its array is detached then: what
 * still reads it finds it empty, and never another output's numbers.
 */

/** Bytes kept at most, in each thread. */
const KEPT_BYTES = 64 * 2 ** 20;

/** Of less there is nothing to gain. */
const LEAST_BYTES = 16 * 2 ** 10;

/** By size, what can be taken. Sizes that nobody has asked for have no list: nothing of them is kept. */
const free = new Map<number, ArrayBuffer[]>();
let kept = 0;

/** @returns so many bytes, whatever they hold */
export function outputMemory(bytes: number): ArrayBuffer {
  const list = free.get(bytes);
  const found = list?.pop();
  if (found !== undefined) {
    kept -= bytes;
    return found;
  }
  if (list === undefined && bytes >= LEAST_BYTES) free.set(bytes, []);
  return Buffer.allocUnsafeSlow(bytes).buffer;
}

/** Gives away an output whose numbers have been read, and with it every array over the same memory. */
export function discard({ buffer }: ArrayBufferView): void {
  if (!(buffer instanceof ArrayBuffer)) return;
  const bytes = buffer.byteLength;
  // What is kept is of sizes that are not asked for any more.
  if (kept + bytes > KEPT_BYTES) forget();
  const list = free.get(bytes);
  if (list === undefined) {
    buffer.transfer(0);
    return;
  }
  // Moved, not copied.
  list.push(buffer.transfer());
  kept += bytes;
}

/** Bytes that are kept now. */
export function keptOutputs(): number {
  return kept;
}

function forget(): void {
  for (const list of free.values()) for (const buffer of list) buffer.transfer(0);
  free.clear();
  kept = 0;
}
