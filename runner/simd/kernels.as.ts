/**
 * Loops over float32 that four lanes speed up, in AssemblyScript (TypeScript's syntax, WebAssembly's types): compiled by
 * build.ts, not by tsc. Pointers are byte offsets into the instance's memory, aligned to 16. Without relaxed SIMD: the
 * bits are the same on every machine.
 */
import { dots, floatOf, orderOf, total } from './vector';

/** The first byte that no constant of these functions lies in. */
export function base(): usize {
  return __heap_base;
}

/**
 * out = Aᵀ · diag(d) · (A · v + shift), and the sum of d · (A · v + shift): the Hessian of a sum of losses of A · v + shift,
 * times a vector. Four rows at a time, so that they are read from memory once for both products.
 *
 * @param matrix A, `rows` rows (a multiple of 4) of `bytes` bytes (a multiple of 32), the unused tail of each 0
 * @param v, out a row each
 * @param d one float32 a row
 */
export function curvature(
  matrix: usize,
  rows: i32,
  bytes: usize,
  v: usize,
  shift: f32,
  d: usize,
  out: usize,
): f64 {
  memory.fill(out, 0, bytes);
  let sum: f64 = 0;
  for (let i = 0; i < rows; i += 4, matrix += 4 * bytes, d += 16) {
    const r1 = matrix + bytes;
    const r2 = r1 + bytes;
    const r3 = r2 + bytes;
    const sums = dots(v, matrix, r1, r2, r3, bytes);
    const scaled = f32x4.mul(f32x4.add(sums, f32x4.splat(shift)), v128.load(d));
    const s0 = f32x4.extract_lane(scaled, 0);
    const s1 = f32x4.extract_lane(scaled, 1);
    const s2 = f32x4.extract_lane(scaled, 2);
    const s3 = f32x4.extract_lane(scaled, 3);
    sum += <f64>s0 + <f64>s1 + (<f64>s2 + <f64>s3);
    const m0 = f32x4.splat(s0);
    const m1 = f32x4.splat(s1);
    const m2 = f32x4.splat(s2);
    const m3 = f32x4.splat(s3);
    for (let j: usize = 0; j < bytes; j += 32) {
      const low = f32x4.add(
        f32x4.add(f32x4.mul(m0, v128.load(matrix + j)), f32x4.mul(m1, v128.load(r1 + j))),
        f32x4.add(f32x4.mul(m2, v128.load(r2 + j)), f32x4.mul(m3, v128.load(r3 + j))),
      );
      const high = f32x4.add(
        f32x4.add(f32x4.mul(m0, v128.load(matrix + j, 16)), f32x4.mul(m1, v128.load(r1 + j, 16))),
        f32x4.add(f32x4.mul(m2, v128.load(r2 + j, 16)), f32x4.mul(m3, v128.load(r3 + j, 16))),
      );
      v128.store(out + j, f32x4.add(v128.load(out + j), low));
      v128.store(out + j, f32x4.add(v128.load(out + j, 16), high), 16);
    }
  }
  return sum;
}

/** out_j = Σ_i d_i · A_ij², of the same matrix. */
export function squaredColumns(matrix: usize, rows: i32, bytes: usize, d: usize, out: usize): void {
  memory.fill(out, 0, bytes);
  for (let i = 0; i < rows; i++, matrix += bytes, d += 4) {
    const weight = v128.load32_splat(d);
    for (let j: usize = 0; j < bytes; j += 16) {
      const x = v128.load(matrix + j);
      v128.store(out + j, f32x4.add(v128.load(out + j), f32x4.mul(weight, f32x4.mul(x, x))));
    }
  }
}

/** out += Aᵀ · d: the rows of A by a weight each. Rows as of `curvature`, four at a time. */
export function addRows(matrix: usize, rows: i32, bytes: usize, d: usize, out: usize): void {
  for (let i = 0; i < rows; i += 4, matrix += 4 * bytes, d += 16) {
    const r1 = matrix + bytes;
    const r2 = r1 + bytes;
    const r3 = r2 + bytes;
    const d0 = v128.load32_splat(d);
    const d1 = v128.load32_splat(d, 4);
    const d2 = v128.load32_splat(d, 8);
    const d3 = v128.load32_splat(d, 12);
    for (let j: usize = 0; j < bytes; j += 16) {
      const low = f32x4.add(f32x4.mul(d0, v128.load(matrix + j)), f32x4.mul(d1, v128.load(r1 + j)));
      const high = f32x4.add(f32x4.mul(d2, v128.load(r2 + j)), f32x4.mul(d3, v128.load(r3 + j)));
      v128.store(out + j, f32x4.add(v128.load(out + j), f32x4.add(low, high)));
    }
  }
}

