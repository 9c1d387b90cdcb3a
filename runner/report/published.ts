/**
 * Records of figures that others published, transcribed from their pages as facts. Pure: the table below in, records
 * out. Running this file writes them: `node runner/report/published.ts` -> content/published/*.json.
 *
 * Source: the model card of the release caiovicentino1/qwen36-27b-sae-papergrade (completed 2026-04-24) and the
 * leaderboard rows beside it. What a card does not say stays null here, with a reason.
 */
import { fileURLToPath } from 'node:url';
import { type ComponentName, componentNames, interpScoreComponents } from './definitions.ts';
import { interpScorePart } from './interpscore-part.ts';
import { notSaid } from './not-said.ts';
import { type EvaluationRecord, type Measure, record, schemaVersion } from './schema.ts';

/** Tokens of the validation report, and of the InterpScore run: two different windows on two different texts. */
const validationTokens = 1_000_000;
const scoreTokens = 250_000;

const noInterval = 'The publisher gives none.';

type Components = Record<ComponentName, number>;

interface ReferenceLayer {
  layer: number;
  validation: { var_exp: number; l0: number; alive: number; dead_fraction: number };
  /** var_exp while training, at `trajectoryTokens`. */
  varExp: readonly number[];
  /** Dead latents while training, at `trajectoryTokens`; null where the card has none. */
  dead: readonly (number | null)[];
  components: Components;
  score: number;
}

const trajectoryTokens = [10e6, 40e6, 70e6, 90e6, 200e6] as const;

const referenceLayers: readonly ReferenceLayer[] = [
  {
    layer: 11,
    validation: { var_exp: 0.8433, l0: 128, alive: 65_174, dead_fraction: 0.0055 },
    varExp: [0.716, 0.794, 0.815, 0.825, 0.842],
    dead: [null, 159, 160, 227, 30],
    components: { loss_recovered: 0.998, alive: 0.999, l0_score: 0.625, sparse_probing: 0.862, tpp: 0.135 },
    score: 0.7788,
  },
  {
    layer: 31,
    validation: { var_exp: 0.7135, l0: 128, alive: 64_138, dead_fraction: 0.0213 },
    varExp: [0.573, 0.653, 0.675, 0.683, 0.706],
    dead: [null, 39, 511, 1_161, 319],
    components: { loss_recovered: 0.994, alive: 0.892, l0_score: 0.625, sparse_probing: 0.867, tpp: 0.117 },
    score: 0.76,
  },
  {
    layer: 55,
    validation: { var_exp: 0.8157, l0: 128, alive: 58_204, dead_fraction: 0.1119 },
    varExp: [0.679, 0.76, 0.778, 0.787, 0.808],
    dead: [null, 147, 2_563, 2_633, 4_465],
    components: { loss_recovered: 0.988, alive: 0.78, l0_score: 0.625, sparse_probing: 0.829, tpp: 0.242 },
    score: 0.7507,
  },
];

interface QuotedRow {
  id: string;
  kind: 'demo' | 'external';
  repo: string;
  model: string;
  architecture: EvaluationRecord['sae']['architecture'];
  layer: number;
  d_sae: number;
  k: number;
  tokens: number;
  components: Components;
  score: number;
  caveats: string[];
}

const demoCaveat = 'The publisher marks this row as provisional: the figures are not a finished measurement.';
const externalCaveat =
  'The publisher of the leaderboard quotes this row from someone else’s paper; the leaderboard’s own run did not measure it.';
const jumpReluCaveat =
  'The row states k although a JumpReLU SAE has none; its L0 score shows that the figure is used as L0.';

const quotedRows: readonly QuotedRow[] = [
  {
    id: 'qwen3.5-4b-l18-topk-demo',
    kind: 'demo',
    repo: 'caiovicentino1/Qwen3.5-4B-SAE-L18-topk',
    model: 'Qwen/Qwen3.5-4B',
    architecture: 'topk',
    layer: 18,
    d_sae: 40_960,
    k: 128,
    tokens: 200e6,
    components: { loss_recovered: 0.866, alive: 0.99, l0_score: 0.625, sparse_probing: 0.71, tpp: 0.62 },
    score: 0.773,
    caveats: [demoCaveat],
  },
  {
    id: 'gemma-4-e4b-l21-topk-demo',
    kind: 'demo',
    repo: 'caiovicentino1/Gemma-4-E4B-SAE-L21-topk',
    model: 'Google/Gemma-4-E4B',
    architecture: 'topk',
    layer: 21,
    d_sae: 32_768,
    k: 128,
    tokens: 1e9,
    components: { loss_recovered: 0.939, alive: 0.97, l0_score: 0.625, sparse_probing: 0.74, tpp: 0.66 },
    score: 0.805,
    caveats: [demoCaveat],
  },
  {
    id: 'gemma-scope-2b-l12-external',
    kind: 'external',
    repo: 'google/gemma-scope-2b-pt-res',
    model: 'google/gemma-2-2b',
    architecture: 'jumprelu',
    layer: 12,
    d_sae: 65_536,
    k: 64,
    tokens: 8e9,
    components: { loss_recovered: 0.93, alive: 0.994, l0_score: 0.8, sparse_probing: 0.86, tpp: 0.72 },
    score: 0.871,
    caveats: [externalCaveat, jumpReluCaveat],
  },
  {
    id: 'gemma-scope-9b-l20-external',
    kind: 'external',
    repo: 'google/gemma-scope-9b-pt-res',
    model: 'google/gemma-2-9b',
    architecture: 'jumprelu',
    layer: 20,
    d_sae: 131_072,
    k: 128,
    tokens: 16e9,
    components: { loss_recovered: 0.95, alive: 0.998, l0_score: 0.625, sparse_probing: 0.88, tpp: 0.77 },
    score: 0.864,
    caveats: [externalCaveat, jumpReluCaveat],
  },
];

