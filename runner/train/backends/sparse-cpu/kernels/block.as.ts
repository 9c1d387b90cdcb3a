/**
 * What select.as.ts finds, for a block of tokens together: a row of the encoder is fetched once for all tokens that it is
 * computed for. Three parts: `nominate` lists each token's candidates, `score` computes them in the order of the latents,
 * `choose` takes the k largest. The candidates follow from a guess of the k-th largest; a token of which the guess was too
 * high, or that has too many candidates, is left to `select`.
 */
import {
  collectFrom,
  compute,
  GENEROUS,
  HALF,
  keep,
  kthLargest,
  kthLevel,
  LEVELS,
  MARGIN,
  normFactor,
  select,
} from './select';
import { dots, floatOf, orderOf } from './vector';

/** Levels below that of the k-th largest product where the k-th largest value is taken to lie at least. */
const BELOW: f32 = 1;
/** Of the places of one token, behind its candidates: room for four keys more. */
const SPARE: i32 = 4;
/** In `counts`: left to `select`. */
const ALONE: i32 = -1;

/**
 * Of each token of a stretch the latents that may be above the guessed k-th largest, ascending: at most `room`.
 *
 * @param facts of these tokens; the fourth becomes the guess
 * @param counts int32 [tokens], `candidates` int32 [tokens, room + 4]
 * @param scratch latents + 8 + 256 int32
 */
export function nominate(
  tokens: i32,
  latents: i32,
  k: i32,
  width: i32,
  levels: usize,
  levelStride: i32,
  facts: usize,
  norms: usize,
  lefts: usize,
  most: f32,
  mostLeft: f32,
  step: f32,
  zero: i32,
  guess: i32,
  room: i32,
  counts: usize,
  candidates: usize,
  scratch: usize,
): void {
  const list = scratch + LEVELS * 4;
  const stride = (<usize>(room + SPARE)) << 2;
  let low = guess;
  for (
    let t = 0;
    t < tokens;
    t++, levels += <usize>levelStride, facts += 16, counts += 4, candidates += stride
  ) {
    const unit = load<f32>(facts) * step;
    const norm = load<f32>(facts, 8);
    const byNorm = normFactor(load<f32>(facts, 4), norm, width);
    const byLeft = GENEROUS * norm;
    let found = collectFrom(levels, latents, low, list);
    while (found < k && low > 0) {
      low = max<i32>(low - 16, 0);
      found = collectFrom(levels, latents, low, list);
    }
    const level = kthLevel(levels, list, found, k, scratch);
    const bound = (<f32>(level - zero) - BELOW) * unit;
    const lowest = (bound - byNorm * most - byLeft * mostLeft) / unit + <f32>zero - HALF;
    const cut = lowest > 0 ? min<i32>(<i32>lowest, 255) : 0;
    if (cut < low) found = collectFrom(levels, latents, cut, list);
    // Level 0 is that of everything below it too.
    let count = level > 0 ? 0 : ALONE;
    for (let i = 0; i < found && count !== ALONE; i++) {
      const j = load<i32>(list + ((<usize>i) << 2));
      const here = <i32>load<u8>(levels + <usize>j);
      if (here < cut) continue;
      const offset = (<usize>j) << 2;
      const bounds = byNorm * load<f32>(norms + offset) + byLeft * load<f32>(lefts + offset);
      if (here > 0 && (<f32>(here - zero) + HALF) * unit + bounds < bound) continue;
      if (count === room) {
        count = ALONE;
        break;
      }
      store<i32>(candidates + ((<usize>count) << 2), j);
      count++;
    }
    store<i32>(counts, count);
    store<f32>(facts, bound, 12);
    low = max<i32>(cut - MARGIN, 0);
  }
}

/**
 * The values of all candidates among the latents from..to, as integers that order as they do, to the places in `keys`
 * that the candidates have in theirs.
 *
 * @param scratch tokens · (to − from + 1) + to − from + 1 int32
 */