/** For each mask of four lanes the bytes of those whose bit is set, packed to the front. */
const PACKING = memory.data<u8>([
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 5, 6, 7,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 0, 0, 0, 0, 0, 0, 0, 0, 8, 9, 10, 11, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 8, 9, 10, 11, 0, 0, 0, 0, 0, 0, 0, 0, 4, 5, 6, 7, 8, 9, 10, 11, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 0, 0, 0, 0, 12, 13, 14, 15, 0, 0, 0, 0, 0, 0, 0, 0,
  0, 0, 0, 0, 0, 1, 2, 3, 12, 13, 14, 15, 0, 0, 0, 0, 0, 0, 0, 0, 4, 5, 6, 7, 12, 13, 14, 15, 0, 0, 0, 0, 0,
  0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 12, 13, 14, 15, 0, 0, 0, 0, 8, 9, 10, 11, 12, 13, 14, 15, 0, 0, 0, 0, 0, 0,
  0, 0, 0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15, 0, 0, 0, 0, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0, 0,
  0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
]);

/** Up to so many candidates are ranked by comparing all pairs, which has no branch to guess wrongly. */
const PAIRS = 192;

/**
 * Of each row of `width` float32 (a multiple of 4) the k largest, largest first, of equal ones the first; 1 ≤ k ≤ width.
 * A row that holds NaN, or fewer than k values above −Infinity, becomes NaN.
 *
 * How many deviations above its mean the k-th largest of a row lies says where to look in the next one: what lies well
 * below is no candidate. Where that leaves fewer than k, the row is read again: the result does not depend on the guess.
 *
 * @param scratch room for 2 · width + 8 float64
 * @param found, at float32 and int32 [rows, k], written
 */
export function largest(
  values: usize,
  rows: i32,
  width: i32,
  k: i32,
  scratch: usize,
  found: usize,
  at: usize,
): void {
  const bytes = (<usize>width) << 2;
  const indices = scratch + bytes + 16;
  const keys = indices + bytes + 16;
  let height: f32 = -Infinity;
  let margin: f32 = 0;
  for (let r = 0; r < rows; r++, values += bytes, found += (<usize>k) << 2, at += (<usize>k) << 2) {
    momentsOf(values, bytes, scratch);
    const mean = load<f32>(scratch) / <f32>width;
    const deviation = sqrt<f32>(max<f32>(load<f32>(scratch, 4) / <f32>width - mean * mean, 0));
    let count = pack(values, bytes, mean + (height - margin) * deviation, scratch, indices);
    if (count >= 0 && count < k) {
      count = pack(values, bytes, mean + (height - 6 * margin) * deviation, scratch, indices);
    }
    if (count >= 0 && count < k) count = pack(values, bytes, -Infinity, scratch, indices);
    if (count < k) {
      for (let slot = 0; slot < k; slot++) {
        store<f32>(found + ((<usize>slot) << 2), NaN);
        store<i32>(at + ((<usize>slot) << 2), 0);
      }
      continue;
    }
    for (let i = 0; i < count; i++) {
      const place = (<usize>i) << 2;
      store<i64>(keys + 2 * place, keyOf(load<f32>(scratch + place), load<i32>(indices + place)));
    }
    if (count <= PAIRS) rank(keys, count, k, found, at);
    else sort(keys, count, k, found, at);
    const least = load<f32>(found + ((<usize>(k - 1)) << 2));
    if (deviation > 0) {
      height = (least - mean) / deviation;
      margin = <f32>0.01 + (<f32>0.15 * (load<f32>(found) - least)) / deviation;
    }
  }
}

/** Writes the sum of a row and that of its squares, two float32, to `sums`. */
function momentsOf(row: usize, bytes: usize, sums: usize): void {
  let a = f32x4.splat(0);
  let b = f32x4.splat(0);
  let aa = f32x4.splat(0);
  let bb = f32x4.splat(0);
  let i: usize = 0;
  for (; i + 16 < bytes; i += 32) {
    const v = v128.load(row + i);
    const w = v128.load(row + i, 16);
    a = f32x4.add(a, v);
    b = f32x4.add(b, w);
    aa = f32x4.add(aa, f32x4.mul(v, v));
    bb = f32x4.add(bb, f32x4.mul(w, w));
  }
  if (i < bytes) {
    const v = v128.load(row + i);
    a = f32x4.add(a, v);
    aa = f32x4.add(aa, f32x4.mul(v, v));
  }
  store<f32>(sums, total(f32x4.add(a, b)));
  store<f32>(sums, total(f32x4.add(aa, bb)), 4);
}

