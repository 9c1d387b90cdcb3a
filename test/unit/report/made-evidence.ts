/** Evidence of latents as tests need it: what a test does not look at is filled in. */
import {
  type Feature,
  type FeatureIndex,
  type FeatureShard,
  featuresVersion,
  shardVersion,
} from '../../../runner/report/features.ts';

type Columns = FeatureIndex['columns'];

/** @param columns of these latents; those left out are filled in, and so is the rest of the index */
export function madeIndex(
  columns: Pick<Columns, 'latent'> & Partial<Columns>,
  rest: Partial<Omit<FeatureIndex, 'schema' | 'columns'>> = {},
): FeatureIndex {
  const each = <T>(value: (place: number) => T): T[] => columns.latent.map((_, place) => value(place));
  return {
    schema: featuresVersion,
    sha256: 'a'.repeat(64),
    d_sae: 96,
    alive: columns.latent.length,
    text: { name: 'a text', split: 'held out', rows: 9, row_tokens: 8, documents: 3 },
    contexts: { top: 1, sampled: 1, before: 1, after: 1 },
    budget: 100_000,
    companion_tokens: 8,
    no_directions: null,
    columns: {
      choice: each(() => 'all'),
      rate: each((place) => (place + 1) / 4),
      low: each((place) => (place + 1) / 5),
      high: each((place) => (place + 1) * 0.3),
      mean: each((place) => place + 1),
      max: each((place) => place + 3),
      nearest: each(() => 0.5),
      norm: each(() => 1),
      peaks: each(() => [1]),
      ...columns,
    },
    tokens: {},
    ...rest,
  };
}

export function madeFeature(feature: Pick<Feature, 'latent'> & Partial<Feature>): Feature {
  return {
    histogram: { first: 0, counts: [1] },
    contexts: [],
    raised: null,
    lowered: null,
    neighbours: null,
    companions: [],
    ...feature,
  };
}

export function madeShard(features: Feature[], sha256 = 'a'.repeat(64)): FeatureShard {
  return { schema: shardVersion, sha256, features };
}