function published(value: number, extra: { window_tokens?: number; note?: string } = {}): Measure {
  return { value, interval: null, interval_note: noInterval, ...extra };
}

function interpScoreSuite(
  components: Components,
  score: number,
  extras: Partial<Record<ComponentName, { window_tokens?: number; note?: string }>>,
): EvaluationRecord['suites'] {
  const interpscore = interpScorePart({
    components: Object.fromEntries(
      componentNames.map((name) => [name, published(components[name], extras[name])]),
    ) as Record<ComponentName, Measure>,
    weights: Object.fromEntries(
      componentNames.map((name) => [name, interpScoreComponents[name].weight]),
    ) as Record<ComponentName, number>,
    score: published(score, { note: 'As published; the components are published to three decimals.' }),
  });
  return { interpscore };
}

/** Named as this project's own recipe names its settings, so that the two stand in one row of a comparison. */
const referenceTraining = {
  dSae: 65_536,
  k: 128,
  kAux: 2_560,
  alphaAux: 0.03125,
  auxVariant: 'reference',
  deadThresholdTokens: 10_000_000,
  batchTokens: 2_048,
  learningRate: 2e-4,
  learningRateFloor: 6e-5,
  warmupSteps: 5_000,
  scheduleSteps: 48_828,
  gradientClip: 1,
  adamBeta1: 0.9,
  adamBeta2: 0.999,
  adamEpsilon: 1e-8,
  unitNormDecoder: true,
  biasInitSamples: 16_384,
  weiszfeldIterations: 40,
  source: '70 % FineWeb-Edu sample-10BT, 20 % OpenThoughts-114k, 10 % OpenMathInstruct-2',
  rowTokens: 1_024,
  saeType: 'float32',
  checkpointEveryTokens: 10_000_000,
  completed: '2026-04-24',
  wallTime: 'about 35 hours for the three layers together',
  cost: '30 to 60 USD of rented hardware',
} as const;

const referenceCitation = `@misc{vicentino2026qwen27bpapergrade,
  author = {Vicentino, Caio and OpenInterpretability},
  title  = {Qwen3.6-27B Paper-Grade Sparse Autoencoders at L11/L31/L55},
  year   = {2026},
  url    = {https://huggingface.co/caiovicentino1/qwen36-27b-sae-papergrade},
  note   = {OpenInterpretability project, 200M tokens, TopK + AuxK},
}`;

