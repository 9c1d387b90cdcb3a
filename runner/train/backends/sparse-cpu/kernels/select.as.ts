/**
 * From the product of the int8 copies (quantise.as.ts) the k largest pre-activations of each token, found exactly: a
 * latent whose product lies within the bounds of the k-th largest is computed again in float32, and those values decide. So
 * the copies, and whatever else is rounded, say how much is computed again, never what is found.
 */
import { dots, floatOf, orderOf } from './vector';

/** Sums of squares in float32 are off by less. */
export const GENEROUS: f32 = 1.001;
/** 2⁻²³ */
const ROUNDING: f32 = 1.1920929e-7;
/** How far a level is from the product it stands for: half of one by rounding, and float32's part in it. */
export const HALF: f32 = 0.51;
/** Levels below the last row's lowest candidate that are looked at in the next row. */
export const MARGIN: i32 = 6;
export const LEVELS = 256;

/**
 * Of each token of a stretch the k largest x·W_encᵀ + b_enc and their latents, ascending; of equal ones the first.
 *
 * @param levels uint8 [tokens, levelStride], of each row the first latents: round(product of the copies · the latent's scale / step) + zero, kept in 0..255
 * @param facts of these tokens, as quantiseTokens left them; the fourth becomes the k-th largest / the token's scale
 * @param most the largest of `norms`, `mostLeft` the largest of `lefts`
 * @param guess level down to which the first row is looked at first
 * @param scratch 3 · (latents + 8) + 256 int32
 * @param at int32 [tokens, k], `pre` float32 [tokens, k]
 * @returns how many were computed in float32
 */
export function select(
  tokens: i32,
  latents: i32,
  k: i32,
  width: i32,
  levels: usize,
  levelStride: i32,
  centred: usize,
  facts: usize,
  W_enc: usize,
  b_enc: usize,
  norms: usize,
  lefts: usize,
  most: f32,
  mostLeft: f32,
  step: f32,
  zero: i32,
  guess: i32,
  scratch: usize,
  at: usize,
  pre: usize,
): f64 {
  const bytes = (<usize>width) << 2;
  const list = scratch + LEVELS * 4;
  const candidates = list + ((<usize>latents) << 2);
  const keys = candidates + ((<usize>latents + 8) << 2);
  let computed: f64 = 0;
  let low = guess;
  for (let t = 0; t < tokens; t++) {
    const x = centred + <usize>t * bytes;
    const row = levels + <usize>t * <usize>levelStride;
    const fact = facts + ((<usize>t) << 4);
    const scale = load<f32>(fact);
    const norm = load<f32>(fact, 8);
    const unit = scale * step;
    const byNorm = normFactor(load<f32>(fact, 4), norm, width);
    const byLeft = GENEROUS * norm;

    let found = collectFrom(row, latents, low, list);
    while (found < k && low > 0) {
      low = max<i32>(low - 16, 0);
      found = collectFrom(row, latents, low, list);
    }
    const level = kthLevel(row, list, found, k, scratch);
    let first = 0;
    for (let i = 0; i < found; i++) {
      const j = load<i32>(list + ((<usize>i) << 2));
      if (<i32>load<u8>(row + <usize>j) < level) continue;
      store<i32>(candidates + ((<usize>first) << 2), j);
      first++;
    }
    compute(x, bytes, W_enc, b_enc, candidates, keys, 0, first);
    // At least k values reach it, so no latent that cannot is among the k largest.
    const bound = floatOf(kthLargest(keys, first, k));
    const lowest = (bound - byNorm * most - byLeft * mostLeft) / unit + <f32>zero - HALF;
    const cut = lowest > 0 ? min<i32>(<i32>lowest, 255) : 0;
    if (cut < low) found = collectFrom(row, latents, cut, list);
    let last = first;
    for (let i = 0; i < found; i++) {
      const j = load<i32>(list + ((<usize>i) << 2));
      const here = <i32>load<u8>(row + <usize>j);
      if (here >= level || here < cut) continue;
      const offset = (<usize>j) << 2;
      const bounds = byNorm * load<f32>(norms + offset) + byLeft * load<f32>(lefts + offset);
      if (here > 0 && (<f32>(here - zero) + HALF) * unit + bounds < bound) continue;
      store<i32>(candidates + ((<usize>last) << 2), j);
      last++;
    }
    compute(x, bytes, W_enc, b_enc, candidates, keys, first, last);
    const threshold = kthLargest(keys, last, k);
    store<f32>(fact, floatOf(threshold) / scale, 12);
    const out = (<usize>(t * k)) << 2;
    keep(candidates, keys, first, last, threshold, k, at + out, pre + out);
    computed += <f64>last;
    low = max<i32>(cut - MARGIN, 0);
  }
  return computed;
}

/**
 * What the norm of a latent is multiplied by in its bound: |exact − product| ≤ ‖x − its copy‖·‖w‖ + ‖x‖·‖w − its copy‖, and
 * what float32 sums are off by.
 */
export function normFactor(left: f32, norm: f32, width: i32): f32 {
  return GENEROUS * left + <f32>(width + 32) * ROUNDING * norm;
}

