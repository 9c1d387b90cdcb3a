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

/** An integer that orders as the value does; −0 comes below +0. */
export function orderOf(value: f32): i32 {
  const bits = reinterpret<i32>(value);
  return bits ^ ((bits >> 31) & 0x7fffffff);
}

/** The value of such an integer. */
export function floatOf(order: i32): f32 {
  return reinterpret<f32>(order ^ ((order >> 31) & 0x7fffffff));
}
