/** SAEBench's core evaluation: reconstruction and sparsity of any record, and the losses of suite core. */
import type { DefinitionId } from '../../report/definitions.ts';
import type { EvaluationRecord, Measure } from '../../report/schema.ts';
import { imported } from '../imported.ts';
import { readFlat } from './flat.ts';
import {
  type Content,
  numberOf,
  type Read,
  type ResultValues,
  type SaeBenchFormat,
  UNKNOWN,
} from './format.ts';

/** Where each value of the file goes. */
const DEFINITIONS: Readonly<Record<string, DefinitionId>> = {
  kl_div_score: 'kl_recovered@saebench-core',
  kl_div_with_ablation: 'kl_zero@saebench-core',
  kl_div_with_sae: 'kl_sae@saebench-core',
  ce_loss_score: 'loss_recovered@saebench-core',
  ce_loss_with_ablation: 'loss_zero@saebench-core',
  ce_loss_with_sae: 'loss_sae@saebench-core',
  ce_loss_without_sae: 'loss_clean@saebench-core',
  explained_variance_legacy: 'var_exp@saebench-legacy',
  cossim: 'cosine@v1',
  l2_ratio: 'l2_ratio@v1',
  relative_reconstruction_bias: 'bias@gated-v1',
  l0: 'l0@v1',
  frac_alive: 'alive@v1',
};

export const core: SaeBenchFormat = { types: ['core'], read, write };

function read({ values }: ResultValues): Read {
  const nominal = (name: string): number | null => {
    const value = values.get(name);
    return value != null && value > 0 ? Math.round(value) : null;
  };
  const tokens = nominal('total_tokens_eval_sparsity_variance');
  const extra: Partial<Record<DefinitionId, Measure>> = {};
  const variance = values.get('explained_variance');
  if (variance !== undefined) {
    const old = !values.has('explained_variance_legacy');
    extra[old ? 'var_exp@saebench-legacy' : 'var_exp@saebench-0.6'] = imported(variance, {
      ...(old && { note: 'A file of before both forms were written: its only one is the legacy form.' }),
    });
  }
  const alive = values.get('frac_alive');
  if (alive !== undefined) {
    extra['alive@v1'] = imported(alive, tokens === null ? {} : { window_tokens: tokens });
  }
  const bias = values.get('relative_reconstruction_bias');
  if (bias !== undefined)
    extra['bias@gated-v1'] = imported(bias, { note: 'Mean over batches of the batch’s ratio.' });
  const handled = new Map(
    [...values].filter(([name]) => !name.startsWith('total_tokens_eval_') && name !== 'explained_variance'),
  );
  const found = readFlat(handled, DEFINITIONS, {
    caveats: ['Token counts are those asked for, padding and special tokens included.'],
    extra,
  });
  if (tokens !== null) {
    found.results.data = {
      name: 'the text of the SAEBench core evaluation',
      split: 'not said',
      seed: null,
      tokens,
      rows: null,
      row_tokens: null,
    };
  }
  return found;
}

function write(record: EvaluationRecord): Content | null {
  const { data, model } = record;
  const rows = record.suites.core?.tables?.text?.[0]?.cells;
  const count = (key: string): number | undefined => {
    const value = rows?.[key];
    return typeof value === 'number' ? value : undefined;
  };
  const get = (id: DefinitionId) => numberOf(record, id);
  const own = (id: DefinitionId) => (record.kind === 'imported' ? get(id) : UNKNOWN);
  const metrics = {
    model_behavior_preservation: {
      kl_div_score: get('kl_recovered@saebench-core'),
      kl_div_with_ablation: get('kl_zero@saebench-core'),
      kl_div_with_sae: get('kl_sae@saebench-core'),
    },
    model_performance_preservation: {
      ce_loss_score: get('loss_recovered@saebench-core'),
      ce_loss_with_ablation: get('loss_zero@saebench-core'),
      ce_loss_with_sae: get('loss_sae@saebench-core'),
      ce_loss_without_sae: get('loss_clean@saebench-core'),
    },
    reconstruction_quality: {
      explained_variance: get('var_exp@saebench-0.6'),
      explained_variance_legacy: get('var_exp@saebench-legacy'),
      mse: UNKNOWN,
      cossim: get('cosine@v1'),
    },
    shrinkage: {
      l2_norm_in: UNKNOWN,
      l2_norm_out: UNKNOWN,
      l2_ratio: get('l2_ratio@v1'),
      relative_reconstruction_bias: own('bias@gated-v1'),
    },
    sparsity: { l0: get('l0@v1'), l1: UNKNOWN },
    misc_metrics: {
      freq_over_1_percent: UNKNOWN,
      freq_over_10_percent: UNKNOWN,
      normalized_freq_over_1_percent: UNKNOWN,
      normalized_freq_over_10_percent: UNKNOWN,
      average_max_encoder_cosine_sim: UNKNOWN,
      average_max_decoder_cosine_sim: UNKNOWN,
      frac_alive: get('alive@v1'),
    },
  };
  if (Object.values(metrics).every((group) => Object.values(group).every((value) => value === UNKNOWN)))
    return null;
  return {
    config: {
      model_name: model.id,
      llm_dtype: model.dtype ?? '',
      batch_size_prompts: UNKNOWN,
      n_eval_reconstruction_batches: UNKNOWN,
      n_eval_sparsity_variance_batches: UNKNOWN,
      dataset: data?.name ?? '',
      context_size: count('row_tokens') ?? data?.row_tokens ?? UNKNOWN,
      compute_kl: metrics.model_behavior_preservation.kl_div_score !== UNKNOWN,
      compute_ce_loss: metrics.model_performance_preservation.ce_loss_score !== UNKNOWN,
      compute_l2_norms: metrics.shrinkage.l2_ratio !== UNKNOWN,
      compute_sparsity_metrics: metrics.sparsity.l0 !== UNKNOWN,
      compute_variance_metrics: metrics.reconstruction_quality.explained_variance_legacy !== UNKNOWN,
      compute_featurewise_density_statistics: false,
      compute_featurewise_weight_based_metrics: false,
      exclude_special_tokens_from_reconstruction: rows !== undefined,
      verbose: false,
    },
    metrics: {
      ...metrics,
      token_stats: {
        total_tokens_eval_reconstruction: count('tokens') ?? UNKNOWN,
        total_tokens_eval_sparsity_variance: data?.tokens ?? UNKNOWN,
      },
    },
    details: [],
    differences: [
      'Losses and KL are over the rows of the reconstruction tokens; all else over those of the sparsity tokens.',
    ],
  };
}
