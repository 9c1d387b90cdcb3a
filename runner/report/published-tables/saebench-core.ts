/**
 * Tables of the 252 SAEs that SAEBench was published with: 7 architectures, 6 sparsities and 6 suites (2 models, 3
 * widths), with L0 and the losses of an independent run of SAEBench's core evaluation. Running this file writes them:
 * `node runner/report/published-tables/saebench-core.ts` -> content/published/saebench-core/*.json.
 *
 * Source of saebench-core.json beside this file, figures alone: github.com/meowmaryexe/SAEBench-Reliability, branch
 * alor/core-baseline-cache, commit eaacfce227a890164facb3a4253ad699c6b275ae, results/processed/core_loss_recovered.
 * The SAEs: adamkarvonen/saebench_* and canrager/saebench_* on huggingface.co.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { publishRecords } from '../content.ts';
import { notSaid } from '../not-said.ts';
import { type RecordTable, recordTable, tableVersion } from '../record-table.ts';

const COMMIT = 'eaacfce227a890164facb3a4253ad699c6b275ae';

const row = z.tuple([z.string(), z.int(), z.number(), z.number(), z.number(), z.number(), z.number()]);
const figures = z.object({ suites: z.record(z.string(), z.array(row)) });

/** Rows of 128 tokens each. */
const lossTokens = 3_200 * 128;
const l0Tokens = 32_000 * 128;

type Row = RecordTable['rows'][number];

const architectures: Readonly<
  Record<string, Pick<Row, 'architecture' | 'variant'> & { title: string; key: string }>
> = {
  standard: { architecture: 'relu', title: 'Standard', key: 'standard' },
  topk: { architecture: 'topk', title: 'TopK', key: 'topk' },
  batchtopk: { architecture: 'batchtopk', title: 'BatchTopK', key: 'batchtopk' },
  jumprelu: { architecture: 'jumprelu', title: 'JumpReLU', key: 'jumprelu' },
  gated: { architecture: 'gated', title: 'Gated', key: 'gated' },
  matryoshka: { architecture: 'matryoshka', title: 'Matryoshka', key: 'matryoshka' },
  panneal: { architecture: 'relu', variant: 'p-anneal', title: 'P-Anneal', key: 'p-anneal' },
};

interface Model {
  id: string;
  family: string;
  blocks: number;
  d_model: number;
  layer: number;
}

const models: Readonly<Record<string, Model>> = {
  'pythia-160m': {
    id: 'EleutherAI/pythia-160m-deduped',
    family: 'gpt_neox',
    blocks: 12,
    d_model: 768,
    layer: 8,
  },
  'gemma-2-2b': { id: 'google/gemma-2-2b', family: 'gemma2', blocks: 26, d_model: 2_304, layer: 12 },
};

const widths: Readonly<Record<string, number>> = { '4k': 12, '16k': 14, '65k': 16 };

/** Of a suite, by its name in the source. */
const repositories: Readonly<Record<string, string>> = {
  'pythia-160m_4k': 'adamkarvonen/saebench_pythia-160m-deduped_width-2pow12_date-0108',
  'pythia-160m_16k': 'adamkarvonen/saebench_pythia-160m-deduped_width-2pow14_date-0108',
  'pythia-160m_65k': 'adamkarvonen/saebench_pythia-160m-deduped_width-2pow16_date-0108',
  'gemma-2-2b_4k': 'adamkarvonen/saebench_gemma-2-2b_width-2pow12_date-0108',
  'gemma-2-2b_16k': 'canrager/saebench_gemma-2-2b_width-2pow14_date-0107',
  'gemma-2-2b_65k': 'canrager/saebench_gemma-2-2b_width-2pow16_date-0107',
};

export function saeBenchTables(): RecordTable[] {
  const path = new URL('saebench-core.json', import.meta.url);
  const { suites } = figures.parse(JSON.parse(readFileSync(path, 'utf8')));
  return Object.entries(suites).map(([suite, rows]) => tableOf(suite, rows));
}

function tableOf(suite: string, rows: readonly z.infer<typeof row>[]): RecordTable {
  const [modelName = '', width = ''] = suite.split('_');
  const { layer, ...model } = models[modelName]!;
  const exponent = widths[width]!;
  const table: RecordTable = {
    schema: tableVersion,
    id: `saebench-${modelName}-${width}`,
    title: `SAEBench, ${modelName}, ${width} latents`,
    about: `The SAEs of ${(2 ** exponent).toLocaleString('en-US')} latents that SAEBench was published with for ${model.id}: seven architectures at six sparsities, trained on 500 M tokens with dictionary_learning. L0 and losses were measured by others in an independent run of SAEBench’s core evaluation.`,
    kind: 'published',
    model: { ...model, revision: null, dtype: null, sha256: null },
    sae: {
      repo: repositories[suite]!,
      layer,
      hook: `blocks.${layer}.hook_resid_post`,
      d_in: model.d_model,
      d_sae: 2 ** exponent,
      tokens_trained: 500_000_000,
      sha256: null,
      files: [],
      training: null,
      license: null,
    },
    data: {
      name: 'Skylion007/openwebtext',
      split: 'train',
      seed: null,
      tokens: lossTokens,
      rows: 3_200,
      row_tokens: 128,
    },
    provenance: {
      source:
        'Figures transcribed from an independent run of SAEBench’s core evaluation (SAEBench-Reliability, results/processed/core_loss_recovered).',
      url: `https://github.com/meowmaryexe/SAEBench-Reliability/tree/${COMMIT}/results/processed/core_loss_recovered`,
      ...notSaid,
    },
    caveats: [
      'Nothing here was measured again by this project; the source gives no intervals.',
      'Over the 252 SAEs, results published by SAEBench’s authors agree with these within 0.0046 of loss recovered and 8.8 % of L0.',
      'L0 was taken over 32,000 rows of 128 tokens, the losses over 3,200; special tokens are left out.',
    ],
    interval_note: 'The source gives none.',
    columns: [
      { definition: 'l0@v1', window_tokens: l0Tokens },
      { definition: 'loss_recovered@saebench-core', window_tokens: lossTokens },
      { definition: 'loss_clean@saebench-core', window_tokens: lossTokens },
      { definition: 'loss_sae@saebench-core', window_tokens: lossTokens },
      { definition: 'loss_zero@saebench-core', window_tokens: lossTokens },
    ],
    rows: rows.map(([architecture, trainer, ...values]) => {
      const { title, key, ...kind } = architectures[architecture]!;
      return {
        key: `${key}-${trainer}`,
        name: `${title} ${trainer}, ${modelName} ${width}`,
        ...kind,
        member: `${architecture}, trainer ${trainer}`,
        // Of the architectures that have one the source gives only the L0 that came of it.
        k: null,
        values,
      };
    }),
  };
  return recordTable.parse(table);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = new URL('../../../content/published/saebench-core/', import.meta.url);
  await publishRecords(saeBenchTables(), fileURLToPath(folder));
}