export function score(
  from: i32,
  to: i32,
  tokens: i32,
  width: i32,
  centred: usize,
  W_enc: usize,
  b_enc: usize,
  room: i32,
  counts: usize,
  candidates: usize,
  keys: usize,
  scratch: usize,
): void {
  const bytes = (<usize>width) << 2;
  const stride = room + SPARE;
  const latents = to - from;
  // Where each latent's places begin, then end; and where each token's candidates among these latents begin.
  const places = scratch;
  const firsts = places + ((<usize>(latents + 1)) << 2);
  const order = firsts + ((<usize>tokens) << 2);
  memory.fill(places, 0, (<usize>(latents + 1)) << 2);
  for (let t = 0; t < tokens; t++) {
    const count = load<i32>(counts + ((<usize>t) << 2));
    const row = candidates + ((<usize>(t * stride)) << 2);
    let i = firstFrom(row, count, from);
    store<i32>(firsts + ((<usize>t) << 2), i);
    for (; i < count; i++) {
      const j = load<i32>(row + ((<usize>i) << 2));
      if (j >= to) break;
      const place = places + ((<usize>(j - from + 1)) << 2);
      store<i32>(place, load<i32>(place) + 1);
    }
  }
  for (let j = 1; j <= latents; j++) {
    const place = places + ((<usize>j) << 2);
    store<i32>(place, load<i32>(place) + load<i32>(place - 4));
  }
  for (let t = 0; t < tokens; t++) {
    const count = load<i32>(counts + ((<usize>t) << 2));
    for (let i = load<i32>(firsts + ((<usize>t) << 2)); i < count; i++) {
      const at = t * stride + i;
      const j = load<i32>(candidates + ((<usize>at) << 2));
      if (j >= to) break;
      const place = places + ((<usize>(j - from)) << 2);
      const slot = load<i32>(place);
      store<i32>(order + ((<usize>slot) << 2), at);
      store<i32>(place, slot + 1);
    }
  }
  let start = 0;
  for (let j = 0; j < latents; j++) {
    const end = load<i32>(places + ((<usize>j) << 2));
    const row = W_enc + <usize>(from + j) * bytes;
    const bias = load<f32>(b_enc + ((<usize>(from + j)) << 2));
    // Four at a time; what is missing of four repeats the last.
    for (let i = start; i < end; i += 4) {
      const p0 = placeOf(order, i);
      const p1 = placeOf(order, min<i32>(i + 1, end - 1));
      const p2 = placeOf(order, min<i32>(i + 2, end - 1));
      const p3 = placeOf(order, min<i32>(i + 3, end - 1));
      const x0 = centred + <usize>(p0 / stride) * bytes;
      const x1 = centred + <usize>(p1 / stride) * bytes;
      const x2 = centred + <usize>(p2 / stride) * bytes;
      const x3 = centred + <usize>(p3 / stride) * bytes;
      const sums = dots(row, x0, x1, x2, x3, bytes);
      store<i32>(keys + ((<usize>p0) << 2), orderOf(f32x4.extract_lane(sums, 0) + bias));
      store<i32>(keys + ((<usize>p1) << 2), orderOf(f32x4.extract_lane(sums, 1) + bias));
      store<i32>(keys + ((<usize>p2) << 2), orderOf(f32x4.extract_lane(sums, 2) + bias));
      store<i32>(keys + ((<usize>p3) << 2), orderOf(f32x4.extract_lane(sums, 3) + bias));
    }
    start = end;
  }
}

function placeOf(order: usize, i: i32): i32 {
  return load<i32>(order + ((<usize>i) << 2));
}

