/**
 * What follows the encoder product of a training step, in AssemblyScript (TypeScript's syntax, WebAssembly's types):
 * compiled by build.ts, not by tsc. All work is on rows of `width` float32, width a multiple of 16, the unused tail
 * of a row being 0. Pointers are byte offsets into the one shared memory. Each call works on a stretch of tokens or of
 * latents that is the same whatever the number of threads, and sums inside it in one order: the bits do not depend
 * on who does the work.
 */
import { dot, madd, total } from './vector';

/** target += a0·r0 + a1·r1 + a2·r2 + a3·r3 */
function addFour(
  target: usize,
  bytes: usize,
  r0: usize,
  r1: usize,
  r2: usize,
  r3: usize,
  a0: f32,
  a1: f32,
  a2: f32,
  a3: f32,
): void {
  const v0 = f32x4.splat(a0);
  const v1 = f32x4.splat(a1);
  const v2 = f32x4.splat(a2);
  const v3 = f32x4.splat(a3);
  for (let i: usize = 0; i < bytes; i += 32) {
    let a = v128.load(target + i);
    let b = v128.load(target + i, 16);
    a = madd(v128.load(r0 + i), v0, a);
    b = madd(v128.load(r0 + i, 16), v0, b);
    a = madd(v128.load(r1 + i), v1, a);
    b = madd(v128.load(r1 + i, 16), v1, b);
    a = madd(v128.load(r2 + i), v2, a);
    b = madd(v128.load(r2 + i, 16), v2, b);
    a = madd(v128.load(r3 + i), v3, a);
    b = madd(v128.load(r3 + i, 16), v3, b);
    v128.store(target + i, a);
    v128.store(target + i, b, 16);
  }
}

/** target += a·row */
function addOne(target: usize, bytes: usize, row: usize, a: f32): void {
  const v = f32x4.splat(a);
  for (let i: usize = 0; i < bytes; i += 32) {
    v128.store(target + i, madd(v128.load(row + i), v, v128.load(target + i)));
    v128.store(target + i, madd(v128.load(row + i, 16), v, v128.load(target + i, 16)), 16);
  }
}

/**
 * x − bias in place, and the sum of the result over the tokens.
 *
 * @returns the sum of its squares
 */
export function centre(x: usize, bias: usize, sum: usize, tokens: i32, width: i32): f64 {
  const bytes = (<usize>width) << 2;
  memory.fill(sum, 0, bytes);
  let squares: f64 = 0;
  for (let t = 0; t < tokens; t++, x += bytes) {
    let s = f32x4.splat(0);
    for (let i: usize = 0; i < bytes; i += 16) {
      const c = f32x4.sub(v128.load(x + i), v128.load(bias + i));
      v128.store(x + i, c);
      v128.store(sum + i, f32x4.add(v128.load(sum + i), c));
      s = madd(c, c, s);
    }
    squares += <f64>total(s);
  }
  return squares;
}

/**
 * Tokens from..to: error = Σ z·W_dec[j] − centred; the sum of the error over these tokens; ‖error‖² and
 * ‖centred − mean‖² of each; the coefficients that their selected latents have in the gradients of W_dec (scale·z) and
 * of W_enc (scale·error·W_dec[j] where z > 0); flags of the latents selected.
 *
 * @param at latents selected, int32 [tokens, k]
 * @param pre their pre-activations [tokens, k]
 */
