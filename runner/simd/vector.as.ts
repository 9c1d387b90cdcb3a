/** What several kernels compute with; all of it is inlined into them. */

/** a·b + c, with one rounding where the build has relaxed SIMD and the processor a fused multiply-add. */
export function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(f32x4.mul(a, b), c);
}

export function total(v: v128): f32 {
  return (
    f32x4.extract_lane(v, 0) +
    f32x4.extract_lane(v, 2) +
    (f32x4.extract_lane(v, 1) + f32x4.extract_lane(v, 3))
  );
}

export function dot(a: usize, b: usize, bytes: usize): f32 {
  let s = f32x4.splat(0);
  let t = f32x4.splat(0);
  for (let i: usize = 0; i < bytes; i += 32) {
    s = madd(v128.load(a + i), v128.load(b + i), s);
    t = madd(v128.load(a + i, 16), v128.load(b + i, 16), t);
  }
  return total(f32x4.add(s, t));
}

/**
 * The dot products of `a` with b0 to b3, one a lane. Four at a time, because an addition waits for the one before it in its own
 * sum, and those of other sums fill the time.
 */
export function dots(a: usize, b0: usize, b1: usize, b2: usize, b3: usize, bytes: usize): v128 {
  let s0 = f32x4.splat(0);
  let s1 = f32x4.splat(0);
  let s2 = f32x4.splat(0);
  let s3 = f32x4.splat(0);
  let t0 = f32x4.splat(0);
  let t1 = f32x4.splat(0);
  let t2 = f32x4.splat(0);
  let t3 = f32x4.splat(0);
  for (let i: usize = 0; i < bytes; i += 32) {
    const s = v128.load(a + i);
    const t = v128.load(a + i, 16);
    s0 = madd(s, v128.load(b0 + i), s0);
    s1 = madd(s, v128.load(b1 + i), s1);
    s2 = madd(s, v128.load(b2 + i), s2);
    s3 = madd(s, v128.load(b3 + i), s3);
    t0 = madd(t, v128.load(b0 + i, 16), t0);
    t1 = madd(t, v128.load(b1 + i, 16), t1);
    t2 = madd(t, v128.load(b2 + i, 16), t2);
    t3 = madd(t, v128.load(b3 + i, 16), t3);
  }
  let all = f32x4.splat(total(f32x4.add(s0, t0)));
  all = f32x4.replace_lane(all, 1, total(f32x4.add(s1, t1)));
  all = f32x4.replace_lane(all, 2, total(f32x4.add(s2, t2)));
  return f32x4.replace_lane(all, 3, total(f32x4.add(s3, t3)));
}

/** An integer that orders as the value does; −0 comes below +0. */
export function orderOf(value: f32): i32 {
  const bits = reinterpret<i32>(value);
  return bits ^ ((bits >> 31) & 0x7fffffff);
}

/** The value of such an integer. */
export function floatOf(order: i32): f32 {
  return reinterpret<f32>(order ^ ((order >> 31) & 0x7fffffff));
}
