/**
 * int8 copies of the activations and of the encoder, each with its own error bound, computed with it: what is found from
 * their product (select.as.ts) is exact.
 *
 * A row has the bias in BIAS_COLUMNS more columns: `reach` beside the activations, bias / (BIAS_COLUMNS · reach) beside
 * the encoder, so that no single one of them needs a much larger value than the rest of its row.
 */
import { madd, total } from './vector';

const BIAS_COLUMNS = 16;
const BIAS_SHARE: f32 = 16;
/** Largest absolute value of a token's int8 copy. */
const MOST: f32 = 127;
/** An uint8 stands for its value minus this. */
const TOKEN_ZERO: i32 = 128;
/** 1.5 · 2²³: a float32 beside it has no places behind the point, and its lowest bits are the whole number added. */
const WHOLE: f32 = 12582912;

/** NaN is passed over: sums of squares tell of it. pmax is one instruction on x86, max is many. */
function largest(row: usize, bytes: usize): f32 {
  let m0 = f32x4.splat(0);
  let m1 = m0;
  let m2 = m0;
  let m3 = m0;
  for (let i: usize = 0; i < bytes; i += 64) {
    m0 = f32x4.pmax(m0, f32x4.abs(v128.load(row + i)));
    m1 = f32x4.pmax(m1, f32x4.abs(v128.load(row + i, 16)));
    m2 = f32x4.pmax(m2, f32x4.abs(v128.load(row + i, 32)));
    m3 = f32x4.pmax(m3, f32x4.abs(v128.load(row + i, 48)));
  }
  const m = f32x4.pmax(f32x4.pmax(m0, m1), f32x4.pmax(m2, m3));
  return max<f32>(
    max<f32>(f32x4.extract_lane(m, 0), f32x4.extract_lane(m, 1)),
    max<f32>(f32x4.extract_lane(m, 2), f32x4.extract_lane(m, 3)),
  );
}

/**
 * Rows of activations as uint8 [tokens, width + BIAS_COLUMNS], and of each, 4 float32 at `facts`: what its integers
 * are multiplied by, norm of what they leave, norm of the row (the bias's columns included), 0.
 *
 * @returns the sum over the tokens of norm / scale
 */
export function quantiseTokens(
  x: usize,
  tokens: i32,
  width: i32,
  reach: f32,
  copies: usize,
  facts: usize,
): f64 {
  const bytes = (<usize>width) << 2;
  const zero = i8x16.splat(<i8>TOKEN_ZERO);
  const whole = f32x4.splat(WHOLE);
  let sum: f64 = 0;
  for (let t = 0; t < tokens; t++, x += bytes, facts += 16) {
    const most = max<f32>(largest(x, bytes), reach);
    const scale = most / MOST;
    const vScale = f32x4.splat(scale);
    const vInverse = f32x4.splat(inverseOf(scale));
    let left = f32x4.splat(0);
    let squares = f32x4.splat(0);
    for (let i: usize = 0; i < bytes; i += 64, copies += 16) {
      const a = v128.load(x + i);
      const b = v128.load(x + i, 16);
      const c = v128.load(x + i, 32);
      const d = v128.load(x + i, 48);
      const qa = madd(a, vInverse, whole);
      const qb = madd(b, vInverse, whole);
      const qc = madd(c, vInverse, whole);
      const qd = madd(d, vInverse, whole);
      const la = f32x4.sub(a, f32x4.mul(f32x4.sub(qa, whole), vScale));
      const lb = f32x4.sub(b, f32x4.mul(f32x4.sub(qb, whole), vScale));
      const lc = f32x4.sub(c, f32x4.mul(f32x4.sub(qc, whole), vScale));
      const ld = f32x4.sub(d, f32x4.mul(f32x4.sub(qd, whole), vScale));
      left = madd(la, la, madd(lb, lb, madd(lc, lc, madd(ld, ld, left))));
      squares = madd(a, a, madd(b, b, madd(c, c, madd(d, d, squares))));
      v128.store(copies, v128.xor(narrow(qa, qb, qc, qd), zero));
    }
    const q = nearest<f32>(reach / scale);
    v128.store(copies, i8x16.splat(<i8>(<i32>q + TOKEN_ZERO)));
    copies += BIAS_COLUMNS;
    const l = reach - q * scale;
    const norm = sqrt<f32>(total(squares) + BIAS_SHARE * reach * reach);
    store<f32>(facts, scale);
    store<f32>(facts, sqrt<f32>(total(left) + BIAS_SHARE * l * l), 4);
    store<f32>(facts, norm, 8);
    store<f32>(facts, 0, 12);
    sum += <f64>(norm / scale);
  }
  return sum;
}