export function decode(
  from: i32,
  to: i32,
  k: i32,
  width: i32,
  at: usize,
  pre: usize,
  W_dec: usize,
  centred: usize,
  mean: usize,
  error: usize,
  errorSum: usize,
  squares: usize,
  decoderShare: usize,
  encoderShare: usize,
  fired: usize,
  scale: f32,
): i32 {
  const bytes = (<usize>width) << 2;
  let active = 0;
  memory.fill(errorSum, 0, bytes);
  for (let t = from; t < to; t++) {
    const e = error + <usize>t * bytes;
    const c = centred + <usize>t * bytes;
    for (let i: usize = 0; i < bytes; i += 16) v128.store(e + i, f32x4.neg(v128.load(c + i)));
    const first = (<usize>(t * k)) << 2;
    const last = first + ((<usize>k) << 2);
    let p = first;
    for (; p + 16 <= last; p += 16) {
      addFour(
        e,
        bytes,
        W_dec + <usize>load<i32>(at + p) * bytes,
        W_dec + <usize>load<i32>(at + p, 4) * bytes,
        W_dec + <usize>load<i32>(at + p, 8) * bytes,
        W_dec + <usize>load<i32>(at + p, 12) * bytes,
        max<f32>(load<f32>(pre + p), 0),
        max<f32>(load<f32>(pre + p, 4), 0),
        max<f32>(load<f32>(pre + p, 8), 0),
        max<f32>(load<f32>(pre + p, 12), 0),
      );
    }
    for (; p < last; p += 4) {
      addOne(e, bytes, W_dec + <usize>load<i32>(at + p) * bytes, max<f32>(load<f32>(pre + p), 0));
    }
    for (p = first; p < last; p += 4) {
      const z = load<f32>(pre + p);
      const j = <usize>load<i32>(at + p);
      store<u8>(fired + j, 1);
      let slope: f32 = 0;
      let value: f32 = 0;
      if (z > 0) {
        active++;
        value = scale * z;
        slope = scale * dot(e, W_dec + j * bytes, bytes);
      }
      store<f32>(decoderShare + p, value);
      store<f32>(encoderShare + p, slope);
    }
    let errors = f32x4.splat(0);
    let spread = f32x4.splat(0);
    for (let i: usize = 0; i < bytes; i += 16) {
      const v = v128.load(e + i);
      const away = f32x4.sub(v128.load(c + i), v128.load(mean + i));
      errors = madd(v, v, errors);
      spread = madd(away, away, spread);
      v128.store(errorSum + i, f32x4.add(v128.load(errorSum + i), v));
    }
    store<f32>(squares + ((<usize>t) << 3), total(errors));
    store<f32>(squares + ((<usize>t) << 3), total(spread), 4);
  }
  return active;
}

/** The positions 0..count of `at` in order of the latent they name, tokens ascending; starts [latents + 1]. */
export function index(at: usize, count: i32, latents: i32, starts: usize, order: usize): void {
  memory.fill(starts, 0, (<usize>(latents + 1)) << 2);
  const end = (<usize>count) << 2;
  // Two places further than its own: after the second pass starts[j] is where j begins.
  for (let p: usize = 0; p < end; p += 4) {
    const j = (<usize>load<i32>(at + p)) << 2;
    if (j + 8 <= (<usize>latents) << 2) store<i32>(starts + j, load<i32>(starts + j, 8) + 1, 8);
  }
  for (let j: usize = 8; j <= (<usize>latents) << 2; j += 4) {
    store<i32>(starts + j, load<i32>(starts + j) + load<i32>(starts + j - 4));
  }
  for (let p: usize = 0; p < end; p += 4) {
    const place = starts + ((<usize>load<i32>(at + p)) << 2);
    const slot = load<i32>(place, 4);
    store<i32>(order + ((<usize>slot) << 2), <i32>(p >> 2));
    store<i32>(place, slot + 1, 4);
  }
}

/** row = Σ share·rows[token] over the positions first..last of `order`. */
function gather(
  row: usize,
  bytes: usize,
  order: usize,
  first: i32,
  last: i32,
  k: i32,
  shares: usize,
  rows: usize,
): void {
  let i = first;
  for (; i + 4 <= last; i += 4) {
    const o = order + ((<usize>i) << 2);
    const p0 = load<i32>(o);
    const p1 = load<i32>(o, 4);
    const p2 = load<i32>(o, 8);
    const p3 = load<i32>(o, 12);
    addFour(
      row,
      bytes,
      rows + <usize>(p0 / k) * bytes,
      rows + <usize>(p1 / k) * bytes,
      rows + <usize>(p2 / k) * bytes,
      rows + <usize>(p3 / k) * bytes,
      load<f32>(shares + ((<usize>p0) << 2)),
      load<f32>(shares + ((<usize>p1) << 2)),
      load<f32>(shares + ((<usize>p2) << 2)),
      load<f32>(shares + ((<usize>p3) << 2)),
    );
  }
  for (; i < last; i++) {
    const p = load<i32>(order + ((<usize>i) << 2));
    addOne(row, bytes, rows + <usize>(p / k) * bytes, load<f32>(shares + ((<usize>p) << 2)));
  }
}

/**
 * Latents from..to: gradient rows of W_dec and of W_encᵀ, gradients of b_enc, of those that have any. Rows that AuxK
 * put there (`auxiliary[j]` non-zero) are added to. Also −Σ gradient of b_enc · W_encᵀ row, their share in the
 * gradient of b_dec.
 *
 * @returns the sum of the squares of these gradients
 */