/** The first of `count` ascending latents that is not below `from`. */
function firstFrom(row: usize, count: i32, from: i32): i32 {
  let low = 0;
  let high = max<i32>(count, 0);
  while (low < high) {
    const middle = (low + high) >> 1;
    if (load<i32>(row + ((<usize>middle) << 2)) < from) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Of each token of a stretch the k largest, as `select` gives them.
 *
 * @param keys of these tokens, as `counts` and `candidates`; the others as of `select`
 * @returns how many were computed in float32
 */
export function choose(
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
  room: i32,
  counts: usize,
  candidates: usize,
  keys: usize,
  scratch: usize,
  at: usize,
  pre: usize,
): f64 {
  const stride = (<usize>(room + SPARE)) << 2;
  let computed: f64 = 0;
  for (let t = 0; t < tokens; t++, facts += 16, candidates += stride, keys += stride) {
    const count = load<i32>(counts + ((<usize>t) << 2));
    const out = (<usize>(t * k)) << 2;
    if (count >= k) {
      v128.store(keys + ((<usize>count) << 2), i32x4.splat(i32.MIN_VALUE));
      const threshold = kthLargest(keys, count, k);
      computed += <f64>count;
      // What was not computed lies below the guess.
      if (floatOf(threshold) >= load<f32>(facts, 12)) {
        store<f32>(facts, floatOf(threshold) / load<f32>(facts), 12);
        keep(candidates, keys, count, count, threshold, k, at + out, pre + out);
        continue;
      }
    }
    computed += select(
      1,
      latents,
      k,
      width,
      levels + <usize>t * <usize>levelStride,
      levelStride,
      centred + ((<usize>(t * width)) << 2),
      facts,
      W_enc,
      b_enc,
      norms,
      lefts,
      most,
      mostLeft,
      step,
      zero,
      guess,
      scratch,
      at + out,
      pre + out,
    );
  }
  return computed;
}

/**
 * The same from the largest values of another float32 product, whose last bits are others: what is found is as of `choose`,
 * to the bit.
 *
 * @param offered how many of each token's latents: the largest but for rounding
 * @param latentsOf int32 [tokens, offered], `values` float32 [tokens, offered]
 * @param scratch 3 · (latents + 8) + 256 int32
 */
export function refine(
  tokens: i32,
  latents: i32,
  k: i32,
  width: i32,
  offered: i32,
  latentsOf: usize,
  values: usize,
  centred: usize,
  facts: usize,
  W_enc: usize,
  b_enc: usize,
  most: f32,
  scratch: usize,
  at: usize,
  pre: usize,
): void {
  const bytes = (<usize>width) << 2;
  const words = (<usize>latents + 63) >> 6;
  const list = scratch + ((words << 3) + 64);
  const keys = list + ((<usize>latents + 8) << 2);
  memory.fill(scratch, 0, words << 3);
  for (let t = 0; t < tokens; t++, facts += 16, centred += bytes) {
    let least: f32 = Infinity;
    for (let i = 0; i < offered; i++, latentsOf += 4, values += 4) {
      least = min<f32>(least, load<f32>(values));
      const j = load<i32>(latentsOf);
      const word = scratch + ((<usize>(j >> 6)) << 3);
      store<i64>(word, load<i64>(word) | ((<i64>1) << (j & 63)));
    }
    // Bits in order, so that the latents come out ascending.
    let count = 0;
    for (let w: usize = 0; w < words; w++) {
      const word = scratch + (w << 3);
      let bits = load<i64>(word);
      if (bits === 0) continue;
      store<i64>(word, 0);
      for (; bits !== 0; bits &= bits - 1, count++) {
        store<i32>(list + ((<usize>count) << 2), <i32>(w << 6) + <i32>ctz<i64>(bits));
      }
    }
    compute(centred, bytes, W_enc, b_enc, list, keys, 0, count);
    let threshold = kthLargest(keys, count, k);
    // Both products are off by rounding, together by less than what normFactor counts (sums one after the other in one of
    // them, in eight parts in the other): where what was not offered may be above, all are computed.
    const rounding = normFactor(0, load<f32>(facts, 8), width) * most;
    if (count < latents && least + rounding >= floatOf(threshold)) {
      for (let j = 0; j < latents; j++) store<i32>(list + ((<usize>j) << 2), j);
      count = latents;
      compute(centred, bytes, W_enc, b_enc, list, keys, 0, count);
      threshold = kthLargest(keys, count, k);
    }
    keep(list, keys, count, count, threshold, k, at, pre);
    at += (<usize>k) << 2;
    pre += (<usize>k) << 2;
  }
}
