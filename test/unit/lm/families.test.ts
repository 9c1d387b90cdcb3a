import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { UserError } from '../../../runner/errors.ts';
import { type Checkpoint, openCheckpoint } from '../../../runner/lm/checkpoint.ts';
import { familyOf } from '../../../runner/lm/families/index.ts';
import type { TensorPlace } from '../../../runner/lm/stored-tensors.ts';
import { checkpoints } from '../../fixtures/lm/checkpoints.ts';
import { compareWithGolden, type Differences, openEverywhere, SPREADS, worst } from './golden.ts';

const fixtures = fileURLToPath(new URL('../../fixtures/lm/', import.meta.url));
type Config = Record<string, unknown>;

const variants = ['llama/linear', 'llama/llama3', 'llama/yarn', 'gpt_neox/sequential'];

/** A checkpoint, or a variant: the weights of the folder it lies in under another config. */
async function open(name: string): Promise<Checkpoint> {
  const [folder, variant] = name.split('/');
  const checkpoint = await openCheckpoint(`${fixtures}${folder}`);
  if (variant === undefined) return checkpoint;
  const { default: config } = await import(`${fixtures}${name}/config.json`, { with: { type: 'json' } });
  return { ...checkpoint, config };
}

async function differencesOf(checkpoint: Checkpoint, name: string): Promise<Differences> {
  const model = await openEverywhere(checkpoint);
  const differences = await compareWithGolden(model, `${fixtures}${name}/golden`);
  await model.close();
  return differences;
}

function changed(checkpoint: Checkpoint, change: Config): Checkpoint {
  const { text_config: text } = checkpoint.config;
  if (typeof text !== 'object') return { ...checkpoint, config: { ...checkpoint.config, ...change } };
  return { ...checkpoint, config: { ...checkpoint.config, text_config: { ...text, ...change } } };
}

function renamed(checkpoint: Checkpoint, rename: (name: string) => string): Checkpoint {
  return {
    ...checkpoint,
    tensors: new Map([...checkpoint.tensors].map(([name, place]) => [rename(name), place])),
  };
}

const table: string[] = [];
afterAll(() => {
  console.log(
    ['largest difference from transformers', '', 'checkpoint | residual | logits | nll', ...table].join('\n'),
  );
});

describe('a family equals transformers at every hook', () => {
  it.each([...checkpoints, ...variants])('%s', async (name) => {
    const differences = await differencesOf(await open(name), name);
    table.push([name, ...Object.values(differences).map(String)].join(' | '));
    for (const { scale } of Object.values(differences)) expect(scale).toBeGreaterThan(1);
    expect(worst(differences)).toBeLessThanOrEqual(SPREADS);
  });

  it('gpt_neox with its head named lm_head', async () => {
    const checkpoint = renamed(await open('gpt_neox'), (name) => name.replace('embed_out', 'lm_head'));
    expect(worst(await differencesOf(checkpoint, 'gpt_neox'))).toBeLessThanOrEqual(SPREADS);
  });

  it.each(['model', 'model.language_model'])('gemma3 named %s.…', async (prefix) => {
    const checkpoint = renamed(await open('gemma3'), (name) =>
      name.replace(/^language_model\.model\./, `${prefix}.`),
    );
    const plain = { ...checkpoint, config: checkpoint.config.text_config as Config };
    const differences = await differencesOf(prefix === 'model' ? plain : checkpoint, 'gemma3');
    expect(worst(differences)).toBeLessThanOrEqual(SPREADS);
  });
});

describe('a config as newer writers put it means the same', () => {
  const gone = { rope_theta: undefined, rope_scaling: undefined };
  const changes: [string, Config][] = [
    ['llama', { ...gone, rope_parameters: { rope_theta: 500_000, rope_type: 'default' } }],
    [
      'gpt_neox',
      { rotary_pct: undefined, rope_parameters: { partial_rotary_factor: 0.5, rope_theta: 10_000 } },
    ],
    ['qwen2', { max_window_layers: 0, layer_types: ['full_attention', 'sliding_attention'] }],
    [
      'gemma3',
      {
        ...gone,
        rope_local_base_freq: undefined,
        rope_parameters: {
          full_attention: { factor: 8, rope_theta: 10_000, rope_type: 'linear' },
          sliding_attention: { rope_theta: 100, rope_type: 'default' },
        },
        sliding_window_pattern: undefined,
        layer_types: ['sliding_attention', 'sliding_attention', 'full_attention', 'sliding_attention'],
      },
    ],
  ];
  it.each(changes)('%s %j', async (name, change) => {
    expect(worst(await differencesOf(changed(await open(name), change), name))).toBeLessThanOrEqual(SPREADS);
  });
});