function referenceRecord(row: ReferenceLayer): EvaluationRecord {
  const repo = 'caiovicentino1/qwen36-27b-sae-papergrade';
  const { validation } = row;
  return {
    schema: schemaVersion,
    id: `qwen3.6-27b-papergrade-l${row.layer}`,
    kind: 'published',
    model: {
      id: 'Qwen/Qwen3.6-27B',
      revision: null,
      family: null,
      blocks: 64,
      d_model: 5_120,
      dtype: 'bfloat16',
      sha256: null,
    },
    sae: {
      name: `Qwen3.6-27B paper-grade L${row.layer}`,
      repo,
      architecture: 'topk',
      layer: row.layer,
      hook: `residual stream after decoder block ${row.layer}`,
      d_in: 5_120,
      d_sae: 65_536,
      k: 128,
      tokens_trained: 200_000_000,
      sha256: null,
      files: [
        `sae_L${row.layer}_latest.safetensors`,
        `sae_L${row.layer}_cfg.json`,
        'val_report.json',
        `interpscore_L${row.layer}.json`,
        'interpscore_papergrade.json',
      ].map((name) => ({ name, bytes: null, sha256: null })),
      training: { ...referenceTraining },
      license: 'Apache-2.0',
      citation: referenceCitation,
    },
    data: {
      name: 'The training mixture, held out',
      split: 'validation',
      seed: 43,
      tokens: validationTokens,
      rows: null,
      row_tokens: 1_024,
    },
    metrics: {
      'var_exp@chunk-v1': published(validation.var_exp, {
        window_tokens: validationTokens,
        note: 'Validation report; chunks of 2,048 tokens.',
      }),
      'l0@v1': published(validation.l0, { window_tokens: validationTokens, note: 'Validation report.' }),
      'alive@v1': published(validation.alive / 65_536, {
        window_tokens: validationTokens,
        note: `Validation report: ${validation.alive.toLocaleString('en-US')} of 65,536 latents.`,
      }),
      'alive_latents@v1': published(validation.alive, {
        window_tokens: validationTokens,
        note: 'Validation report.',
      }),
      'dead_fraction@v1': published(validation.dead_fraction, {
        window_tokens: validationTokens,
        note: 'Validation report.',
      }),
    },
    suites: interpScoreSuite(row.components, row.score, {
      loss_recovered: { window_tokens: scoreTokens, note: 'On C4.' },
      alive: {
        window_tokens: scoreTokens,
        note: 'On C4. A shorter window on another text than the validation report’s alive share.',
      },
      l0_score: { note: 'L0 is 128, k.' },
      sparse_probing: {
        note: 'Mean of toxic_conversations and SST-2; the tasks’ own AUROCs are in the release’s files.',
      },
      tpp: { note: '327 latents ablated, on toxic_conversations.' },
    }),
    curves: { alive: [], density: null },
    trajectory: {
      var_exp: 'var_exp@chunk-v1',
      note: 'Logged while training: var_exp is a moving average over steps, not a held-out figure; a latent is dead that entered no token’s top k during the last 10 M tokens.',
      points: trajectoryTokens.map((tokens, i) => ({
        tokens,
        var_exp: row.varExp[i] ?? null,
        dead: row.dead[i] ?? null,
      })),
    },
    provenance: {
      source: 'Figures transcribed from the model card of the release.',
      url: `https://huggingface.co/${repo}`,
      started: null,
      wall_seconds: null,
      device: '1 × NVIDIA RTX 6000 Pro Blackwell 96 GB',
      threads: null,
      versions: {},
      config_sha256: null,
      seeds: { corpus: 42, validation: 43 },
    },
    caveats: [
      'Two alive shares stand here: the validation report’s over 1,000,000 tokens of the training mixture, and the score’s over 250,000 tokens of C4. They are not comparable: both the window and the text differ.',
      'The dead counts of the trajectory follow a third rule: no firing during the last 10 M training tokens.',
      'Training took about 35 h, half as long again as the 22 to 27 h its authors had planned; it was cut at about 188 M tokens and went on from the checkpoint at 180 M.',
      'Layer 31 explains less variance than layer 11 and was still rising at the end; its authors stopped at the 200 M tokens they had planned.',
      'Its authors put loss recovered beside 0.95, which they quote for Gemma Scope 9B, and the dead share beside 7 %, which they quote from Gao et al. for 16 M latents; both were measured by other rules.',
      'The learning rate reached its floor half-way, at about 100 M tokens: a step trained on 2,048 tokens where the schedule counted 4,096.',
      'Nothing here was measured again by this project.',
    ],
  };
}

function quotedRecord(row: QuotedRow): EvaluationRecord {
  const external = row.kind === 'external';
  return {
    schema: schemaVersion,
    id: row.id,
    kind: row.kind,
    model: {
      id: row.model,
      revision: null,
      family: null,
      blocks: null,
      d_model: null,
      dtype: null,
      sha256: null,
    },
    sae: {
      name: `${row.repo.split('/')[1]} L${row.layer}`,
      repo: row.repo,
      architecture: row.architecture,
      layer: row.layer,
      hook: `residual stream after decoder block ${row.layer}`,
      d_in: null,
      d_sae: row.d_sae,
      k: row.k,
      tokens_trained: row.tokens,
      sha256: null,
      files: [],
      training: null,
      license: null,
    },
    data: null,
    metrics: {},
    suites: interpScoreSuite(row.components, row.score, {}),
    curves: { alive: [], density: null },
    trajectory: null,
    provenance: {
      source: external
        ? 'Quoted by the InterpScore leaderboard from the SAE’s paper.'
        : 'A row of the InterpScore leaderboard that its publisher marks as provisional.',
      url: `https://huggingface.co/${row.repo}`,
      ...notSaid,
    },
    caveats: row.caveats,
  };
}

/** Every published record, validated, in the order of the tables above. */
export function publishedRecords(): EvaluationRecord[] {
  return [...referenceLayers.map(referenceRecord), ...quotedRows.map(quotedRecord)].map((entry) =>
    record.parse(entry),
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { writeJsonAtomic } = await import('../io/write-atomic.ts');
  const folder = new URL('../../content/published/', import.meta.url);
  for (const entry of publishedRecords()) {
    await writeJsonAtomic(fileURLToPath(new URL(`${entry.id}.json`, folder)), entry);
  }
}
