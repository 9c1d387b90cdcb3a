/**
 * Records as result files of SAEBench 0.6 (`sae_bench.evals.*.eval_output` and the JSON schemas beside them).
 *
 * A number stands under a SAEBench name only where its definition is SAEBench's. The others are what the schemas allow
 * for missing: null, else −1, and 0 for an unknown time. Of those that we do measure, −1 are:
 * `mse` (SAEBench divides by the batch's tokens), `relative_reconstruction_bias` (its mean over batches of a ratio;
 * ours pools) and `llm_test_accuracy` (a probe by stochastic gradients; ours is solved to its optimum). The last two
 * are written where they were imported: then they are SAEBench's own. `explained_variance` likewise. How our TPP and SCR
 * differ stands in the file, under `eval_result_unstructured`.
 */
import { sha256 } from '../io/hash.ts';
import type { DefinitionId } from '../report/definitions.ts';
import type { EvaluationRecord, KSparsePoint, Measure, TppPoint } from '../report/schema.ts';

export type SaeBenchEval = 'core' | 'sparse_probing' | 'tpp' | 'scr';

export interface SaeBenchFile {
  eval: SaeBenchEval;
  /** As SAEBench names it: `<release>_<id>_eval_results.json`. */
  name: string;
  value: Record<string, unknown>;
}

/** Those that the schemas have fields for. */
const K_VALUES: readonly number[] = [1, 2, 5, 10, 20, 50, 100];
const N_VALUES: readonly number[] = [2, 5, 10, 20, 50, 100, 500];

/** SAELens' names, where they are not ours. */
const ARCHITECTURES: Partial<Record<EvaluationRecord['sae']['architecture'], string>> = {
  relu: 'standard',
  matryoshka: 'matryoshka_batchtopk',
};

const UNKNOWN = -1;

/** The files of one record: an evaluation of which it has nothing gets none. */
export function saeBenchFiles(record: EvaluationRecord): SaeBenchFile[] {
  const contents = [core(record), sparseProbing(record), tpp(record), scr(record)];
  const { release, id } = identity(record);
  const name = `${release}_${id}_eval_results.json`.replace(/[^\w.-]/g, '_');
  return contents
    .filter((each) => each !== null)
    .map((content) => ({ eval: content.eval, name, value: envelope(record, content) }));
}

interface Content {
  eval: SaeBenchEval;
  config: Record<string, unknown>;
  metrics: Record<string, Record<string, number | null>>;
  details: Record<string, unknown>[];
  /** Where the number is not made exactly as SAEBench makes it. */
  differences: string[];
}

/** As SAEBench names SAEs that SAELens' registry does not have. */
function identity({ sae, id }: EvaluationRecord): { release: string; id: string } {
  const { source, origin } = sae;
  if (source?.registry) return { release: source.registry.release, id: source.registry.id };
  // As the file it was imported from names it.
  if (origin?.release && origin.member) return { release: origin.release, id: origin.member };
  return { release: id, id: 'custom_sae' };
}

function envelope(record: EvaluationRecord, content: Content): Record<string, unknown> {
  const { sae, model, provenance } = record;
  const { release, id } = identity(record);
  const hash = sha256(JSON.stringify([content.eval, record]));
  return {
    eval_type_id: content.eval,
    eval_config: content.config,
    // An UUID of version 8, made of the content: the same record gives the same file.
    eval_id: hash.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, '$1-$2-8$3-8$4-$5'),
    datetime_epoch_millis: provenance.started === null ? 0 : Date.parse(provenance.started),
    eval_result_metrics: content.metrics,
    eval_result_details: content.details,
    // No commit of SAEBench ran this.
    sae_bench_commit_hash: '',
    sae_lens_id: id,
    sae_lens_release_id: release,
    sae_lens_version: null,
    sae_cfg_dict: {
      architecture: ARCHITECTURES[sae.architecture] ?? sae.architecture,
      model_name: model.id,
      hook_name: sae.hook.startsWith('blocks.') ? sae.hook : `blocks.${sae.layer}.hook_resid_post`,
      hook_layer: sae.layer,
      d_in: sae.d_in,
      d_sae: sae.d_sae,
      k: sae.k,
      training_tokens: sae.tokens_trained ?? UNKNOWN,
    },
    eval_result_unstructured: {
      exported_from: `Interpboard record ${record.id}, ${record.kind}`,
      differences: content.differences,
      caveats: record.caveats,
    },
  };
}

