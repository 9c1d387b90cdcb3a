/** STREAM's triad: a = b + 3 · c over `bytes` bytes each. */
export function triad(a: usize, b: usize, c: usize, bytes: usize): void {
  const three = f32x4.splat(3);
  for (let i: usize = 0; i < bytes; i += 32) {
    v128.store(a + i, f32x4.add(v128.load(b + i), f32x4.mul(v128.load(c + i), three)));
    v128.store(a + i, f32x4.add(v128.load(b + i, 16), f32x4.mul(v128.load(c + i, 16), three)), 16);
  }
}
