/** Which features were found, and which are missed or split among latents: by their frequency, and by their level. */
import { mean } from '../../math/sum.ts';
import type { Measure, Part } from '../../report/schema.ts';
import type { Detected, TrueDetections, Truth } from '../truth.ts';

/** Stretches of features in the order of their frequency. */
const STRETCHES = 10;
/** Rows of each kind in the table of features. */
const LISTED = 8;
/** Latents named of a split feature. */
const NAMED = 12;

/** @param f1s of each latent */
export function picturesOf(
  truth: Truth,
  counts: TrueDetections,
  { matching }: Detected,
  f1s: Float64Array,
): Pick<Part, 'curves' | 'tables'> {
  const { features, depth } = truth;
  const samples = counts.samples.reduce((sum, each) => sum + each, 0);
  const rates = new Float64Array(features);
  counts.firings.forEach((count, at) => {
    rates[at % features]! += count / samples;
  });
  const latents: number[][] = Array.from({ length: features }, () => []);
  const detected = new Float64Array(features);
  matching.best.forEach((feature, latent) => {
    latents[feature]!.push(latent);
    detected[feature] = Math.max(detected[feature]!, f1s[latent]!);
  });
  const all = Array.from(rates, (_, feature) => feature);
  const group = (members: readonly number[]) => ({
    cosine: plain(mean(members.map((feature) => matching.nearest[feature]!))),
    f1: plain(mean(members.map((feature) => detected[feature]!))),
  });
  const share = (members: readonly number[], has: (count: number) => boolean): Measure =>
    plain(mean(members.map((feature) => Number(has(latents[feature]!.length)))));
  const fates = (members: readonly number[]) => ({
    missed: share(members, (count) => count === 0),
    matched: share(members, (count) => count === 1),
    split: share(members, (count) => count > 1),
  });

  const fired = all.filter((feature) => rates[feature]! > 0).sort((a, b) => rates[a]! - rates[b]!);
  const stretches = Array.from({ length: STRETCHES }, (_, i) =>
    fired.slice(Math.round((i * fired.length) / STRETCHES), Math.round(((i + 1) * fired.length) / STRETCHES)),
  ).filter(({ length }) => length > 0);
  const byFrequency = stretches.map((members) => ({
    at: perMillion(Math.exp(mean(members.map((feature) => Math.log(rates[feature]!))))),
    values: { ...group(members), ...fates(members) },
  }));
  const levels =
    depth === null ? [] : [...new Set(depth)].filter((level) => level >= 0).sort((a, b) => a - b);
  const byLevel = levels.map((level) => ({
    at: level,
    values: group(all.filter((feature) => depth![feature] === level)),
  }));
  const only = (
    points: typeof byFrequency,
    ...lines: ('cosine' | 'f1' | keyof ReturnType<typeof fates>)[]
  ) => ({
    points: points.map(({ at, values }) => ({
      at,
      values: Object.fromEntries(lines.map((line) => [line, values[line]])),
    })),
    sets: [],
  });

  const split = all
    .filter((feature) => latents[feature]!.length > 1)
    .sort((a, b) => latents[b]!.length - latents[a]!.length || a - b);
  const missed = fired.filter((feature) => latents[feature]!.length === 0).reverse();
  const row = (feature: number, note: string) => ({
    name: String(feature),
    note,
    cells: {
      firings: perMillion(rates[feature]!),
      level: depth === null || depth[feature]! < 0 ? 'none' : depth[feature]!,
      cosine: Math.round(1e4 * matching.nearest[feature]!) / 1e4,
      latents: latents[feature]!.length === 0 ? 'none' : latents[feature]!.slice(0, NAMED),
    },
  });
  return {
    curves: {
      frequency: only(byFrequency, 'cosine', 'f1'),
      ...(byLevel.length > 0 && { depth: { points: byLevel, sets: [] } }),
      fates: only(byFrequency, 'missed', 'matched', 'split'),
    },
    tables: {
      features: [
        ...split
          .slice(0, LISTED)
          .map((feature) => row(feature, `${latents[feature]!.length} latents share it`)),
        ...missed.slice(0, LISTED).map((feature) => row(feature, 'no latent is nearest to it')),
      ],
    },
  };
}

const perMillion = (rate: number): number => Math.max(1, Math.round(1e6 * rate));

/** Means over features: all there are, so that nothing is resampled. */
function plain(value: number): Measure {
  return { value, interval: null, interval_note: 'over all features of the group' };
}
