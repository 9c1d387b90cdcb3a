/**
 * Records of the version before this one, interpboard.record/1: each suite had a field of its own, and the values of
 * some stood among the metrics. Read as a record of today; every value and definition stays what it was.
 */
import { z } from 'zod';
import { componentNames } from './definitions.ts';
import { interpScorePart } from './interpscore-part.ts';
import { count, type Measure, measure, name, text } from './measure.ts';
import type { Cell, Curve, Part, Row } from './part.ts';
import { declarations } from './suites/index.ts';

const VERSION = 'interpboard.record/1';

const interpScore = z.strictObject({
  definition: z.literal('interpscore@0.0.1'),
  components: z.record(z.enum(componentNames), measure),
  weights: z.record(z.enum(componentNames), z.number()),
  score: measure,
});

const probe = z.strictObject({
  task: name,
  data: text,
  definition: z.literal('probe_auc_dense@interpscore-0.0.1'),
  auroc: measure,
  /** Null in files of others, which do not say. */
  train_rows: count.nullable(),
  test_rows: count.nullable(),
  /** Texts that stand in both the training and the test rows. */
  duplicates: count.nullable(),
  /** The AUROC under other splits of the same texts, the definition's first: what the interval, of one split, leaves out. */
  splits: z
    .strictObject({
      seeds: z.array(z.int().nonnegative()).min(2),
      aurocs: z.array(z.number().min(0).max(1)).min(2),
    })
    .refine(({ seeds, aurocs }) => seeds.length === aurocs.length, 'expected an AUROC for each seed')
    .optional(),
});

/** Earlier records give these two as numbers alone. */
const perturbedAuroc = z.union([
  measure,
  z.number().transform(
    (value): z.infer<typeof measure> => ({
      value,
      interval: null,
      interval_note: 'the record gives the number alone',
    }),
  ),
]);

const perturbation = z.strictObject({
  task: name,
  definition: z.literal('tpp@interpscore-0.0.1'),
  ablated_latents: count,
  auroc: perturbedAuroc,
  auroc_ablated: perturbedAuroc,
});

/** Rows of one task of a probe set: both classes together, as many of each; null where a file of others does not count them. */
const conceptRows = {
  name,
  data: text,
  train_rows: count.nullable(),
  test_rows: count.nullable(),
  /** Test texts that also stand in the training rows. */
  duplicates: count.nullable(),
};

/** The probe on k latents, beside the same rule on k raw residual channels. */
const kSparsePoint = z.strictObject({
  k: z.int().positive(),
  accuracy: measure,
  auroc: measure,
  baseline_accuracy: measure,
  baseline_auroc: measure,
});
const kSparseCeiling = z.strictObject({ accuracy: measure, auroc: measure });

/** k-sparse probing: accuracy and AUROC over k. The ceiling is a probe on the whole residual. */
const kSparse = z.strictObject({
  definitions: z.strictObject({
    accuracy: z.enum(['probe_acc_k@saebench', 'probe_acc_k@sae-probes']),
    auroc: z.enum(['probe_auc_k@saebench', 'probe_auc_k@sae-probes']),
  }),
  /** Mean over the data sets. */
  points: z.array(kSparsePoint),
  ceiling: kSparseCeiling,
  data_sets: z.array(
    z.strictObject({
      ...conceptRows,
      classes: z.array(name),
      /** Mean over the classes. */
      points: z.array(kSparsePoint),
      ceiling: kSparseCeiling,
    }),
  ),
});

/** `value` is `intended` (the probed class's fall) less `unintended` (the others' mean fall). */
const tppPoint = z.strictObject({
  n: z.int().positive(),
  value: measure,
  intended: measure,
  unintended: measure,
});

const tppSaeBench = z.strictObject({
  definition: z.literal('tpp@saebench-N'),
  /** Mean over the data sets. */
  points: z.array(tppPoint),
  data_sets: z.array(
    z.strictObject({
      ...conceptRows,
      classes: z.array(name),
      /** Of the probes on the untouched residual, mean over the classes. */
      accuracy: measure,
      points: z.array(tppPoint),
    }),
  ),
});

const scrSaeBench = z.strictObject({
  definition: z.literal('scr@saebench-N'),
  /** Mean over the pairs. */
  points: z.array(z.strictObject({ n: z.int().positive(), value: measure })),
  pairs: z.array(
    z.strictObject({
      ...conceptRows,
      /** The concept kept and the concept removed, in the direction that counts; null where a file of others does not say. */
      kept: name.nullable(),
      removed: name.nullable(),
      accuracy_clean: measure,
      accuracy_biased: measure,
      points: z.array(z.strictObject({ n: z.int().positive(), value: measure })),
    }),
  ),
});

const coreData = z.strictObject({
  tokens: count,
  rows: count,
  row_tokens: count,
  counted_positions: count,
  note: text,
});

/** The fields that moved; what is wrong with the others, the schema of today says. */
const moving = z.looseObject({
  schema: z.literal(VERSION),
  metrics: z.record(z.string(), measure),
  interpscore: interpScore.nullable(),
  probes: z.array(probe),
  tpp: perturbation.nullable(),
  k_sparse: kSparse.optional(),
  tpp_saebench: tppSaeBench.optional(),
  scr_saebench: scrSaeBench.optional(),
  core_data: coreData.optional(),
});

type Moving = z.infer<typeof moving>;

