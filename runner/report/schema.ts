/**
 * The record: the one contract between runner and site. The runner validates a record before writing it; the site's
 * content collection imports this same file. It and its parts import zod and the definitions table, nothing else.
 *
 * One record = one SAE at one hook of one model, with what was measured about it (or published by others).
 */

import { z } from 'zod';
import { claimFaults, totalFaults } from './claims.ts';
import { carriedDeclaration } from './declaration.ts';
import { baseDefinitionIds, definitionIds, definitions } from './definitions.ts';
import { count, measure, name, TEXT_LIMIT, text } from './measure.ts';
import { measureOf } from './measures.ts';
import { saeOrigin } from './origin-schema.ts';
import { pairedFaults } from './paired-claims.ts';
import { paired } from './paired-schema.ts';
import { measureFaults, part, partFaults } from './part.ts';
import { migrated } from './record-1.ts';
import { definitionOf, isOurs, suiteOf } from './suites/find.ts';

export type { Measure, Present } from './measure.ts';
export type { Paired, PairedDraws } from './paired-schema.ts';
export type { Part } from './part.ts';

export const schemaVersion = 'interpboard.record/2';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hexadecimal digits');
const isoTime = z.iso.datetime();
const webAddress = z.url({ protocol: /^https?$/ }).max(TEXT_LIMIT);

export const kinds = {
  measured: 'Measured by this runner; the record says how to repeat it.',
  imported: 'Read from another tool’s result file; definitions mapped, missing values stay missing.',
  published: 'Measured and published by others, such as the SAE’s authors; transcribed.',
  demo: 'Marked provisional or placeholder by its publisher.',
  external: 'Quoted by a publisher from someone else’s paper.',
} as const;

export type Kind = keyof typeof kinds;

/** Kinds that may be ranked together by default; the others are shown only when asked for. */
export const rankedKinds: readonly Kind[] = ['measured', 'imported', 'published'];

/** Values of the definitions that belong to no suite; a suite's stand in its part. */
const metrics = z.partialRecord(z.enum(baseDefinitionIds), measure).superRefine((table, context) => {
  for (const id of baseDefinitionIds) {
    const found = table[id];
    if (found === undefined) continue;
    for (const { path, message } of measureFaults(found, definitions[id], [id])) {
      context.addIssue({ code: 'custom', path, message });
    }
  }
});

export const trajectoryPoint = z.strictObject({
  tokens: count,
  step: count.optional(),
  var_exp: z.number().max(1).nullable(),
  loss: z.number().nonnegative().optional(),
  aux_loss: z.number().nonnegative().optional(),
  sparsity_loss: z.number().nonnegative().optional(),
  dead: count.nullable(),
  l0: z.number().nonnegative().optional(),
  learning_rate: z.number().nonnegative().optional(),
  gradient_norm: z.number().nonnegative().optional(),
  tokens_per_second: z.number().nonnegative().optional(),
});

/** Reconstructions whose score is known beforehand, or that nothing was learned for. */
const reconstructionControl = z.enum(['identity', 'pca', 'untrained', 'permuted_decoder']);
const controlName = z.enum([
  ...reconstructionControl.options,
  'shuffled_labels',
  'residual_probe',
  /** By theory: what a probe scores that knows nothing. */
  'chance',
]);

/** The same measurement of controls, on some of the rows, and where the SAE stands between them. */
const controls = z.strictObject({
  tokens: count,
  rows: count,
  /** Documents that hold most of a row. */
  blocks: count.optional(),
  /** Tokens that were kept to fit controls on; none of them is among the controlled. */
  fit_tokens: count,
  /** The rule by which random controls were drawn; earlier records, without it, drew them by the SAE's place at its hook. */
  streams: name.optional(),
  values: z.array(z.strictObject({ control: controlName, id: z.enum(definitionIds), measure })),
  /** skill@v1, with the SAE's value on the controlled rows. */
  skills: z.array(
    z.strictObject({
      id: z.enum(definitionIds),
      value: measure,
      floor: z.strictObject({ control: controlName, value: z.number().nullable() }),
      ceiling: z.strictObject({ control: controlName, value: z.number().nullable() }),
      skill: measure,
    }),
  ),
});

/** What was asked for and left out, with the reason. */
const exclusion = z.strictObject({ suite: name, data: name, reason: text.min(1) });

