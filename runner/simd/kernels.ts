/** Loads the compiled kernels (kernels.as.ts, compiled by build.ts). */
import { compiled } from './compiled.ts';

/** Pointers are byte offsets into the workspace's memory, multiples of 16. Documented in kernels.as.ts. */
interface Kernels {
  curvature(
    matrix: number,
    rows: number,
    bytes: number,
    v: number,
    shift: number,
    d: number,
    out: number,
  ): number;
  squaredColumns(matrix: number, rows: number, bytes: number, d: number, out: number): void;
  addRows(matrix: number, rows: number, bytes: number, d: number, out: number): void;
  largest(
    values: number,
    rows: number,
    width: number,
    k: number,
    scratch: number,
    found: number,
    at: number,
  ): void;
}

/** The kernels with a memory of their own. It grows and is never given back, so a thread keeps few of them. */
export interface Workspace extends Kernels {
  /**
   * Lays out arrays one after the other: their places, and the memory they lie in. Arrays laid out before are gone, and
   * views of them may be dead.
   *
   * @param bytes of each array
   * @throws RangeError where they are more than 32-bit WebAssembly can hold (4 GiB), or than the machine has
   */
  layOut<const Sizes extends readonly number[]>(
    ...bytes: Sizes
  ): { buffer: ArrayBuffer; places: { [place in keyof Sizes]: number } };
}

const PAGE = 1 << 16;
/** Pages of 32-bit WebAssembly. */
const MOST_PAGES = 1 << 16;

let module: WebAssembly.Module | undefined;

export function openWorkspace(): Workspace {
  module ??= new WebAssembly.Module(Uint8Array.from(atob(compiled), (byte) => byte.charCodeAt(0)));
  const memory = new WebAssembly.Memory({ initial: 1, maximum: MOST_PAGES });
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  const { base, curvature, squaredColumns, addRows, largest } = exports as unknown as Kernels & {
    base(): number;
  };
  return {
    curvature,
    squaredColumns,
    addRows,
    largest,
    layOut(...bytes) {
      let end = aligned(base());
      const places = bytes.map((size) => {
        const place = end;
        end = aligned(end + size);
        return place;
      });
      const missing = Math.ceil(end / PAGE) - memory.buffer.byteLength / PAGE;
      if (missing > 0) memory.grow(missing);
      return { buffer: memory.buffer, places: places as { [place in keyof typeof bytes]: number } };
    },
  };
}

function aligned(place: number): number {
  return Math.ceil(place / 16) * 16;
}
