/**
 * Evidence of what an SAE's latents fire on, as files beside its record: `content/features/<record>/index.json` lists the
 * latents, and shards `0.json`, `1.json` … hold each a few of them, so that a page loads what it shows and no more.
 */
import { z } from 'zod';
import { SHARD_LATENTS } from './feature-places.ts';

export const featuresVersion = 'interpboard/features-1';
export const shardVersion = 'interpboard/features-shard-1';

/** Latents of a dictionary, tokens of a vocabulary: beyond any that there are. */
const MANY = 16_777_216;
const id = z.int().nonnegative().max(MANY);
/** Longest text of a token, in UTF-16 units. */
const text = z.string().max(1_000);
/** Of bytes, rows and firings. */
const count = z.int().nonnegative();
const finite = z.number();
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/** Why a latent is among those shown, in the order in which they were taken. */
const choices = ['all', 'used', 'dense', 'isolated', 'random'] as const;
export type Choice = (typeof choices)[number];

/** Columns, an entry per latent. */
const columns = z.strictObject({
  latent: z.array(id),
  choice: z.array(z.enum(choices)),
  /** Share of tokens that it fires on, with its 95 % interval over documents. */
  rate: z.array(finite),
  low: z.array(finite),
  high: z.array(finite),
  /** Of its values where it fires. */
  mean: z.array(finite),
  max: z.array(finite),
  /** Greatest cosine of its decoder row with another one; null where there is no such row. */
  nearest: z.array(finite.nullable()),
  /** Of its decoder row, in the scale of the residual. */
  norm: z.array(finite.nullable()),
  /**
   * Mean change of the next-token loss, in nats, at the tokens it fires on when it is taken out of the residual; null where that
   * was not tried. Evidence from before that was measured has no such column.
   */
  effect: z.array(finite.nullable()).optional(),
  /** Token ids that it is strongest on, the most frequent first. */
  peaks: z.array(z.array(id).max(8)),
});

export const featureIndex = z
  .strictObject({
    schema: z.literal(featuresVersion),
    /** Content hash of the SAE. */
    sha256,
    d_sae: id,
    /** Latents that fired on the text. */
    alive: id,
    text: z.strictObject({
      name: text,
      split: text,
      rows: count,
      row_tokens: count,
      documents: count.nullable(),
    }),
    /** Most contexts of a latent of each kind, and tokens around the one it fires on. */
    contexts: z.strictObject({ top: id, sampled: id, before: id, after: id }),
    /** Bytes that the shards may take, and tokens that companions were counted on. */
    budget: count,
    companion_tokens: id,
    /**
     * Latents drawn at random from all that fired, to be taken out of the residual, and rows of the text that went on without one of
     * them. Left out where none was, and in evidence from before this was said.
     */
    ablated: z.strictObject({ latents: count, rows: count }).optional(),
    /** Why there are no decoder rows, and so no effects on logits and no neighbours; null where there are. */
    no_directions: text.nullable(),
    columns,
    /**
     * Which latents the run's other suites chose for concepts, with their weights by each suite's rule: a probe's weight
     * (interpscore), the mean in the class less that outside (k-sparse), the effect on the class's probe (tpp, scr).
     */
    uses: z
      .array(z.strictObject({ suite: text, concept: text, latents: z.array(z.tuple([id, finite])).max(100) }))
      .max(20_000)
      .optional(),
    /** Texts of the tokens that occur, by id. */
    tokens: z.record(z.string().regex(/^\d{1,8}$/), text),
  })
  .refine(
    ({ columns: all }) =>
      new Set(Object.values(all).flatMap((column) => (column === undefined ? [] : [column.length]))).size ===
      1,
    'expected columns of one length',
  );
export type FeatureIndex = z.infer<typeof featureIndex>;

const context = z
  .strictObject({
    kind: z.enum(['top', 'sampled']),
    /** Row of the text, the row's token that the stretch begins with, and which token of the stretch the latent is strongest on. */
    row: count,
    start: count,
    peak: id,
    ids: z.array(id).max(1_024),
    /** What the latent is at each token, to three digits. */
    values: z.array(finite).max(1_024),
  })
  .refine(({ ids, values }) => ids.length === values.length, 'expected a value for each token');
export type FeatureContext = z.infer<typeof context>;

const pairs = z.array(z.tuple([id, finite])).max(100);

/** Of a latent that was taken out of the residual. */
const ablation = z.strictObject({
  /** Change of the next-token loss where it fires, in nats: mean, and 95 % interval over documents, null where there is one. */
  mean: finite,
  low: finite.nullable(),
  high: finite.nullable(),
  /** Tokens that it was taken out of, and rows and documents that they lie in. */
  tokens: count,
  rows: count,
  documents: count,
});

const feature = z.strictObject({
  latent: id,
  /** Counts by quarters of powers of two, from 2^(first / 4) on. */
  histogram: z.strictObject({ first: z.int(), counts: z.array(count).max(400) }),
  contexts: z.array(context).max(1_000),
  /** Token id and what one unit of the latent adds to its logit through the last norm's scale; null without directions. */
  raised: pairs.nullable(),
  lowered: pairs.nullable(),
  /** Latent and cosine of the decoder rows; null without directions. */
  neighbours: pairs.nullable(),
  /** Latent and share of tokens with either that have both. */
  companions: pairs,
  /** Left out where it was not tried. */
  ablation: ablation.optional(),
});
export type Feature = z.infer<typeof feature>;

export const featureShard = z.strictObject({
  schema: z.literal(shardVersion),
  /** Content hash of the SAE. */
  sha256,
  features: z.array(feature).max(SHARD_LATENTS),
});
export type FeatureShard = z.infer<typeof featureShard>;