const provenance = z.strictObject({
  /** The command that makes this record again, or where its figures were published. */
  source: text,
  /** Of a row of a table of published figures: the table, whose page it shares. */
  table: name.optional(),
  url: webAddress.nullable(),
  started: isoTime.nullable(),
  wall_seconds: z.number().nonnegative().nullable(),
  device: text.nullable(),
  threads: count.nullable(),
  versions: z.record(name, text),
  config_sha256: sha256.nullable(),
  /** Every setting of the run, resolved: what `verify` makes the record again from. */
  config: z.record(name, z.json()).optional(),
  seeds: z.record(name, z.int()),
});

const histogram = z.strictObject({
  edges: z.array(z.number()).max(1_000),
  counts: z.array(count).max(1_000),
});

/** What a published SAE was read from. */
const saeSource = z.strictObject({
  /** The adapter that read it. */
  format: name,
  /** Commit of its repository, and where in it. */
  revision: text.nullable(),
  path: text.nullable(),
  registry: z.strictObject({ release: name, id: text, sha256 }).nullable(),
  /** What its files say; null where they say nothing. */
  model_name: text.nullable(),
  hook_name: text.nullable(),
  /** What was done to its tensors, and what was taken from elsewhere than its files. */
  conversions: z.array(text),
  /** Of a run in training: whose (the run's or its repository's name), which of its SAEs, after which step. */
  light_checkpoint: z.strictObject({ of: name, id: name, step: count }).optional(),
  /** var_exp on a few hundred activations, as declared and read in other ways. */
  self_test: z
    .strictObject({
      tokens: count,
      declared: z.number(),
      others: z.array(z.strictObject({ convention: text, var_exp: z.number().nullable() })),
    })
    .nullable(),
});

/** Of this version; `record` reads older ones as well. */
export const recordObject = z.strictObject({
  schema: z.literal(schemaVersion),
  id: z
    .string()
    .regex(/^[a-z0-9]+(?:[-.][a-z0-9]+)*$/, 'expected lower-case words joined by hyphens or dots')
    .max(120),
  kind: z.enum(Object.keys(kinds) as [Kind, ...Kind[]]),
  model: z.strictObject({
    id: name,
    revision: text.nullable(),
    family: text.nullable(),
    blocks: count.nullable(),
    d_model: count.nullable(),
    dtype: text.nullable(),
    sha256: sha256.nullable(),
  }),
  sae: z.strictObject({
    name,
    repo: name.nullable(),
    architecture: z.enum([
      'topk',
      'batchtopk',
      'relu',
      'jumprelu',
      'gated',
      'matryoshka',
      'groupmax',
      'matching_pursuit',
    ]),
    /** What sets it apart from others of its architecture, such as p-anneal of a ReLU SAE, or temporal of one that predicts a token from those before it. */
    variant: name.optional(),
    layer: count,
    hook: name,
    /** Of a transcoder, the hook that it reads: `hook` is the one that it reconstructs. */
    reads: name.optional(),
    /**
     * Of a cross-layer transcoder, on how many layers it stands, from block 0 on: `reads` is the first hook that it reads,
     * `hook` the last one that it writes to, `layer` that one’s block, and `d_sae` counts the latents of all layers.
     */
    layers: count.optional(),
    /**
     * Of a crosscoder, where its one code reads and writes, in the order of its tensors: `hook` and `layer` are those of the last
     * place, and `d_in` counts the numbers of a token at one of them.
     */
    places: z
      .array(z.strictObject({ model: name, hook: name, layer: count }))
      .min(2)
      .max(256)
      .optional(),
    /** Of a crosscoder of two models, the second one: `model` is the first. */
    other_model: z
      .strictObject({ id: name, revision: text.nullable(), sha256: sha256.nullable() })
      .optional(),
    d_in: count.nullable(),
    /** Of a transcoder, the width of what it reconstructs. */
    d_out: count.optional(),
    d_sae: count,
    k: count.nullable(),
    /** What it encodes with besides its tensors, as the field names it; of an SAE that was measured here. */
    encoding: z.record(name, z.union([z.number(), text, z.boolean()])).optional(),
    tokens_trained: count.nullable(),
    /** Of its tensors and, where the record says it, of what it encodes with. */
    sha256: sha256.nullable(),
    files: z.array(z.strictObject({ name, bytes: count.nullable(), sha256: sha256.nullable() })),
    /** Every setting of the recipe it was trained with, as the field names it. */
    training: z
      .record(name, z.union([z.number(), z.string().max(TEXT_LIMIT), z.boolean(), z.null()]))
      .nullable(),
    license: text.nullable(),
    /** BibTeX, as its authors give it. */
    citation: text.optional(),
    /** Where an SAE that the run did not train came from, and what was done to it. */
    source: saeSource.optional(),
    /** Of an imported record, what its files say of where the SAE comes from. */
    origin: saeOrigin.optional(),
  }),
  data: z
    .strictObject({
      name: text,
      split: text,
      seed: z.int().nullable(),
      tokens: count,
      rows: count.nullable(),
      row_tokens: count.nullable(),
      /** Documents that hold most of a row: what the intervals over tokens resample. */
      blocks: count.optional(),
      /** Documents the rows were packed from, and a hash over the hash of each, in order. */
      documents: z.strictObject({ count, sha256, broken_rows: count.optional() }).optional(),
    })
    .nullable(),
  metrics,
  /** What each suite found, by its name. */
  suites: z.record(name, part),
  /** Of the suites among them that came from a user's own file. */
  declared: z.array(carriedDeclaration).max(100).optional(),
  /** Fields that later versions added are optional. */
  exclusions: z.array(exclusion).optional(),
  paired: paired.optional(),
  controls: controls.optional(),
  /** Of an SAE on another model than its own: that model, and the record of the same SAE there over the same text. */
  transfer: z.strictObject({ model: name, record: name }).optional(),
  curves: z.strictObject({
    /** alive(window): share of latents seen within the first `tokens` tokens of the evaluation. */
    alive: z.array(z.strictObject({ tokens: count, alive: z.number().min(0).max(1) })),
    /** Histogram of log10 firing frequency; `never` counts latents that did not fire in the window. */
    density: z
      .strictObject({
        edges: z.array(z.number()),
        counts: z.array(count),
        never: count,
        /** Firings of a latent in a document in which it fires, mean over those that fired. */
        burst: z.number().positive().nullable().optional(),
        window_tokens: count,
      })
      .nullable(),
    /** Of a crosscoder of two places: latents by the relative length of their decoders, and shared ones by the cosine of the two. */
    decoders: z.strictObject({ relative_norm: histogram, cosine: histogram }).optional(),
  }),
  trajectory: z
    .strictObject({
      var_exp: z.enum(['var_exp@chunk-v1', 'var_exp@pooled-v1']),
      /** How var_exp was taken: smoothed while training, or on held-out tokens. */
      note: text,
      points: z.array(trajectoryPoint),
    })
    .nullable(),
  provenance,
  caveats: z.array(text),
});

