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
import { sha256 } from '../../io/hash.ts';
import type { EvaluationRecord } from '../../report/schema.ts';
import { type Content, UNKNOWN } from './format.ts';
import { formats } from './formats.ts';

export interface SaeBenchFile {
  /** The evaluation's `eval_type_id`. */
  eval: string;
  /** As SAEBench names it: `<release>_<id>_eval_results.json`. */
  name: string;
  value: Record<string, unknown>;
}

/** SAELens' names, where they are not ours. */
const ARCHITECTURES: Partial<Record<EvaluationRecord['sae']['architecture'], string>> = {
  relu: 'standard',
  matryoshka: 'matryoshka_batchtopk',
};

/** The files of one record: an evaluation of which it has nothing gets none. */
export function saeBenchFiles(record: EvaluationRecord): SaeBenchFile[] {
  // Its files are of one hook; a cross-layer transcoder stands at all MLPs, a crosscoder at several places.
  if ((record.sae.layers ?? record.sae.places) !== undefined) return [];
  const { release, id } = identity(record);
  const name = `${release}_${id}_eval_results.json`.replace(/[^\w.-]/g, '_');
  return formats.flatMap(({ types: [type], write }) => {
    const content = write?.(record) ?? null;
    return content === null ? [] : [{ eval: type, name, value: envelope(record, type, content) }];
  });
}

/** As SAEBench names SAEs that SAELens' registry does not have. */
function identity({ sae, id }: EvaluationRecord): { release: string; id: string } {
  const { source, origin } = sae;
  if (source?.registry) return { release: source.registry.release, id: source.registry.id };
  // As the file it was imported from names it.
  if (origin?.release && origin.member) return { release: origin.release, id: origin.member };
  return { release: id, id: 'custom_sae' };
}

function envelope(record: EvaluationRecord, type: string, content: Content): Record<string, unknown> {
  const { sae, model, provenance } = record;
  const { release, id } = identity(record);
  const hash = sha256(JSON.stringify([type, record]));
  return {
    eval_type_id: type,
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