function core(record: EvaluationRecord): Content | null {
  const { core_data, data, model } = record;
  const get = (id: DefinitionId) => number(record.metrics[id]);
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
    eval: 'core',
    config: {
      model_name: model.id,
      llm_dtype: model.dtype ?? '',
      batch_size_prompts: UNKNOWN,
      n_eval_reconstruction_batches: UNKNOWN,
      n_eval_sparsity_variance_batches: UNKNOWN,
      dataset: data?.name ?? '',
      context_size: core_data?.row_tokens ?? data?.row_tokens ?? UNKNOWN,
      compute_kl: metrics.model_behavior_preservation.kl_div_score !== UNKNOWN,
      compute_ce_loss: metrics.model_performance_preservation.ce_loss_score !== UNKNOWN,
      compute_l2_norms: metrics.shrinkage.l2_ratio !== UNKNOWN,
      compute_sparsity_metrics: metrics.sparsity.l0 !== UNKNOWN,
      compute_variance_metrics: metrics.reconstruction_quality.explained_variance_legacy !== UNKNOWN,
      compute_featurewise_density_statistics: false,
      compute_featurewise_weight_based_metrics: false,
      exclude_special_tokens_from_reconstruction: core_data !== undefined,
      verbose: false,
    },
    metrics: {
      ...metrics,
      token_stats: {
        total_tokens_eval_reconstruction: core_data?.tokens ?? UNKNOWN,
        total_tokens_eval_sparsity_variance: data?.tokens ?? UNKNOWN,
      },
    },
    details: [],
    differences: [
      'Losses and KL are over the rows of the reconstruction tokens; all else over those of the sparsity tokens.',
    ],
  };
}

function sparseProbing(record: EvaluationRecord): Content | null {
  const { k_sparse, model, kind } = record;
  if (k_sparse?.definitions.accuracy !== 'probe_acc_k@saebench') return null;
  const known = k_sparse.points.filter(({ k }) => K_VALUES.includes(k));
  if (known.length === 0) return null;
  const whole = (accuracy: Measure) => (kind === 'imported' ? number(accuracy) : UNKNOWN);
  const llm = (points: readonly KSparsePoint[]) =>
    fields(K_VALUES, (k) => ({
      [`llm_top_${k}_test_accuracy`]: points.find((point) => point.k === k)?.baseline_accuracy,
    }));
  const sae = (points: readonly KSparsePoint[]) =>
    fields(K_VALUES, (k) => ({
      [`sae_top_${k}_test_accuracy`]: points.find((point) => point.k === k)?.accuracy,
    }));
  return {
    eval: 'sparse_probing',
    config: {
      random_seed: UNKNOWN,
      dataset_names: k_sparse.data_sets.map(({ name }) => name),
      probe_train_set_size: common(k_sparse.data_sets.map((set) => set.train_rows)),
      probe_test_set_size: common(k_sparse.data_sets.map((set) => set.test_rows)),
      context_length: kind === 'measured' ? 128 : UNKNOWN,
      sae_batch_size: UNKNOWN,
      llm_batch_size: null,
      llm_dtype: model.dtype ?? '',
      model_name: model.id,
      k_values: known.map(({ k }) => k),
      lower_vram_usage: false,
    },
    metrics: {
      llm: { llm_test_accuracy: whole(k_sparse.ceiling.accuracy), ...llm(k_sparse.points) },
      sae: { sae_test_accuracy: null, ...sae(k_sparse.points) },
    },
    details: k_sparse.data_sets.map(({ name, ceiling, points }) => ({
      dataset_name: `${name}_results`,
      llm_test_accuracy: whole(ceiling.accuracy),
      ...llm(points),
      sae_test_accuracy: null,
      ...sae(points),
    })),
    differences: leftOut('k', k_sparse.points, K_VALUES),
  };
}

