/** Probe data sets as the configuration declares them: which files, which columns, what the labels mean. */
import { z } from 'zod';

const field = z.string().min(1).max(200);
const labelled = z.strictObject({
  value: z
    .union([z.string().max(200), z.number(), z.boolean()])
    .describe('the label as it stands in the column'),
  name: z.string().min(1).max(200).describe('what it is called in the report'),
});

export const probeDeclaration = z.strictObject({
  name: z.string().min(1).max(100).describe('name of the task or set'),
  files: z
    .array(
      z.strictObject({
        data: z
          .string()
          .min(1)
          .max(1_000)
          .describe('path or pattern of this machine, or datasets/owner/name[@revision]:files on the hub'),
        split: z
          .enum(['train', 'test', 'both'])
          .describe('part that its rows belong to; both: they are divided'),
        text: field.optional().describe('column of the text in this file alone'),
        class: z.string().min(1).max(200).optional().describe('class of all its rows'),
        given: z
          .string()
          .max(1_000)
          .optional()
          .describe('the reference as it was written; a run fills it in'),
        fingerprint: z
          .string()
          .regex(/^[0-9a-f]{64}$/)
          .optional()
          .describe('hash of the names, sizes and ends of local files; a run fills it in'),
      }),
    )
    .min(1)
    .max(100),
  text: field.default('text').describe('column of the text'),
  label: field.default('label').describe('column of the label'),
  classes: z
    .array(labelled)
    .min(2)
    .max(1_000)
    .describe('labels that are classes; rows of others are left out'),
  attribute: z
    .strictObject({
      name: z.string().min(1).max(100).describe('what the second label is called'),
      field: field.describe('its column'),
      values: z.array(labelled).min(2).max(100).describe('its values that count'),
    })
    .nullable()
    .default(null)
    .describe('a second label, crossed with the class: as many rows of each combination are taken'),
  draw: z
    .enum(['all', 'first'])
    .default('all')
    .describe(
      'rows drawn from the whole split, or from the first that suffice, for sets too large to be read',
    ),
  skipCharacters: z
    .int()
    .nonnegative()
    .max(1_000_000)
    .default(0)
    .describe('characters left out at the start of each text, such as a licence'),
  fewestCharacters: z
    .int()
    .nonnegative()
    .max(1_000_000)
    .default(0)
    .describe('characters that a text has at least, without those'),
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