describe('dynamic rope scaling', () => {
  // As transformers 5.24 (ROPE_INIT_FUNCTIONS): up to max_position_embeddings the frequencies are the plain ones.
  it('changes nothing within the context length, beyond which rows are refused', async () => {
    const checkpoint = changed(await open('llama'), { rope_scaling: { type: 'dynamic', factor: 2 } });
    expect(worst(await differencesOf(checkpoint, 'llama'))).toBeLessThanOrEqual(SPREADS);
    const model = await openEverywhere(checkpoint);
    const tokens = 257;
    const row = { ids: new Int32Array(tokens), rows: 1, tokens };
    await expect(model.residuals(row)).rejects.toThrow(
      /row of tokens: found 257 tokens; expected at most 256/,
    );
    await model.close();
  });
});

describe('a family uses every tensor of its checkpoint', () => {
  it.each(checkpoints)('%s', async (name) => {
    const checkpoint = await open(name);
    const used = new Set<string>();
    class Watched extends Map<string, TensorPlace> {
      override get(key: string): TensorPlace | undefined {
        used.add(key);
        return super.get(key);
      }
    }
    const model = await openEverywhere({ ...checkpoint, tensors: new Watched(checkpoint.tensors) });
    await model.close();
    expect([...checkpoint.tensors.keys()].filter((key) => !used.has(key))).toEqual([]);
  });
});

// Each option changed alone must show: otherwise the fixture would not notice a family that forgets it.
describe('the fixtures notice an option that is ignored', () => {
  const changes: [string, Config][] = [
    ['llama', { rope_theta: 10_000 }],
    ['llama', { rms_norm_eps: 0.1 }],
    ['llama', { rms_norm_eps: 1e-3 }],
    ['llama/linear', { rope_scaling: null }],
    ['llama/llama3', { rope_scaling: null }],
    ['llama/yarn', { rope_parameters: { rope_theta: 10_000 } }],
    ['mistral', { sliding_window: null }],
    ['mistral', { sliding_window: 17 }],
    ['qwen2', { use_sliding_window: false }],
    ['qwen2', { max_window_layers: 0 }],
    ['gpt2', { activation_function: 'relu' }],
    ['gpt2', { layer_norm_epsilon: 0.1 }],
    ['gpt2-f16', { scale_attn_by_inverse_layer_idx: false }],
    ['gpt2', { scale_attn_weights: false }],
    ['gpt_neox', { use_parallel_residual: false }],
    ['gpt_neox', { rotary_pct: 1 }],
    ['gpt_neox', { rotary_emb_base: 1000 }],
    ['gemma2', { attn_logit_softcapping: null }],
    ['gemma2', { final_logit_softcapping: null }],
    ['gemma2', { query_pre_attn_scalar: 16 }],
    ['gemma2', { sliding_window: 17 }],
    ['gemma2', { layer_types: ['full_attention', 'sliding_attention', 'full_attention'] }],
    ['gemma3', { sliding_window: 17 }],
    ['gemma3', { sliding_window_pattern: 6 }],
    ['gemma3', { rope_local_base_freq: 10_000 }],
    ['gemma3', { rope_theta: 1_000_000 }],
    ['gemma3', { rope_scaling: null }],
    ['gemma3', { query_pre_attn_scalar: 16 }],
    ['gemma4', { sliding_window: 17 }],
    ['gemma4', { top_k_experts: 1 }],
    ['gemma4', { enable_moe_block: false }],
    ['gemma4', { rope_parameters: undefined }],
    ['phi3', { sliding_window: null }],
    ['phi3', { rope_scaling: null }],
    ['phi3', { original_max_position_embeddings: 200 }],
    ['olmo2', { rope_theta: 10_000 }],
    ['mixtral', { num_experts_per_tok: 3 }],
    ['qwen3_moe', { norm_topk_prob: true }],
    ['qwen3_moe', { num_experts_per_tok: 2 }],
    ['qwen3_5', { rope_parameters: { rope_theta: 10_000, partial_rotary_factor: 1 } }],
    ['qwen3_5', { rope_parameters: { rope_theta: 100 } }],
    ['qwen3_5', { rms_norm_eps: 0.1 }],
  ];
  it.each(changes)('%s %j', async (name, change) => {
    expect(worst(await differencesOf(changed(await open(name), change), name))).toBeGreaterThan(50 * SPREADS);
  });
});