/** For z.preprocess: anything but a record of that version is left as it is. */
export function migrated(value: unknown, context: z.RefinementCtx): unknown {
  if (typeof value !== 'object' || value === null || !('schema' in value) || value.schema !== VERSION)
    return value;
  const parsed = moving.safeParse(value);
  if (!parsed.success) {
    for (const { path, message } of parsed.error.issues)
      context.addIssue({ code: 'custom', path, message, fatal: true });
    return z.NEVER;
  }
  const {
    schema: _,
    metrics,
    interpscore,
    probes,
    tpp,
    k_sparse,
    tpp_saebench,
    scr_saebench,
    core_data,
    ...rest
  } = parsed.data;
  const suites: Record<string, Part> = {};
  const add = (id: string, part: Part): void => {
    const { measures, tables, ...others } = suites[id] ?? {};
    suites[id] = {
      ...others,
      ...part,
      ...((measures ?? part.measures) && { measures: { ...measures, ...part.measures } }),
      ...((tables ?? part.tables) && { tables: { ...tables, ...part.tables } }),
    };
  };
  if (interpscore !== null || probes.length > 0 || tpp !== null) {
    add('interpscore', probedPart(interpscore, probes, tpp));
  }
  if (k_sparse !== undefined) {
    const ours = k_sparse.definitions.accuracy === 'probe_acc_k@saebench';
    add(ours ? 'k-sparse' : 'sae-probes', kSparsePart(k_sparse));
  }
  if (tpp_saebench !== undefined) add('tpp', tppPart(tpp_saebench));
  if (scr_saebench !== undefined) add('scr', scrPart(scr_saebench));
  if (core_data !== undefined) {
    const { note, ...cells } = core_data;
    add('core', { tables: { text: [{ name: 'held-out text', note, cells }] } });
  }
  const left: Record<string, Measure> = {};
  for (const [id, found] of Object.entries(metrics)) {
    const owner = declarations.find(({ definitions }) => Object.hasOwn(definitions, id));
    if (owner === undefined) left[id] = found;
    else add(owner.id, { measures: { [id]: found } });
  }
  return { ...rest, schema: 'interpboard.record/2', metrics: left, suites };
}

function probedPart(score: Moving['interpscore'], probes: Moving['probes'], tpp: Moving['tpp']): Part {
  return {
    ...(score && interpScorePart(score)),
    ...((probes.length > 0 || tpp !== null) && {
      tables: {
        ...(probes.length > 0 && { probes: probes.map(probeRow) }),
        ...(tpp !== null && { perturbation: [perturbationRow(tpp)] }),
      },
    }),
  };
}

function probeRow({ task, data, definition: _, splits, ...cells }: Moving['probes'][number]): Row {
  const spread = splits && { split_seeds: splits.seeds, split_aurocs: splits.aurocs };
  return { name: task, note: data, cells: { ...cells, ...spread } };
}

function perturbationRow({ task, definition: _, ...cells }: NonNullable<Moving['tpp']>): Row {
  return { name: task, cells };
}

type KSparse = NonNullable<Moving['k_sparse']>;

function kSparsePart({ points, ceiling, data_sets }: KSparse): Part {
  const curve = (key: 'accuracy' | 'auroc', channels: 'baseline_accuracy' | 'baseline_auroc'): Curve => {
    const lines = (of: Pick<KSparse, 'points' | 'ceiling'>) => ({
      points: of.points.map((point) => ({
        at: point.k,
        values: { sae: point[key], channels: point[channels] },
      })),
      constants: { ceiling: of.ceiling[key] },
    });
    return {
      ...lines({ points, ceiling }),
      sets: data_sets.map((set) => ({ name: set.name, ...lines(set) })),
    };
  };
  return {
    curves: { accuracy: curve('accuracy', 'baseline_accuracy'), auroc: curve('auroc', 'baseline_auroc') },
    tables: { data_sets: data_sets.map((set) => rowOf(set, { classes: set.classes })) },
  };
}

type Tpp = NonNullable<Moving['tpp_saebench']>;

function tppPart({ points, data_sets }: Tpp): Part {
  const lines = (of: Tpp['points']) => ({
    points: of.map(({ n, value, intended, unintended }) => ({
      at: n,
      values: { tpp: value, intended, unintended },
    })),
  });
  return {
    curves: {
      tpp: { ...lines(points), sets: data_sets.map((set) => ({ name: set.name, ...lines(set.points) })) },
    },
    tables: {
      data_sets: data_sets.map((set) => rowOf(set, { classes: set.classes, accuracy: set.accuracy })),
    },
  };
}

type Scr = NonNullable<Moving['scr_saebench']>;

function scrPart({ points, pairs }: Scr): Part {
  const lines = (of: Scr['points']) => ({
    points: of.map(({ n, value }) => ({ at: n, values: { scr: value } })),
  });
  return {
    curves: {
      scr: { ...lines(points), sets: pairs.map((pair) => ({ name: pair.name, ...lines(pair.points) })) },
    },
    tables: {
      pairs: pairs.map((pair) => {
        const { kept, removed, accuracy_clean, accuracy_biased } = pair;
        return rowOf(pair, { kept, removed, accuracy_clean, accuracy_biased });
      }),
    },
  };
}

function rowOf(
  set: {
    name: string;
    data: string;
    train_rows: number | null;
    test_rows: number | null;
    duplicates: number | null;
  },
  cells: Record<string, Cell>,
): Row {
  const { name, data: note, train_rows, test_rows, duplicates } = set;
  return { name, note, cells: { ...cells, train_rows, test_rows, duplicates } };
}
