/** The end of a training step: Adam, and rows of W_dec scaled back to norm 1. */
import { dot, madd } from './vector';

/** 32 random bits for each of four values from `index` on: as momentNoise gives them (train/bfloat-moments.ts). */
function noise(index: i32): v128 {
  let x = i32x4.add(i32x4.splat(index), i32x4(0, 1, 2, 3));
  x = v128.xor(x, i32x4.shr_u(x, 16));
  x = i32x4.mul(x, i32x4.splat(0x7feb352d));
  x = v128.xor(x, i32x4.shr_u(x, 15));
  x = i32x4.mul(x, i32x4.splat(0x846ca68b));
  return v128.xor(x, i32x4.shr_u(x, 16));
}

/** Four values of a moment of type T: f32, or u16 for the bits of bfloat16. `at` counts bytes of float32. */
function moment<T>(from: usize, at: usize): v128 {
  if (sizeof<T>() === 4) return v128.load(from + at);
  return i32x4.shl(v128.load16x4_u(from + (at >> 1)), 16);
}

/**
 * One Adam step (torch.optim.Adam's placing of epsilon) of `bytes` bytes of a tensor whose gradient is clip·gradient,
 * or 0 where `gradient` is 0. Moments of type T as `moment` has them; those in bfloat16 are rounded at random, after the step
 * has been made with what they are before.
 *
 * @param step learning rate · sqrt(1 − beta2^t) / (1 − beta1^t)
 * @param epsilon Adam's epsilon · sqrt(1 − beta2^t)
 * @param index of the first value, for the rounding
 */
function adamOf<T>(
  parameter: usize,
  first: usize,
  second: usize,
  gradient: usize,
  bytes: usize,
  clip: f32,
  beta1: f32,
  keep1: f32,
  beta2: f32,
  keep2: f32,
  step: f32,
  epsilon: f32,
  index: i32,
): void {
  const vBeta1 = f32x4.splat(beta1);
  const vBeta2 = f32x4.splat(beta2);
  const vStep = f32x4.splat(step);
  const vEpsilon = f32x4.splat(epsilon);
  const share1 = f32x4.splat(clip * keep1);
  const vClip = f32x4.splat(clip);
  const vKeep2 = f32x4.splat(keep2);
  for (let i: usize = 0; i < bytes; i += 16) {
    let m = f32x4.mul(moment<T>(first, i), vBeta1);
    let v = f32x4.mul(moment<T>(second, i), vBeta2);
    if (gradient) {
      const raw = v128.load(gradient + i);
      const g = f32x4.mul(raw, vClip);
      m = madd(raw, share1, m);
      v = madd(f32x4.mul(g, g), vKeep2, v);
    }
    if (sizeof<T>() === 4) {
      v128.store(first + i, m);
      v128.store(second + i, v);
    } else {
      const random = noise(index);
      const m16 = i32x4.shr_u(i32x4.add(m, v128.and(random, i32x4.splat(0xffff))), 16);
      const v16 = i32x4.shr_u(i32x4.add(v, i32x4.shr_u(random, 16)), 16);
      const both = i16x8.narrow_i32x4_u(m16, v16);
      v128.store64_lane(first + (i >> 1), both, 0);
      v128.store64_lane(second + (i >> 1), both, 1);
      index += 4;
    }
    const change = f32x4.div(f32x4.mul(m, vStep), f32x4.add(f32x4.sqrt(v), vEpsilon));
    v128.store(parameter + i, f32x4.sub(v128.load(parameter + i), change));
  }
}

/** `adamOf` with moments in float32. */
export function adam(
  parameter: usize,
  first: usize,
  second: usize,
  gradient: usize,
  bytes: usize,
  clip: f32,
  beta1: f32,
  keep1: f32,
  beta2: f32,
  keep2: f32,
  step: f32,
  epsilon: f32,
): void {
  adamOf<f32>(parameter, first, second, gradient, bytes, clip, beta1, keep1, beta2, keep2, step, epsilon, 0);
}

/**
 * The Adam step of latents from..to: rows of W_dec and W_encᵀ, b_enc, and the rows of W_dec scaled to norm 1 if asked.
 * `stride` bytes lie between a tensor and its first moment, and between that and its second.
 *
 * @param halves 1 where the moments of W_dec and W_enc are bfloat16, half a stride apart; else 0
 * @param seed of their rounding
 */
export function update(
  from: i32,
  to: i32,
  width: i32,
  starts: usize,
  auxiliary: usize,
  W_dec: usize,
  W_enc: usize,
  b_enc: usize,
  stride: usize,
  biasStride: usize,
  decoderGradient: usize,
  encoderGradient: usize,
  biasGradient: usize,
  unitRows: i32,
  clip: f32,
  beta1: f32,
  keep1: f32,
  beta2: f32,
  keep2: f32,
  step: f32,
  epsilon: f32,
  halves: i32,
  seed: i32,
): void {
  const bytes = (<usize>width) << 2;
  const moments = stride >> <usize>halves;
  for (let j = from; j < to; j++) {
    const place = starts + ((<usize>j) << 2);
    const has = load<i32>(place) !== load<i32>(place, 4) || load<u8>(auxiliary + <usize>j) !== 0;
    const at = <usize>j * bytes;
    const D = W_dec + at;
    const E = W_enc + at;
    const gD = has ? decoderGradient + at : 0;
    const gE = has ? encoderGradient + at : 0;
    const mD = W_dec + stride + (at >> <usize>halves);
    const mE = W_enc + stride + (at >> <usize>halves);
    const vD = mD + moments;
    const vE = mE + moments;
    if (halves) {
      const iD = seed + j * width;
      const iE = iD + <i32>(stride >> 2);
      adamOf<u16>(D, mD, vD, gD, bytes, clip, beta1, keep1, beta2, keep2, step, epsilon, iD);
      adamOf<u16>(E, mE, vE, gE, bytes, clip, beta1, keep1, beta2, keep2, step, epsilon, iE);
    } else {
      adam(D, mD, vD, gD, bytes, clip, beta1, keep1, beta2, keep2, step, epsilon);
      adam(E, mE, vE, gE, bytes, clip, beta1, keep1, beta2, keep2, step, epsilon);
    }
    if (unitRows) {
      const scale = f32x4.splat(<f32>1 / max<f32>(sqrt<f32>(dot(D, D, bytes)), 1e-12));
      for (let i: usize = 0; i < bytes; i += 16) v128.store(D + i, f32x4.mul(v128.load(D + i), scale));
    }
    const b = b_enc + ((<usize>j) << 2);
    const m = b + biasStride;
    const v = m + biasStride;
    const g = has ? load<f32>(biasGradient + ((<usize>j) << 2)) * clip : 0;
    const nextFirst = load<f32>(m) * beta1 + g * keep1;
    const nextSecond = load<f32>(v) * beta2 + g * g * keep2;
    store<f32>(m, nextFirst);
    store<f32>(v, nextSecond);
    store<f32>(b, load<f32>(b) - (nextFirst * step) / (sqrt<f32>(nextSecond) + epsilon));
  }
}