/** Sixteen whole numbers from −128 to 127, each added to WHOLE, as int8, in order. */
function narrow(a: v128, b: v128, c: v128, d: v128): v128 {
  const whole = f32x4.splat(WHOLE);
  return i8x16.narrow_i16x8_s(
    i16x8.narrow_i32x4_s(i32x4.sub(a, whole), i32x4.sub(b, whole)),
    i16x8.narrow_i32x4_s(i32x4.sub(c, whole), i32x4.sub(d, whole)),
  );
}

/**
 * Latents from..to of W_encᵀ and b_enc as int8, a column a latent: [width + BIAS_COLUMNS, stride] bytes. Of each: what
 * its integers are multiplied by, norm of the column that they stand for, norm of what they leave. A stride that is no
 * power of two keeps one latent's column from falling into a few sets of the cache.
 *
 * @param share 1 / (BIAS_COLUMNS · reach)
 * @param limit largest absolute value of an integer
 * @returns whether all of them are finite
 */
export function quantiseLatents(
  from: i32,
  to: i32,
  width: i32,
  W_enc: usize,
  b_enc: usize,
  share: f32,
  limit: f32,
  copies: usize,
  stride: usize,
  scales: usize,
  norms: usize,
  lefts: usize,
): f64 {
  const bytes = (<usize>width) << 2;
  const whole = f32x4.splat(WHOLE);
  let sum: f64 = 0;
  for (let j = from; j < to; j++) {
    const at = (<usize>j) << 2;
    const row = W_enc + <usize>j * bytes;
    const bias = load<f32>(b_enc + at) * share;
    const most = max<f32>(largest(row, bytes), abs<f32>(bias));
    const scale = most / limit;
    const inverse = inverseOf(scale);
    const vScale = f32x4.splat(scale);
    const vInverse = f32x4.splat(inverse);
    let left = f32x4.splat(0);
    let squares = f32x4.splat(0);
    let left1 = left;
    let squares1 = squares;
    for (let i: usize = 0; i < bytes; i += 32) {
      const w = v128.load(row + i);
      const w1 = v128.load(row + i, 16);
      const l = f32x4.sub(w, f32x4.mul(f32x4.sub(madd(w, vInverse, whole), whole), vScale));
      const l1 = f32x4.sub(w1, f32x4.mul(f32x4.sub(madd(w1, vInverse, whole), whole), vScale));
      left = madd(l, l, left);
      left1 = madd(l1, l1, left1);
      squares = madd(w, w, squares);
      squares1 = madd(w1, w1, squares1);
    }
    left = f32x4.add(left, left1);
    squares = f32x4.add(squares, squares1);
    const q = nearest<f32>(bias * inverse);
    const l = bias - q * scale;
    const off = sqrt<f32>(total(left) + BIAS_SHARE * l * l);
    const norm = sqrt<f32>(total(squares) + BIAS_SHARE * bias * bias) + off;
    store<f32>(scales + at, scale);
    store<f32>(lefts + at, off);
    store<f32>(norms + at, norm);
    sum += <f64>norm;
    for (let c = 0; c < BIAS_COLUMNS; c++)
      store<i8>(copies + <usize>(width + c) * stride + <usize>j, <i8>(<i32>q));
  }
  // Four latents of four dimensions are turned at once; a group's missing latents repeat its last one.
  for (let j = from; j < to; j += 4) {
    const last = to - 1;
    const j1 = min<i32>(j + 1, last);
    const j2 = min<i32>(j + 2, last);
    const j3 = min<i32>(j + 3, last);
    const r0 = W_enc + <usize>j * bytes;
    const r1 = W_enc + <usize>j1 * bytes;
    const r2 = W_enc + <usize>j2 * bytes;
    const r3 = W_enc + <usize>j3 * bytes;
    const i0 = f32x4.splat(inverseOf(load<f32>(scales + ((<usize>j) << 2))));
    const i1 = f32x4.splat(inverseOf(load<f32>(scales + ((<usize>j1) << 2))));
    const i2 = f32x4.splat(inverseOf(load<f32>(scales + ((<usize>j2) << 2))));
    const i3 = f32x4.splat(inverseOf(load<f32>(scales + ((<usize>j3) << 2))));
    let column = copies + <usize>j;
    for (let i: usize = 0; i < bytes; i += 16) {
      const q = narrow(
        madd(v128.load(r0 + i), i0, whole),
        madd(v128.load(r1 + i), i1, whole),
        madd(v128.load(r2 + i), i2, whole),
        madd(v128.load(r3 + i), i3, whole),
      );
      const turned = v128.shuffle<i8>(q, q, 0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
      v128.store32_lane(column, turned, 0);
      v128.store32_lane(column + stride, turned, 1);
      v128.store32_lane(column + 2 * stride, turned, 2);
      v128.store32_lane(column + 3 * stride, turned, 3);
      column += 4 * stride;
    }
  }
  return sum;
}

/** 0 for a row of zeros. */
function inverseOf(scale: f32): f32 {
  return scale > 0 ? <f32>1 / scale : 0;
}
