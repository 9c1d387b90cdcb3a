/** Probe data sets as the configuration declares them: which files, which columns, what the labels mean. */
import { z } from 'zod';

const field = z.string().min(1).max(200);
const labelled = z.strictObject({
  /** The label as it stands in the column. */
  value: z.union([z.string().max(200), z.number(), z.boolean()]),
  name: z.string().min(1).max(200),
});

export const probeDeclaration = z.strictObject({
  name: z.string().min(1).max(100),
  files: z
    .array(
      z.strictObject({
        /** A reference, as in `datasets/owner/name@revision:folder/*.parquet`, or a local path or pattern. */
        data: z.string().min(1).max(1_000),
        /** Which part its rows belong to; both: its rows are divided. */
        split: z.enum(['train', 'test', 'both']),
        /** Of this file alone, instead of the set's. */
        text: field.optional(),
        /** All rows are of this class. */
        class: z.string().min(1).max(200).optional(),
        /** The reference as it was written, and a hash of local files; a run fills them in. */
        given: z.string().max(1_000).optional(),
        fingerprint: z
          .string()
          .regex(/^[0-9a-f]{64}$/)
          .optional(),
      }),
    )
    .min(1)
    .max(100),
  text: field.default('text'),
  label: field.default('label'),
  /** Rows of other labels are left out. */
  classes: z.array(labelled).min(2).max(1_000),
  /** A second label, crossed with the class: as many rows of each combination are taken. */
  attribute: z
    .strictObject({ name: z.string().min(1).max(100), field, values: z.array(labelled).min(2).max(100) })
    .nullable()
    .default(null),
  /** all: rows are drawn from the whole split. first: from the first that suffice, for sets too large to be read. */
  draw: z.enum(['all', 'first']).default('all'),
  /** Characters left out at the start of each text, such as a licence; texts are longer than both together. */
  skipCharacters: z.int().nonnegative().max(1_000_000).default(0),
  fewestCharacters: z.int().nonnegative().max(1_000_000).default(0),
});
export type ProbeDeclaration = z.infer<typeof probeDeclaration>;

/** The parquet files that the hub makes of every data set, whatever its own files are. */
const converted = (repo: string, config = 'default', split = 'train'): string =>
  `datasets/${repo}@refs/convert/parquet:${config}/${split}/*.parquet`;

const trainAndTest = (repo: string) => [
  { data: converted(repo), split: 'train' as const },
  { data: converted(repo, 'default', 'test'), split: 'test' as const },
];

const numbered = (names: readonly string[], only = names): { value: number; name: string }[] =>
  only.map((name) => ({ value: names.indexOf(name), name }));

const professions = [
  ...['accountant', 'architect', 'attorney', 'chiropractor', 'comedian', 'composer', 'dentist', 'dietitian'],
  ...['dj', 'filmmaker', 'interior_designer', 'journalist', 'model', 'nurse', 'painter', 'paralegal'],
  ...['pastor', 'personal_trainer', 'photographer', 'physician', 'poet', 'professor', 'psychologist'],
  ...['rapper', 'software_engineer', 'surgeon', 'teacher', 'yoga_teacher'],
];

/** One of SAEBench's sets of five professions, balanced by gender. */
const biosSet = (number: number, names: readonly string[]) => ({
  name: `bias_in_bios_class_set${number}`,
  files: trainAndTest('LabHC/bias_in_bios'),
  text: 'hard_text',
  label: 'profession',
  classes: numbered(professions, names),
  attribute: { name: 'gender', field: 'gender', values: numbered(['male', 'female']) },
});

const europarl = { en: 'en-fr', fr: 'fr-it', de: 'de-en', es: 'es-fr', nl: 'nl-pt' };

/** The reference release's two tasks, and SAEBench's data sets. */
const declared = [
  {
    name: 'toxic_conversations',
    files: [{ data: converted('SetFit/toxic_conversations'), split: 'train' }],
    classes: numbered(['not toxic', 'toxic']),
  },
  {
    name: 'sst2',
    files: [{ data: converted('stanfordnlp/sst2'), split: 'train' }],
    text: 'sentence',
    classes: numbered(['negative', 'positive']),
  },
  biosSet(1, ['accountant', 'architect', 'attorney', 'dentist', 'filmmaker']),
  biosSet(2, ['journalist', 'nurse', 'painter', 'photographer', 'physician']),
  biosSet(3, ['poet', 'professor', 'psychologist', 'surgeon', 'teacher']),
  {
    name: 'amazon_reviews',
    files: trainAndTest('canrager/amazon_reviews_mcauley_1and5'),
    label: 'category',
    classes: [
      { value: 1, name: 'Toys_and_Games' },
      { value: 2, name: 'Cell_Phones_and_Accessories' },
      { value: 3, name: 'Industrial_and_Scientific' },
      { value: 5, name: 'Musical_Instruments' },
      { value: 6, name: 'Electronics' },
    ],
    attribute: {
      name: 'rating',
      field: 'rating',
      values: [
        { value: 1, name: '1' },
        { value: 5, name: '5' },
      ],
    },
  },
  {
    name: 'amazon_reviews_sentiment',
    files: trainAndTest('canrager/amazon_reviews_mcauley_1and5'),
    label: 'rating',
    classes: [
      { value: 1, name: 'negative' },
      { value: 5, name: 'positive' },
    ],
  },
  {
    name: 'github_code',
    files: [{ data: 'datasets/codeparrot/github-code:data/*.parquet', split: 'both' }],
    text: 'code',
    label: 'language',
    classes: ['C', 'Python', 'HTML', 'Java', 'PHP'].map((name) => ({ value: name, name })),
    draw: 'first',
    // About 50 tokens of licence are left out, and 128 have to follow.
    skipCharacters: 150,
    fewestCharacters: 384,
  },
  {
    name: 'ag_news',
    files: trainAndTest('fancyzhx/ag_news'),
    classes: numbered(['World', 'Sports', 'Business', 'Sci/Tech']),
  },
  {
    name: 'europarl',
    files: Object.entries(europarl).map(([language, pair]) => ({
      data: converted('Helsinki-NLP/europarl', pair),
      split: 'both',
      text: `translation.${language}`,
      class: language,
    })),
    classes: Object.keys(europarl).map((name) => ({ value: name, name })),
    draw: 'first',
  },
];

export const declaredProbes: readonly ProbeDeclaration[] = declared.map((each) =>
  probeDeclaration.parse(each),
);
