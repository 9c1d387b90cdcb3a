/**
 * How alike the decoders of a run's SAEs are, in a file of the run's own: `decoder_similarity.json` in its folder, and
 * beside its records in content/. The runner validates it before writing, the site when reading; it imports zod and the
 * definitions alone.
 */
import { z } from 'zod';
import { count, name, text } from './measure.ts';
import { similarityDefinitions, similarityIds } from './similarity-definitions.ts';

export const similarityVersion = 'interpboard.similarity/1';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hexadecimal digits');
const recordId = z
  .string()
  .regex(/^[a-z0-9]+(?:[-.][a-z0-9]+)*$/, 'expected lower-case words joined by - or .')
  .max(120);

/** SAEs of one file; a run has at most 1,024. */
const MOST_SAES = 1_024;

const comparedSae = z.strictObject({
  /** Its record among those of the run. */
  record: recordId,
  layer: count,
  d_sae: count,
  /** Content hash of the SAE. */
  sha256,
  /** Latents that fired in the window: those that are compared. */
  compared: count,
});

const values = z.strictObject(
  Object.fromEntries(similarityIds.map((id) => [id, z.number()])) as Record<
    (typeof similarityIds)[number],
    z.ZodNumber
  >,
);

const place = {
  /** Place of A and of B in `saes`. */
  of: count,
  among: count,
};

const pair = z.union([
  z.strictObject({
    ...place,
    values,
    /** What as many random directions of that width would give. */
    floor: values,
  }),
  z.strictObject({ ...place, reason: text.min(1) }),
]);

export const similarity = z
  .strictObject({
    schema: z.literal(similarityVersion),
    id: recordId,
    model: z.strictObject({ id: name, sha256: sha256.nullable() }),
    /** Width of the directions. */
    d_model: count,
    /** Evaluation tokens in which a latent had to fire. */
    window_tokens: count,
    saes: z.array(comparedSae).min(1).max(MOST_SAES),
    /** Of A's latents among B's, every ordered pair at most once. */
    pairs: z.array(pair).max(MOST_SAES ** 2),
    /** Why no value has an interval. */
    interval_note: text.min(1),
  })
  .superRefine(({ saes, pairs }, context) => {
    const fault = (path: (string | number)[], message: string): void =>
      context.addIssue({ code: 'custom', path, message });
    const seen = new Set<number>();
    for (const [i, each] of pairs.entries()) {
      const { of, among } = each;
      if (of >= saes.length || among >= saes.length)
        fault(['pairs', i], `expected places among ${saes.length} SAEs, received ${of} and ${among}`);
      const key = of * saes.length + among;
      if (seen.has(key)) fault(['pairs', i], `expected each pair once, received ${of} and ${among} again`);
      seen.add(key);
      if (!('values' in each)) continue;
      for (const id of similarityIds) {
        const [low, high] = similarityDefinitions[id].range;
        for (const kind of ['values', 'floor'] as const) {
          const value = each[kind][id];
          if (value >= (low ?? value) - 1e-6 && value <= (high ?? value) + 1e-6) continue;
          fault(['pairs', i, kind, id], `expected a value in [${low}, ${high}], received ${value}`);
        }
      }
    }
    for (const [i, { compared, d_sae }] of saes.entries())
      if (compared > d_sae) fault(['saes', i, 'compared'], `expected at most ${d_sae}, received ${compared}`);
  });

export type Similarity = z.infer<typeof similarity>;
export type SimilarityPair = z.infer<typeof pair>;
export type ComparedSae = z.infer<typeof comparedSae>;

/** Name of the file in a run's folder and in a release. */
export const SIMILARITY_FILE = 'decoder_similarity.json';

/** Id of a run's file, which names it in content/. */
export function similarityId(run: string): string {
  return `${run}-decoders`;
}

/** Those of its SAEs that are kept, with the pairs among them. */
export function withSaes(all: Similarity, kept: (record: string) => boolean): Similarity {
  const places = all.saes.flatMap((sae, i) => (kept(sae.record) ? [i] : []));
  const moved = new Map(places.map((from, to) => [from, to]));
  return {
    ...all,
    saes: places.map((i) => all.saes[i]!),
    pairs: all.pairs.flatMap((each) => {
      const [of, among] = [moved.get(each.of), moved.get(each.among)];
      return of === undefined || among === undefined ? [] : [{ ...each, of, among }];
    }),
  };
}
