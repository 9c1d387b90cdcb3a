/** What is known of a synthetic model, and how SAEs stand to it: what suites that need true features are given. */

/** A synthetic model's features, and how an SAE's latents stand to them over the evaluation's samples. */
export interface Truth {
  features: number;
  /** Levels below the root of its tree, −1 for a feature of no tree, [features]; null where there are no trees. */
  depth: Int32Array | null;
  /** Of one hook, once the samples have been read: each SAE with its references, and the samples. */
  detections: { at(hook: number): TrueDetections };
}

export interface TrueDetections {
  /** What intervals resample: stretches of the evaluation's samples. */
  blocks: number;
  /** [blocks] */
  samples: Float64Array;
  /** Samples in which the feature fires, [blocks, features]. */
  firings: Uint32Array;
  /** In the order of the SAEs. */
  saes: readonly Detection[];
  /** Where the answer is known, each with the SAEs that it is a reference of. */
  references: readonly (Detection & { name: string; note: string; of: readonly number[] })[];
}

/** Null with the reason where the latents have no directions. */
export type Detection = Detected | { matching: null; reason: string };

export interface Detected {
  matching: Matching;
  /** Samples in which the latent is not 0, and of them those in which its best feature fires, [blocks, latents]. */
  fires: Uint32Array;
  hits: Uint32Array;
}

export interface Matching {
  /** Feature of largest |cosine| to each latent, and that cosine, [latents]. */
  best: Int32Array;
  cosine: Float32Array;
  /** Largest |cosine| of each feature to a latent, [features]. */
  nearest: Float32Array;
  /** Latent of each feature in the matching one to one of largest sum, −1 for none, [features]. */
  partner: Int32Array;
  /** Mean of its |cosines|. */
  mcc: number;
  /** Distinct features among the best, for each latent. */
  uniqueness: number;
}