export function collect(
  from: i32,
  to: i32,
  k: i32,
  width: i32,
  starts: usize,
  order: usize,
  decoderShare: usize,
  encoderShare: usize,
  error: usize,
  centred: usize,
  W_dec: usize,
  W_enc: usize,
  auxiliary: usize,
  decoderGradient: usize,
  encoderGradient: usize,
  biasGradient: usize,
  throughEncoder: usize,
  removeParallel: i32,
): f64 {
  const bytes = (<usize>width) << 2;
  memory.fill(throughEncoder, 0, bytes);
  let squares: f64 = 0;
  for (let j = from; j < to; j++) {
    const first = load<i32>(starts + ((<usize>j) << 2));
    const last = load<i32>(starts + ((<usize>j) << 2), 4);
    const added = load<u8>(auxiliary + <usize>j);
    if (first === last && added === 0) continue;
    const D = decoderGradient + <usize>j * bytes;
    const E = encoderGradient + <usize>j * bytes;
    const B = biasGradient + ((<usize>j) << 2);
    if (added === 0) {
      memory.fill(D, 0, bytes);
      memory.fill(E, 0, bytes);
      store<f32>(B, 0);
    }
    gather(D, bytes, order, first, last, k, decoderShare, error);
    gather(E, bytes, order, first, last, k, encoderShare, centred);
    let bias = load<f32>(B);
    for (let i = first; i < last; i++) {
      bias += load<f32>(encoderShare + ((<usize>load<i32>(order + ((<usize>i) << 2))) << 2));
    }
    store<f32>(B, bias);
    if (removeParallel) {
      const row = W_dec + <usize>j * bytes;
      addOne(D, bytes, row, -dot(D, row, bytes) / max<f32>(dot(row, row, bytes), 1e-12));
    }
    squares += <f64>dot(D, D, bytes) + <f64>dot(E, E, bytes) + <f64>(bias * bias);
    addOne(throughEncoder, bytes, W_enc + <usize>j * bytes, -bias);
  }
  return squares;
}

/**
 * Of each row of `width` float32 (a multiple of 4) the `keep` largest values above 0 stay, all others become 0; of
 * equal values the first stay. Floats above 0 order as the integers of their bits do: the threshold is found by
 * halving those, whatever the values.
 */
export function keepLargest(rows: usize, count: i32, width: i32, keep: i32): void {
  const bytes = (<usize>width) << 2;
  for (let r = 0; r < count; r++, rows += bytes) {
    let threshold: i32 = 0;
    let above = countAbove(rows, bytes, 0);
    if (above > keep) {
      let low: i32 = 0;
      let high: i32 = 0x7fffffff;
      while (high - low > 1) {
        const middle = low + ((high - low) >> 1);
        const found = countAbove(rows, bytes, middle);
        if (found > keep) low = middle;
        else high = middle;
        if (found === keep) break;
      }
      threshold = high;
      above = countAbove(rows, bytes, threshold);
    }
    // Those equal to the threshold that still have room; a threshold of 0 keeps none of them.
    let equal = threshold > 0 ? keep - above : 0;
    const t = i32x4.splat(threshold);
    for (let i: usize = 0; i < bytes; i += 16) {
      const v = v128.load(rows + i);
      if (equal > 0 && v128.any_true(i32x4.eq(v, t))) {
        for (let lane: usize = 0; lane < 16; lane += 4) {
          const value = load<i32>(rows + i + lane);
          if (value > threshold) continue;
          if (value === threshold && equal > 0) equal--;
          else store<i32>(rows + i + lane, 0);
        }
      } else v128.store(rows + i, v128.and(v, i32x4.gt_s(v, t)));
    }
  }
}

/** How many of a row's values are above the one whose bits these are. */
function countAbove(row: usize, bytes: usize, bits: i32): i32 {
  const t = i32x4.splat(bits);
  let n = i32x4.splat(0);
  for (let i: usize = 0; i < bytes; i += 16) n = i32x4.sub(n, i32x4.gt_s(v128.load(row + i), t));
  return (
    i32x4.extract_lane(n, 0) + i32x4.extract_lane(n, 1) + i32x4.extract_lane(n, 2) + i32x4.extract_lane(n, 3)
  );
}
