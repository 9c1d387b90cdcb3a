/** The end of a training step: Adam, and rows of W_dec scaled back to norm 1. */
import { dot, madd } from './vector';

/**
 * One Adam step (torch.optim.Adam's placing of epsilon) of `bytes` bytes of a tensor whose gradient is clip·gradient,
 * or 0 where `gradient` is 0.
 *
 * @param step learning rate · sqrt(1 − beta2^t) / (1 − beta1^t)
 * @param epsilon Adam's epsilon · sqrt(1 − beta2^t)
 */
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
  const vBeta1 = f32x4.splat(beta1);
  const vBeta2 = f32x4.splat(beta2);
  const vStep = f32x4.splat(step);
  const vEpsilon = f32x4.splat(epsilon);
  const share1 = f32x4.splat(clip * keep1);
  const vClip = f32x4.splat(clip);
  const vKeep2 = f32x4.splat(keep2);
  for (let i: usize = 0; i < bytes; i += 16) {
    let m = f32x4.mul(v128.load(first + i), vBeta1);
    let v = f32x4.mul(v128.load(second + i), vBeta2);
    if (gradient) {
      const raw = v128.load(gradient + i);
      const g = f32x4.mul(raw, vClip);
      m = madd(raw, share1, m);
      v = madd(f32x4.mul(g, g), vKeep2, v);
    }
    v128.store(first + i, m);
    v128.store(second + i, v);
    const change = f32x4.div(f32x4.mul(m, vStep), f32x4.add(f32x4.sqrt(v), vEpsilon));
    v128.store(parameter + i, f32x4.sub(v128.load(parameter + i), change));
  }
}

/**
 * The Adam step of latents from..to: rows of W_dec and W_encᵀ, b_enc, and the rows of W_dec scaled to norm 1 if asked.
 * `stride` bytes lie between a tensor and its first moment, and between that and its second.
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
): void {
  const bytes = (<usize>width) << 2;
  for (let j = from; j < to; j++) {
    const place = starts + ((<usize>j) << 2);
    const has = load<i32>(place) !== load<i32>(place, 4) || load<u8>(auxiliary + <usize>j) !== 0;
    const at = <usize>j * bytes;
    const D = W_dec + at;
    const E = W_enc + at;
    const gD = has ? decoderGradient + at : 0;
    const gE = has ? encoderGradient + at : 0;
    adam(D, D + stride, D + 2 * stride, gD, bytes, clip, beta1, keep1, beta2, keep2, step, epsilon);
    adam(E, E + stride, E + 2 * stride, gE, bytes, clip, beta1, keep1, beta2, keep2, step, epsilon);
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