export type ReconstructionControl = z.infer<typeof reconstructionControl>;
export type ControlName = z.infer<typeof controlName>;
export type Controls = z.infer<typeof controls>;
export type Exclusion = z.infer<typeof exclusion>;
export type TrajectoryPoint = z.infer<typeof trajectoryPoint>;
export type EvaluationRecord = z.infer<typeof recordObject>;

const checkedRecord = recordObject.superRefine((found, context) => {
  const drawn = found.paired ? pairedFaults(found.paired, (id) => measureOf(found, id)?.value ?? null) : [];
  for (const { path, message } of [...claimFaults(found), ...drawn])
    context.addIssue({ code: 'custom', path, message });
  for (const [i, { id, definitions: own }] of (found.declared ?? []).entries()) {
    const taken = [id, ...Object.keys(own)].find((each) => isOurs(each));
    if (taken !== undefined) {
      const message = `expected a name of its own, received ${taken}, which is this program's`;
      context.addIssue({ code: 'custom', path: ['declared', i], message });
    }
  }
  for (const id of Object.keys(found.paired?.draws ?? {})) {
    if (definitionOf(found, id) !== undefined) continue;
    const message = 'expected a definition that this program knows or that the record declares';
    context.addIssue({ code: 'custom', path: ['paired', 'draws', id], message });
  }
  for (const [id, each] of Object.entries(found.suites)) {
    const suite = suiteOf(found, id);
    if (suite === undefined) {
      const message = 'expected a suite that this program knows or that the record declares';
      context.addIssue({ code: 'custom', path: ['suites', id], message });
      continue;
    }
    const faults = partFaults(each, suite, (wanted) => definitionOf(found, wanted));
    for (const { path, message } of [...faults, ...totalFaults(each, suite)]) {
      context.addIssue({ code: 'custom', path: ['suites', id, ...path], message });
    }
  }
});

/** A record of this version, or of an older one as this version has it. */
export const record = z.preprocess(migrated, checkedRecord);
