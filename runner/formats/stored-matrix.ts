/**
 * A matrix where it lies in a file: any block of it can be read without the rest. What a file holds turned around or
 * scaled is a view of the same bytes, so checkpoint formats differ in how they describe a matrix and not in how it is
 * read.
 */
import type { ByteSource } from '../io/byte-source.ts';
import { type FloatType, numberTypes, toFloat32 } from './number-types.ts';

/** Bytes asked for at once where a matrix is read in stripes. */
const STRIPE_BYTES = 16 << 20;
/** Reads under way at a time where every row is one. */
const PARALLEL_READS = 64;

/** Rows from..to and columns from..to, the ends excluded. */
export interface Block {
  rows: readonly [number, number];
  columns: readonly [number, number];
}

/** Where a matrix lies when nothing has to be done to its numbers. */
export interface MatrixPlace {
  file: string;
  dtype: FloatType;
  /** First byte. */
  start: number;
  byteLength: number;
  /** Whether the file holds it column by column, which is its transpose row by row. */
  turned: boolean;
}

export interface StoredMatrix {
  readonly rows: number;
  readonly columns: number;
  /** As it is stored. */
  readonly dtype: FloatType;
  /** Null where its numbers are not the file's own, or do not lie there without gaps. */
  readonly place: MatrixPlace | null;
  /** A part of it, row-major. @throws what reading the file throws */
  block(part: Block): Promise<Float32Array>;
  /** Holds the bytes against their container's checksum, where it has one. @throws MalformedError */
  verify(): Promise<void>;
  /** All of it, row-major. @throws MalformedError when the container's checksum is another */
  read(): Promise<Float32Array>;
  /** Its transpose, the same bytes seen the other way. */
  turned(): StoredMatrix;
}

export interface StridedArray {
  source: ByteSource;
  dtype: FloatType;
  /** Byte of the element [0, 0]. */
  start: number;
  /** [rows, columns] */
  shape: readonly [number, number];
  /** Elements from one row, and from one column, to the next. */
  stride: readonly [number, number];
}

/**
 * A matrix of numbers in a file.
 *
 * @throws RangeError when neither the numbers of a row nor those of a column lie side by side
 */
export function storedMatrix(array: StridedArray): StoredMatrix {
  const { source, dtype, start, shape, stride } = array;
  const [rows, columns] = shape;
  const [rowStep, columnStep] = stride;
  const size = numberTypes[dtype];
  const byRow = columnStep === 1 || columns === 1;
  const byColumn = rowStep === 1 || rows === 1;
  if (!byRow && !byColumn) throw new RangeError(`a matrix with steps of ${rowStep} and ${columnStep}`);
  const dense = (byRow && rowStep === columns) || rows === 1;
  const denseTurned = (byColumn && columnStep === rows) || columns === 1;

  const stretch = async (first: number, count: number): Promise<Float32Array> =>
    toFloat32(dtype, await source.slice(start + first * size, start + (first + count) * size));

  async function block(part: Block): Promise<Float32Array> {
    const [r0, r1] = part.rows;
    const [c0, c1] = part.columns;
    if (!(0 <= r0 && r0 <= r1 && r1 <= rows && 0 <= c0 && c0 <= c1 && c1 <= columns)) {
      throw new RangeError(`rows ${r0}..${r1}, columns ${c0}..${c1} of a matrix [${rows}, ${columns}]`);
    }
    const [height, width] = [r1 - r0, c1 - c0];
    if (height === 0 || width === 0) return new Float32Array(0);
    if (byRow && dense && width === columns) return stretch(r0 * rowStep, height * width);
    const out = new Float32Array(height * width);
    if (byRow) {
      await inParallel(height, async (i) => {
        out.set(await stretch((r0 + i) * rowStep + c0 * columnStep, width), i * width);
      });
    } else {
      // Whole columns lie together: a stripe of them is one read.
      const step = denseTurned && height === rows ? Math.max(1, Math.floor(STRIPE_BYTES / size / rows)) : 1;
      const stripes = Math.ceil(width / step);
      await inParallel(
        stripes,
        async (at) => {
          const j0 = at * step;
          const j1 = Math.min(width, j0 + step);
          const part = await stretch(r0 * rowStep + (c0 + j0) * columnStep, (j1 - j0) * height);
          turnInto(out, part, { height, width, j0, j1 });
        },
        step === 1 ? PARALLEL_READS : 1,
      );
    }
    return out;
  }

  const inside = source.place;
  const lies = inside !== undefined && (dense || denseTurned);
  return {
    rows,
    columns,
    dtype,
    place: lies
      ? {
          file: inside.file,
          dtype,
          start: inside.start + start,
          byteLength: rows * columns * size,
          turned: !dense,
        }
      : null,
    block,
    verify: async () => source.verify?.(),
    async read() {
      await source.verify?.();
      return block({ rows: [0, rows], columns: [0, columns] });
    },
    turned: () => storedMatrix({ ...array, shape: [columns, rows], stride: [columnStep, rowStep] }),
  };
}

/**
 * A matrix whose numbers are the file's times a factor of the row and one of the column.
 *
 * @param factors those of rows from..to, or of columns from..to; null for ones
 */