/** The latents whose level is at least `low`, ascending, to `list`. */
export function collectFrom(row: usize, latents: i32, low: i32, list: usize): i32 {
  const least = i8x16.splat(<i8>low);
  let found: usize = 0;
  let j = 0;
  for (; j + 16 <= latents; j += 16) {
    let mask = i8x16.bitmask(i8x16.ge_u(v128.load(row + <usize>j), least));
    while (mask !== 0) {
      store<i32>(list + (found << 2), j + ctz<i32>(mask));
      found++;
      mask &= mask - 1;
    }
  }
  for (; j < latents; j++) {
    if (<i32>load<u8>(row + <usize>j) < low) continue;
    store<i32>(list + (found << 2), j);
    found++;
  }
  return <i32>found;
}

/** The highest level that at least k of the latents in `list` reach. */
export function kthLevel(row: usize, list: usize, count: i32, k: i32, histogram: usize): i32 {
  memory.fill(histogram, 0, LEVELS * 4);
  for (let i = 0; i < count; i++) {
    const place = histogram + ((<usize>load<u8>(row + <usize>load<i32>(list + ((<usize>i) << 2)))) << 2);
    store<i32>(place, load<i32>(place) + 1);
  }
  let level = LEVELS - 1;
  let above = load<i32>(histogram + ((<usize>level) << 2));
  while (above < k && level > 0) {
    level--;
    above += load<i32>(histogram + ((<usize>level) << 2));
  }
  return level;
}

/** The values of candidates from..to, as integers that order as they do, to `keys`; four more keys are the least. */
export function compute(
  x: usize,
  bytes: usize,
  W_enc: usize,
  b_enc: usize,
  candidates: usize,
  keys: usize,
  from: i32,
  to: i32,
): void {
  // What is missing of four repeats the last.
  for (let i = from; i < to; i += 4) {
    const j0 = latentOf(candidates, i);
    const j1 = latentOf(candidates, min<i32>(i + 1, to - 1));
    const j2 = latentOf(candidates, min<i32>(i + 2, to - 1));
    const j3 = latentOf(candidates, min<i32>(i + 3, to - 1));
    const r0 = W_enc + j0 * bytes;
    const r1 = W_enc + j1 * bytes;
    const r2 = W_enc + j2 * bytes;
    const r3 = W_enc + j3 * bytes;
    const sums = dots(x, r0, r1, r2, r3, bytes);
    const place = keys + ((<usize>i) << 2);
    store<i32>(place, orderOf(f32x4.extract_lane(sums, 0) + load<f32>(b_enc + (j0 << 2))));
    store<i32>(place, orderOf(f32x4.extract_lane(sums, 1) + load<f32>(b_enc + (j1 << 2))), 4);
    store<i32>(place, orderOf(f32x4.extract_lane(sums, 2) + load<f32>(b_enc + (j2 << 2))), 8);
    store<i32>(place, orderOf(f32x4.extract_lane(sums, 3) + load<f32>(b_enc + (j3 << 2))), 12);
  }
  v128.store(keys + ((<usize>to) << 2), i32x4.splat(i32.MIN_VALUE));
}

function latentOf(candidates: usize, i: i32): usize {
  return <usize>load<i32>(candidates + ((<usize>i) << 2));
}

/** The k-th largest of count keys, by halving what lies between the least and the greatest integer. */
export function kthLargest(keys: usize, count: i32, k: i32): i32 {
  let low: i64 = i32.MIN_VALUE;
  let high: i64 = i32.MAX_VALUE;
  const bytes = (<usize>count) << 2;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    const least = i32x4.splat(<i32>middle);
    let n = i32x4.splat(0);
    for (let i: usize = 0; i < bytes; i += 16) n = i32x4.sub(n, i32x4.ge_s(v128.load(keys + i), least));
    const reach =
      i32x4.extract_lane(n, 0) +
      i32x4.extract_lane(n, 1) +
      i32x4.extract_lane(n, 2) +
      i32x4.extract_lane(n, 3);
    if (reach >= k) low = middle;
    else high = middle - 1;
  }
  return <i32>low;
}

/** Of two ascending stretches of candidates, 0..first and first..last, the k largest in one ascending order. */
export function keep(
  candidates: usize,
  keys: usize,
  first: i32,
  last: i32,
  threshold: i32,
  k: i32,
  at: usize,
  pre: usize,
): void {
  let equal = k;
  for (let i = 0; i < last; i++) if (load<i32>(keys + ((<usize>i) << 2)) > threshold) equal--;
  let a = 0;
  let b = first;
  while (a < first || b < last) {
    const fromA =
      b >= last ||
      (a < first && load<i32>(candidates + ((<usize>a) << 2)) < load<i32>(candidates + ((<usize>b) << 2)));
    const place = (<usize>(fromA ? a++ : b++)) << 2;
    const key = load<i32>(keys + place);
    if (key < threshold) continue;
    if (key === threshold) {
      if (equal === 0) continue;
      equal--;
    }
    store<i32>(at, load<i32>(candidates + place));
    store<f32>(pre, floatOf(key));
    at += 4;
    pre += 4;
  }
}