/**
 * The values of a row above `floor`, and their places in it, in their order.
 *
 * @returns how many; −1 where the row holds NaN
 */
function pack(row: usize, bytes: usize, floor: f32, values: usize, indices: usize): i32 {
  const limit = f32x4.splat(floor);
  const whole = bytes & ~(<usize>63);
  let packed: usize = 0;
  for (let i: usize = 0; i < bytes; ) {
    let last = i + 16;
    if (i < whole) {
      last = i + 64;
      // Not at or below, rather than above: so NaN is looked at too.
      const under = v128.and(
        v128.and(f32x4.le(v128.load(row + i), limit), f32x4.le(v128.load(row + i, 16), limit)),
        v128.and(f32x4.le(v128.load(row + i, 32), limit), f32x4.le(v128.load(row + i, 48), limit)),
      );
      if (i32x4.all_true(under)) {
        i = last;
        continue;
      }
    }
    for (; i < last; i += 16) {
      const v = v128.load(row + i);
      if (v128.any_true(f32x4.ne(v, v))) return -1;
      const mask = i32x4.bitmask(f32x4.gt(v, limit));
      const order = v128.load(PACKING + ((<usize>mask) << 4));
      v128.store(values + packed, i8x16.swizzle(v, order));
      v128.store(
        indices + packed,
        i8x16.swizzle(i32x4.add(i32x4.splat(<i32>(i >> 2)), i32x4(0, 1, 2, 3)), order),
      );
      packed += (<usize>i32.popcnt(mask)) << 2;
    }
  }
  return <i32>(packed >> 2);
}

/** Puts the k largest keys into their places: each stands after as many as are above it. */
function rank(keys: usize, count: i32, k: i32, found: usize, at: usize): void {
  const end = keys + ((<usize>count) << 3);
  for (let pad = 0; pad < 4; pad++) store<i64>(end + ((<usize>pad) << 3), i64.MIN_VALUE);
  for (let each = keys; each < end; each += 8) {
    const own = v128.load64_splat(each);
    let above = i64x2.splat(0);
    let more = i64x2.splat(0);
    for (let other = keys; other < end; other += 32) {
      above = i64x2.sub(above, i64x2.gt_s(v128.load(other), own));
      more = i64x2.sub(more, i64x2.gt_s(v128.load(other, 16), own));
    }
    above = i64x2.add(above, more);
    const place = <i32>(i64x2.extract_lane(above, 0) + i64x2.extract_lane(above, 1));
    if (place < k) put(load<i64>(each), place, found, at);
  }
}

/** The same for many keys, by a heap of k of them whose root is the least. */
function sort(keys: usize, count: i32, k: i32, found: usize, at: usize): void {
  for (let hole = (k >> 1) - 1; hole >= 0; hole--)
    sink(keys, k, hole, load<i64>(keys + ((<usize>hole) << 3)));
  for (let i = k; i < count; i++) {
    const key = load<i64>(keys + ((<usize>i) << 3));
    if (key > load<i64>(keys)) sink(keys, k, 0, key);
  }
  for (let left = k - 1; left >= 0; left--) {
    put(load<i64>(keys), left, found, at);
    sink(keys, left, 0, load<i64>(keys + ((<usize>left) << 3)));
  }
}

/** Puts `moved` in at `hole`, or below, of a heap of `size` keys. */
function sink(heap: usize, size: i32, hole: i32, moved: i64): void {
  for (;;) {
    let child = 2 * hole + 1;
    if (child >= size) break;
    let least = load<i64>(heap + ((<usize>child) << 3));
    if (child + 1 < size) {
      const other = load<i64>(heap + ((<usize>child) << 3), 8);
      if (other < least) {
        least = other;
        child++;
      }
    }
    if (least >= moved) break;
    store<i64>(heap + ((<usize>hole) << 3), least);
    hole = child;
  }
  store<i64>(heap + ((<usize>hole) << 3), moved);
}

/** Orders as the values do, and among equal values the lower index above the higher; +0 and −0 are equal. */
function keyOf(value: f32, index: i32): i64 {
  return ((<i64>orderOf(value + <f32>0)) << 32) | <i64>(<u32>~index);
}

function put(key: i64, place: i32, found: usize, at: usize): void {
  store<f32>(found + ((<usize>place) << 2), floatOf(<i32>(key >> 32)));
  store<i32>(at + ((<usize>place) << 2), ~(<i32>key));
}
