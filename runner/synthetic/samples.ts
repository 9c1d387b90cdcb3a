/** Samples of a synthetic model: which features fire, how strongly, and the activation they add up to. */

import { sha256 } from '../io/hash.ts';
import { cancellationPoint } from '../math/cancellation.ts';
import { type Random, randomFrom } from '../math/random.ts';
import { normalTail, normalThreshold } from '../math/student.ts';
import { openWorkspace } from '../simd/kernels.ts';
import type { SyntheticParts } from './layout.ts';
import type { Forest } from './tree.ts';

/** Features that fire, of several samples one after the other: those of sample t from `starts[t]` to `starts[t + 1]`. */
export interface ActiveFeatures {
  /** [samples + 1] */
  starts: Int32Array;
  /** Ascending within a sample. */
  indices: Int32Array;
  /** Above 0. */
  values: Float32Array;
}

export interface Sampler {
  /** @param numbers of the samples in their stream: equal numbers give equal samples, whatever stands beside them */
  draw(stream: string, numbers: ArrayLike<number>): ActiveFeatures;
}

/** Steps a unit of the table of P(Z < z), which bounds it between them from below and above. */
const STEPS = 32;
const REACH = 8;
/** What the kernel takes at a time, of the shared factors and of features. */
const TOGETHER = 4;

export function sampler(parts: SyntheticParts): Sampler {
  const { features, firing, means, deviations, forest } = parts;
  const fires = firingOf(parts);
  const value = new Float32Array(features);
  const hashes = new Map<string, number>();

  function one(random: Random, active: number[]): void {
    fires(random, active);
    for (const feature of active) value[feature] = 1;
    let kept = 0;
    for (const feature of active) {
      // Most of the children drawn are without their parent, and need no size.
      const above = forest === null ? -1 : forest.parent[feature]!;
      const orphan = above >= 0 && value[above] === 0;
      const size = orphan ? 0 : means[feature]! + deviations[feature]! * random.gaussian();
      value[feature] = size;
      if (size > 0) active[kept++] = feature;
      else value[feature] = 0;
    }
    active.length = kept;
    if (forest !== null) obey(forest, active, value, means, random);
  }

  return {
    draw(stream, numbers) {
      const hash = hashes.get(stream) ?? Number.parseInt(sha256(stream).slice(0, 8), 16);
      hashes.set(stream, hash);
      const starts = new Int32Array(numbers.length + 1);
      const indices: number[] = [];
      const values: number[] = [];
      const active: number[] = [];
      for (let t = 0; t < numbers.length; t++) {
        cancellationPoint();
        active.length = 0;
        one(ofSample(hash, numbers[t]!), active);
        for (const feature of active) {
          if (value[feature]! > 0) {
            indices.push(feature);
            values.push(value[feature]!);
          }
          value[feature] = 0;
        }
        starts[t + 1] = indices.length;
      }
      return { starts, indices: Int32Array.from(indices), values: Float32Array.from(values) };
    },
  };

  /** Adds the features that fire before parents and siblings have their say, ascending. */
  function firingOf({ correlation }: SyntheticParts): (random: Random, active: number[]) => void {
    if (correlation === null) {
      return (random, active) => {
        for (let i = 0; i < features; i++) if (random.next() < firing[i]!) active.push(i);
      };
    }
    // A Gaussian copula: feature i fires where shared_i + √own_i η > threshold_i, η of its own; given what it shares that
    // is a coin of P(Z < (shared_i − threshold_i) / √own_i).
    const { rank, factor, own } = correlation;
    const bounds = Float64Array.from({ length: 2 * REACH * STEPS + 1 }, (_, at) =>
      normalTail(REACH - (at + 1) / STEPS),
    );
    const scale = own.map((each) => 1 / Math.sqrt(each));
    // Turned, with zeros as the kernel wants them: of a sample that is a product of every feature with every factor.
    const rows = TOGETHER * Math.ceil(rank / TOGETHER);
    const stride = TOGETHER * Math.ceil(features / TOGETHER);
    const bytes = 4 * stride;
    const workspace = openWorkspace();
    const { buffer, places } = workspace.layOut(rows * bytes, 4 * rows, bytes);
    const [matrix, weights, sums] = places;
    const turned = new Float32Array(buffer, matrix, rows * stride).fill(0);
    const shared = new Float32Array(buffer, weights, rows).fill(0);
    const z = new Float32Array(buffer, sums, features);
    const offset = Float32Array.from(firing, (p, i) => -normalThreshold(p) * scale[i]!);
    for (let i = 0; i < features; i++) {
      for (let r = 0; r < rank; r++) turned[r * stride + i] = factor[i * rank + r]! * scale[i]!;
    }
    return (random, active) => {
      for (let r = 0; r < rank; r++) shared[r] = random.gaussian();
      z.set(offset);
      workspace.addRows(matrix, rows, bytes, weights, sums);
      for (let i = 0; i < features; i++) {
        const u = random.next();
        const step = Math.floor((z[i]! + REACH) * STEPS);
        if (step >= 0 && step < bounds.length && u >= bounds[step]!) continue;
        // Most are decided by the table, without the distribution function.
        const surely = step > 0 && step <= bounds.length && u < bounds[step - 1]!;
        if (surely || u < 1 - normalTail(z[i]!)) active.push(i);
      }
    };
  }
}