function tpp(record: EvaluationRecord): Content | null {
  const { tpp_saebench: found } = record;
  if (found === undefined || !found.points.some(({ n }) => N_VALUES.includes(n))) return null;
  const metrics = (points: readonly TppPoint[]) =>
    fields(N_VALUES, (n) => {
      const point = points.find((each) => each.n === n);
      return {
        [`tpp_threshold_${n}_total_metric`]: point?.value,
        [`tpp_threshold_${n}_intended_diff_only`]: point?.intended,
        [`tpp_threshold_${n}_unintended_diff_only`]: point?.unintended,
      };
    });
  return {
    eval: 'tpp',
    config: perturbationConfig(record, false, found.data_sets, found.points),
    metrics: { tpp_metrics: metrics(found.points) },
    details: found.data_sets.map(({ name, points }) => ({
      dataset_name: `${name}_tpp_results`,
      ...metrics(points),
    })),
    differences: [...probesDiffer(record), ...leftOut('N', found.points, N_VALUES)],
  };
}

/** The direction that counts is written; those of each single direction are not kept in records. */
function scr(record: EvaluationRecord): Content | null {
  const { scr_saebench: found } = record;
  if (found === undefined || !found.points.some(({ n }) => N_VALUES.includes(n))) return null;
  const metrics = (points: typeof found.points) =>
    fields(N_VALUES, (n) => ({
      [`scr_dir1_threshold_${n}`]: undefined,
      [`scr_metric_threshold_${n}`]: points.find((point) => point.n === n)?.value,
      [`scr_dir2_threshold_${n}`]: undefined,
    }));
  return {
    eval: 'scr',
    config: perturbationConfig(record, true, found.pairs, found.points),
    metrics: { scr_metrics: metrics(found.points) },
    details: found.pairs.map(({ name, data, points }) => ({
      dataset_name: `${data}_scr_${name.replace(' / ', '_')}_results`,
      ...metrics(points),
    })),
    differences: [...probesDiffer(record), ...leftOut('N', found.points, N_VALUES)],
  };
}

function perturbationConfig(
  { model, kind }: EvaluationRecord,
  perform_scr: boolean,
  sets: readonly { name: string; data: string; train_rows: number | null; test_rows: number | null }[],
  points: readonly { n: number }[],
): Record<string, unknown> {
  return {
    random_seed: UNKNOWN,
    dataset_names: [...new Set(sets.map(({ name, data }) => (perform_scr ? data : name)))],
    perform_scr,
    early_stopping_patience: UNKNOWN,
    train_set_size: common(sets.map((set) => set.train_rows)),
    test_set_size: common(sets.map((set) => set.test_rows)),
    context_length: kind === 'measured' ? 128 : UNKNOWN,
    // Of the definition.
    probe_train_batch_size: 16,
    probe_test_batch_size: UNKNOWN,
    probe_epochs: 20,
    probe_lr: 1e-3,
    probe_l1_penalty: 1e-3,
    sae_batch_size: UNKNOWN,
    llm_batch_size: UNKNOWN,
    llm_dtype: model.dtype ?? '',
    lower_vram_usage: false,
    model_name: model.id,
    n_values: points.map(({ n }) => n).filter((n) => N_VALUES.includes(n)),
    column1_vals_lookup: {},
  };
}

function probesDiffer({ kind }: EvaluationRecord): string[] {
  if (kind === 'imported') return [];
  return [
    'Probes are those of the last epoch, SAEBench takes the epoch best on the test rows; what the SAE decodes from padding is left out.',
  ];
}

function leftOut(
  letter: 'k' | 'N',
  points: readonly ({ k: number } | { n: number })[],
  known: readonly number[],
) {
  const found = points.map((point) => ('k' in point ? point.k : point.n)).filter((n) => !known.includes(n));
  return found.length === 0 ? [] : [`Measured and without a field here: ${letter} = ${found.join(', ')}.`];
}

function number(measure: Measure | undefined): number {
  return measure?.value ?? UNKNOWN;
}

function fields(
  counts: readonly number[],
  at: (count: number) => Record<string, Measure | undefined>,
): Record<string, number | null> {
  return Object.fromEntries(
    counts.flatMap((count) => Object.entries(at(count)).map(([name, found]) => [name, found?.value ?? null])),
  );
}

/** The size that all data sets have. */
function common(sizes: readonly (number | null)[]): number {
  const [first] = sizes;
  return first != null && sizes.every((size) => size === first) ? first : UNKNOWN;
}