export function scaledMatrix(
  matrix: StoredMatrix,
  factors: {
    rows: ((from: number, to: number) => Promise<Float64Array>) | null;
    columns: ((from: number, to: number) => Promise<Float64Array>) | null;
  },
): StoredMatrix {
  const { rows, columns, dtype } = matrix;
  const scaled = async (data: Float32Array, part: Block): Promise<Float32Array> => {
    const byRow = await factors.rows?.(...part.rows);
    const byColumn = await factors.columns?.(...part.columns);
    const width = part.columns[1] - part.columns[0];
    return data.map((value, at) => {
      const down = byRow === undefined ? value : value * byRow[Math.floor(at / width)]!;
      return byColumn === undefined ? down : down * byColumn[at % width]!;
    });
  };
  return {
    rows,
    columns,
    dtype,
    place: null,
    verify: () => matrix.verify(),
    block: async (part) => scaled(await matrix.block(part), part),
    read: async () => scaled(await matrix.read(), { rows: [0, rows], columns: [0, columns] }),
    turned: () => scaledMatrix(matrix.turned(), { rows: factors.columns, columns: factors.rows }),
  };
}

/** A matrix whose numbers are the file's times one factor. */
export function scaledBy(matrix: StoredMatrix, factor: number): StoredMatrix {
  return scaledMatrix(matrix, {
    rows: async (from, to) => new Float64Array(to - from).fill(factor),
    columns: null,
  });
}

/**
 * The same matrix, of which no part with a NaN or an infinite number is given out.
 *
 * @param refused the error for the first such number, at its place in the file
 */
export function finiteMatrix(
  matrix: StoredMatrix,
  refused: (value: number, row: number, column: number) => Error,
): StoredMatrix {
  const checked = (data: Float32Array, part: Block): Float32Array => {
    for (let at = 0; at < data.length; at++) {
      if (Number.isFinite(data[at]!)) continue;
      const width = part.columns[1] - part.columns[0];
      throw refused(data[at]!, part.rows[0] + Math.floor(at / width), part.columns[0] + (at % width));
    }
    return data;
  };
  const { rows, columns } = matrix;
  return {
    ...matrix,
    block: async (part) => checked(await matrix.block(part), part),
    read: async () => checked(await matrix.read(), { rows: [0, rows], columns: [0, columns] }),
    turned: () => finiteMatrix(matrix.turned(), (value, row, column) => refused(value, column, row)),
  };
}

/** Matrices of as many rows side by side: [rows, sum of the columns]. */
export function besideOf(parts: readonly [StoredMatrix, ...StoredMatrix[]]): StoredMatrix {
  const [{ rows, dtype }] = parts;
  const columns = parts.reduce((sum, part) => sum + part.columns, 0);
  async function block({ rows: down, columns: [from, to] }: Block): Promise<Float32Array> {
    const [height, width] = [down[1] - down[0], to - from];
    const out = new Float32Array(height * width);
    let start = 0;
    for (const part of parts) {
      const [first, last] = [Math.max(from - start, 0), Math.min(to - start, part.columns)];
      if (first < last) {
        const found = await part.block({ rows: down, columns: [first, last] });
        const wide = last - first;
        for (let i = 0; i < height; i++)
          out.set(found.subarray(i * wide, (i + 1) * wide), i * width + start + first - from);
      }
      start += part.columns;
    }
    return out;
  }
  const verify = async (): Promise<void> => {
    for (const part of parts) await part.verify();
  };
  const made: StoredMatrix = {
    rows,
    columns,
    dtype,
    place: null,
    block,
    verify,
    async read() {
      await verify();
      return block({ rows: [0, rows], columns: [0, columns] });
    },
    turned: () => turnedOf(made),
  };
  return made;
}

/** The transpose of a matrix that is computed and not stored: each part is transposed as it is read. */
export function turnedOf(matrix: StoredMatrix): StoredMatrix {
  const { rows: height, columns: width, dtype } = matrix;
  const turn = (data: Float32Array, { rows, columns }: Block): Float32Array => {
    const [down, across] = [rows[1] - rows[0], columns[1] - columns[0]];
    const out = new Float32Array(data.length);
    for (let i = 0; i < down; i++) for (let j = 0; j < across; j++) out[i * across + j] = data[j * down + i]!;
    return out;
  };
  return {
    rows: width,
    columns: height,
    dtype,
    place: null,
    verify: () => matrix.verify(),
    block: async (part) => turn(await matrix.block({ rows: part.columns, columns: part.rows }), part),
    read: async () => turn(await matrix.read(), { rows: [0, width], columns: [0, height] }),
    turned: () => matrix,
  };
}

/** Columns j0..j1 of `out` [height, width] from `part`, which holds them one after the other. */
function turnInto(
  out: Float32Array,
  part: Float32Array,
  { height, width, j0, j1 }: { height: number; width: number; j0: number; j1: number },
): void {
  for (let i = 0; i < height; i++) {
    for (let j = j0; j < j1; j++) out[i * width + j] = part[(j - j0) * height + i]!;
  }
}

/** Runs `count` reads, a bounded number at a time. */
async function inParallel(
  count: number,
  read: (at: number) => Promise<void>,
  parallel = PARALLEL_READS,
): Promise<void> {
  for (let from = 0; from < count; from += parallel) {
    const length = Math.min(parallel, count - from);
    await Promise.all(Array.from({ length }, (_, i) => read(from + i)));
  }
}