/** Level by level: children without their parent go, those that follow its size are scaled, and of a group one stays. */
function obey(
  { parent, depth, scaled, group }: Forest,
  active: readonly number[],
  value: Float32Array,
  means: Float32Array,
  random: Random,
): void {
  const deepest = active.reduce((most, feature) => Math.max(most, depth[feature]!), 0);
  for (let level = 0; level <= deepest; level++) {
    const here = active.filter((feature) => depth[feature] === level);
    const groups = new Map<number, { count: number; winner: number }>();
    for (const feature of here) {
      const above = parent[feature]!;
      if (above >= 0) {
        if (value[above]! <= 0) value[feature] = 0;
        else if (scaled[feature] === 1) value[feature] = value[feature]! * (value[above]! / means[above]!);
      }
      if (value[feature] === 0 || group[feature]! < 0) continue;
      const found = groups.get(group[feature]!) ?? { count: 0, winner: feature };
      found.count++;
      // The last of n to come wins with 1/n, so that in the end each has had the same chance.
      if (found.count > 1 && random.integer(found.count) === 0) found.winner = feature;
      groups.set(group[feature]!, found);
    }
    for (const feature of here) {
      const found = groups.get(group[feature]!);
      if (found !== undefined && found.winner !== feature) value[feature] = 0;
    }
  }
}

/** A generator of its own for each sample: of one stream no two have the same state. */
function ofSample(hash: number, number: number): Random {
  const a = mixed(hash ^ number);
  const b = mixed(a + hash);
  const c = mixed(b ^ 0x9e3779b9);
  return randomFrom([a, b, c, mixed(c + number) | 1]);
}

/** Murmur's finaliser: one to one over 32 bits. */
function mixed(word: number): number {
  let z = word >>> 0;
  z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
  z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
  return (z ^ (z >>> 16)) >>> 0;
}

/** bias + Σ of the active features' vectors by their values, [samples, d]. */
export function activationsOf({ d, vectors, bias }: SyntheticParts, found: ActiveFeatures): Float32Array {
  const samples = found.starts.length - 1;
  const x = new Float32Array(samples * d);
  const row = new Float64Array(d);
  for (let t = 0; t < samples; t++) {
    row.set(bias);
    for (let entry = found.starts[t]!; entry < found.starts[t + 1]!; entry++) {
      const from = found.indices[entry]! * d;
      const value = found.values[entry]!;
      for (let i = 0; i < d; i++) row[i] = row[i]! + value * vectors[from + i]!;
    }
    x.set(row, t * d);
  }
  return x;
}
