/** Configs of SAELens before version 6: flat, with other names, and often with the settings of the training run. */
import { z } from 'zod';

/** Keys that say how the SAE was trained or where it ran, and nothing of what it computes. */
const withoutEffect = new Set(
  `device dtype hook_eval hook_layer hook_point_layer hook_head_index hook_point_head_index dataset_path
  dataset_trust_remote_code streaming is_dataset_tokenized context_size use_cached_activations cached_activations_path
  b_dec_init_method expansion_factor normalize_sae_decoder noise_scale from_pretrained_path decoder_orthogonal_init
  decoder_heuristic_init decoder_heuristic_init_norm init_encoder_as_decoder_transpose n_batches_in_buffer
  training_tokens finetuning_tokens store_batch_size_prompts train_batch_size_tokens act_store_device seed prepend_bos
  autocast autocast_lm compile_llm llm_compilation_mode compile_sae sae_compilation_mode adam_beta1 adam_beta2
  mse_loss_normalization l1_coefficient lp_norm scale_sparsity_penalty_by_decoder_norm l1_warm_up_steps lr
  lr_scheduler_name lr_warm_up_steps lr_end lr_decay_steps n_restart_cycles finetuning_method use_ghost_grads
  feature_sampling_window dead_feature_window dead_feature_threshold n_eval_batches eval_batch_size_prompts log_to_wandb
  log_activations_store_to_wandb log_optimizer_state_to_wandb wandb_project wandb_id run_name wandb_entity
  wandb_log_frequency eval_every_n_wandb_logs resume n_checkpoints checkpoint_path verbose model_kwargs
  model_from_pretrained_kwargs model_class_name sae_lens_version sae_lens_training_version exclude_special_tokens
  jumprelu_init_threshold jumprelu_bandwidth neuronpedia_id seqpos_slice tokens_per_buffer`.split(/\s+/),
);

const renamed: Readonly<Record<string, string>> = {
  hook_point: 'hook_name',
  activation_fn_str: 'activation_fn',
};

const meaning = z.strictObject({
  architecture: z.string().optional(),
  d_in: z.unknown(),
  d_sae: z.unknown(),
  apply_b_dec_to_input: z.boolean().optional(),
  normalize_activations: z.union([z.boolean(), z.string(), z.null()]).optional(),
  reshape_activations: z.string().optional(),
  activation_fn: z.enum(['relu', 'topk']).default('relu'),
  activation_fn_kwargs: z.strictObject({ k: z.int().positive().optional() }).nullish(),
  finetuning_scaling_factor: z.literal(false).nullish(),
  model_name: z.string().nullish(),
  hook_name: z.string().nullish(),
});

/**
 * TopK as it was written for a time: `activation_fn` topk and its k, whatever the architecture says (SAELens'
 * `handle_pre_6_0_config`).
 *
 * @returns k; null where the activation is none of TopK's; undefined for a TopK without its k
 */
export function topKOf({
  activation_fn,
  activation_fn_kwargs,
}: {
  activation_fn?: string | null | undefined;
  activation_fn_kwargs?: { k?: number | null | undefined } | null | undefined;
}): number | null | undefined {
  return activation_fn === 'topk' ? (activation_fn_kwargs?.k ?? undefined) : null;
}

function normalisationName(value: boolean | string | null | undefined): string {
  if (typeof value === 'boolean') return value ? 'expected_average_only_in' : 'none';
  return value ?? 'none';
}

/** A flat config -> the fields of version 6; unknown keys fail. */
export const before6 = z
  .record(z.string(), z.unknown())
  .transform((config) =>
    Object.fromEntries(
      Object.entries(config)
        .filter(([key]) => !withoutEffect.has(key))
        .map(([key, value]) => [Object.hasOwn(renamed, key) ? renamed[key]! : key, value]),
    ),
  )
  .pipe(meaning)
  .refine((flat) => topKOf(flat) !== undefined, {
    path: ['activation_fn'],
    message: 'without activation_fn_kwargs.k',
  })
  .transform((flat): unknown => {
    const { activation_fn, activation_fn_kwargs, model_name, hook_name, finetuning_scaling_factor, ...rest } =
      flat;
    const k = topKOf({ activation_fn, activation_fn_kwargs }) ?? undefined;
    return {
      ...rest,
      architecture: k === undefined ? (rest.architecture ?? 'standard') : 'topk',
      ...(k === undefined ? {} : { k }),
      normalize_activations: normalisationName(rest.normalize_activations),
      reshape_activations: rest.reshape_activations ?? (hook_name?.includes('hook_z') ? 'hook_z' : 'none'),
      metadata: { model_name, hook_name },
    };
  });