describe('an option that is not there is an error that names it', () => {
  const cases: [string, Config, RegExp][] = [
    ['llama', { model_type: 'mamba' }, /model_type: found "mamba"; expected one of .*gpt_neox.*qwen3/],
    [
      'llama',
      { rope_scaling: { type: 'ntk-parts', factor: 2 } },
      /rope_type: found "ntk-parts"; expected default, linear/,
    ],
    ['llama', { rope_scaling: { type: 'linear' } }, /rope scaling linear: found no factor/],
    ['llama', { hidden_act: 'xielu' }, /activation: found "xielu"; expected silu/],
    ['llama', { num_key_value_heads: 2 }, /num_key_value_heads: found 2 of 3 heads/],
    [
      'qwen2',
      { layer_types: ['full_attention', 'chunked_attention'] },
      /layer_types: found "chunked_attention"/,
    ],
    [
      'gemma2',
      { layer_types: ['full_attention'] },
      /layer_types: found a list of 1; expected 3, one for each block/,
    ],
    ['gemma2', { use_bidirectional_attention: true }, /use_bidirectional_attention: found true/],
    ['gemma4', { num_kv_shared_layers: 3 }, /num_kv_shared_layers: found 3 of 3 layers; expected a layer of/],
    ['gemma3n', { altup_active_idx: 4 }, /altup_active_idx: found 4 of 4 streams/],
    [
      'gemma3n',
      { activation_sparsity_pattern: [0.5] },
      /activation_sparsity_pattern: found a list of 1; expected 5, one for each block/,
    ],
    ['gemma3n', { vocab_size: 104 }, /vocab_size of embed_audio: found 6 for 7 tokens/],
    ['gpt2', { add_cross_attention: true }, /add_cross_attention: found true/],
    [
      'gemma3',
      { rope_parameters: { rope_theta: 1 } },
      /rope_parameters: found .*rope_theta.*; expected full_att/,
    ],
    [
      'llama',
      { rope_parameters: { full_attention: {} } },
      /rope_parameters: found one set each for full_attention/,
    ],
    ['llama', { quantization_config: { quant_method: 'gptq' } }, /quantization_config: found .*gptq/],
    ['qwen3_5', { attn_output_gate: false }, /attn_output_gate: found "false"; expected true, or none/],
    ['gpt_neox', { rotary_pct: 0.01 }, /rotary positions: found 0 turned numbers per head/],
    ['llama', { head_dim: 15 }, /rotary positions: found 15 turned numbers per head; expected an even/],
    ['mixtral', { num_experts_per_tok: 6 }, /num_experts_per_tok: found 6 of 5 experts; expected at most 5/],
    ['qwen2', { sliding_window: 0 }, /sliding_window: found 0; expected at least 1 token, or null/],
    ['gemma2', { sliding_window: null }, /layer_types: found sliding_attention, and no sliding_window/],
    ['llama', { is_causal: false }, /is_causal: found "false"; expected true, or none/],
    [
      'qwen3_5',
      { output_gate_type: 'swish' },
      /output_gate_type: found .*swish.*; expected null or "sigmoid"/,
    ],
    [
      'phi3',
      { auto_map: { AutoModelForCausalLM: 'modeling_x.X' } },
      /auto_map: found .*modeling_x.X.*Phi3ForCausalLM/,
    ],
    ['gemma3', { quantization_config: { quant_method: 'awq' } }, /quantization_config: found .*awq/],
    ['llama', { pad_token_id: 101 }, /pad_token_id: found 101; expected a token below vocab_size 101/],
    [
      'phi3',
      { rope_scaling: { type: 'longrope', short_factor: [1] } },
      /rope short_factor: found 1 numbers; expected 6/,
    ],
  ];
  it.each(cases)('%s %j', async (name, change, message) => {
    const checkpoint = changed(await open(name), change);
    expect(() => familyOf(checkpoint)).toThrow(UserError);
    expect(() => familyOf(checkpoint)).toThrow(message);
  });

  it('a head for another task; the name of its class alone is none', async () => {
    const named = changed(await open('llama'), { architectures: ['LlamaForSequenceClassification'] });
    expect(familyOf(named).name).toBe('llama');
    const [place] = named.tensors.values();
    const tensors = new Map([...named.tensors, ['score.weight', place!] as const]);
    expect(() => familyOf({ ...named, tensors })).toThrow(
      /architectures: found "LlamaForSequenceClassification" with score.weight; expected a language model/,
    );
  });
});
