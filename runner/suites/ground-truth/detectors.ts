/** Latents as detectors of the features that they are nearest to, over samples in which it is known what fires. */
import { cancellationPoint } from '../../math/cancellation.ts';
import type { Resamples } from '../../metrics/bootstrap.ts';
import type { Estimate } from '../../metrics/statistic.ts';
import type { Detected, TrueDetections } from '../truth.ts';

export const QUALITIES = ['precision', 'recall', 'f1', 'accuracy'] as const;
export type Quality = (typeof QUALITIES)[number];

/** Means over latents. */
export type Qualities = Record<Quality, number>;

type Counts = Pick<TrueDetections, 'blocks' | 'samples' | 'firings'>;

/** Counts of the blocks that a weight is given to, added up. */
interface Sums {
  samples: number;
  /** Of each latent: samples in which it fires, and fires with its feature. */
  fires: Float64Array;
  hits: Float64Array;
  /** Samples in which each feature fires. */
  firings: Float64Array;
}

function sumsOf(counts: Counts, detected: Detected, weight: (block: number) => number): Sums {
  const latents = detected.matching.best.length;
  const features = counts.firings.length / counts.blocks;
  const sums = {
    samples: 0,
    fires: new Float64Array(latents),
    hits: new Float64Array(latents),
    firings: new Float64Array(features),
  };
  for (let block = 0; block < counts.blocks; block++) {
    const times = weight(block);
    if (times === 0) continue;
    sums.samples += times * counts.samples[block]!;
    add(sums.fires, detected.fires, block * latents, times);
    add(sums.hits, detected.hits, block * latents, times);
    add(sums.firings, counts.firings, block * features, times);
  }
  return sums;
}

function add(sums: Float64Array, counts: Uint32Array, from: number, times: number): void {
  for (let i = 0; i < sums.length; i++) sums[i] = sums[i]! + times * counts[from + i]!;
}

/** F1 of each latent, [latents], in `f1` where it is given; and the means over latents. */
function qualitiesOf(
  { samples, fires, hits, firings }: Sums,
  best: Int32Array,
  f1?: Float64Array,
): Qualities {
  const latents = best.length;
  const means: Qualities = { precision: 0, recall: 0, f1: 0, accuracy: 0 };
  for (let latent = 0; latent < latents; latent++) {
    const [fired, hit, on] = [fires[latent]!, hits[latent]!, firings[best[latent]!]!];
    const precision = fired > 0 ? hit / fired : 0;
    const recall = on > 0 ? hit / on : 0;
    const both = precision + recall > 0 ? (2 * precision * recall) / (precision + recall) : 0;
    means.precision += precision / latents;
    means.recall += recall / latents;
    means.f1 += both / latents;
    means.accuracy += (samples - fired - on + 2 * hit) / samples / latents;
    if (f1) f1[latent] = both;
  }
  return means;
}

/** Over all samples. */
export function qualities(counts: Counts, detected: Detected): Qualities & { f1s: Float64Array } {
  const f1s = new Float64Array(detected.matching.best.length);
  const means = qualitiesOf(
    sumsOf(counts, detected, () => 1),
    detected.matching.best,
    f1s,
  );
  return { ...means, f1s };
}

/** With their resamples of blocks, and with each block left out. */
export function qualityEstimates(
  counts: Counts,
  detected: Detected,
  resamples: Resamples,
): Record<Quality, Estimate> {
  const { best } = detected.matching;
  const of = (weight: (block: number) => number): Qualities => {
    cancellationPoint();
    return qualitiesOf(sumsOf(counts, detected, weight), best);
  };
  const whole = of(() => 1);
  const { count, blocks, weights } = resamples;
  const drawn = Array.from({ length: count }, (_, b) => of((block) => weights[b * blocks + block]!));
  const without = Array.from({ length: blocks > 1 ? blocks : 0 }, (_, left) =>
    of((block) => (block === left ? 0 : 1)),
  );
  const estimate = (quality: Quality): Estimate => ({
    value: whole[quality],
    samples: Float64Array.from(drawn, (each) => each[quality]),
    leftOut: count > 0 ? [{ resamples, values: Float64Array.from(without, (each) => each[quality]) }] : [],
    ...(count > 0 ? {} : { intervalNote: 'fewer than two rows of samples: nothing to resample' }),
  });
  return Object.fromEntries(QUALITIES.map((quality) => [quality, estimate(quality)])) as Record<
    Quality,
    Estimate
  >;
}
