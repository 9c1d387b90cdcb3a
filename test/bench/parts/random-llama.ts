/** A llama of random weights in the Hugging Face layout, for speeds and memory: its text is noise. */
import { mkdir, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { random } from '../../../runner/math/random.ts';

export interface LlamaSizes {
  width: number;
  inner: number;
  blocks: number;
  heads: number;
  kvHeads: number;
  vocabulary: number;
  context: number;
  type: 'F32' | 'BF16';
}

/** 109.5 million parameters, head apart from the embedding: the shape of small models of 2024. */
export const hundredMillion: LlamaSizes = {
  width: 768,
  inner: 2048,
  blocks: 9,
  heads: 12,
  kvHeads: 4,
  vocabulary: 32_000,
  context: 2048,
  type: 'F32',
};

/** Writes config.json and model.safetensors, a tensor at a time. */
export async function writeRandomLlama(folder: string, sizes: LlamaSizes): Promise<{ parameters: number }> {
  const { width, inner, blocks, heads, kvHeads, vocabulary, context, type } = sizes;
  const headSize = width / heads;
  const shapes: [string, number[]][] = [['model.embed_tokens.weight', [vocabulary, width]]];
  for (let block = 0; block < blocks; block++) {
    const at = `model.layers.${block}`;
    shapes.push(
      [`${at}.input_layernorm.weight`, [width]],
      [`${at}.self_attn.q_proj.weight`, [heads * headSize, width]],
      [`${at}.self_attn.k_proj.weight`, [kvHeads * headSize, width]],
      [`${at}.self_attn.v_proj.weight`, [kvHeads * headSize, width]],
      [`${at}.self_attn.o_proj.weight`, [width, heads * headSize]],
      [`${at}.post_attention_layernorm.weight`, [width]],
      [`${at}.mlp.gate_proj.weight`, [inner, width]],
      [`${at}.mlp.up_proj.weight`, [inner, width]],
      [`${at}.mlp.down_proj.weight`, [width, inner]],
    );
  }
  shapes.push(['model.norm.weight', [width]], ['lm_head.weight', [vocabulary, width]]);
  const config = {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    hidden_size: width,
    intermediate_size: inner,
    num_hidden_layers: blocks,
    num_attention_heads: heads,
    num_key_value_heads: kvHeads,
    head_dim: headSize,
    hidden_act: 'silu',
    vocab_size: vocabulary,
    max_position_embeddings: context,
    rms_norm_eps: 1e-5,
    rope_theta: 10_000,
    attention_bias: false,
    mlp_bias: false,
    tie_word_embeddings: false,
    torch_dtype: type === 'F32' ? 'float32' : 'bfloat16',
  };
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'config.json'), JSON.stringify(config, null, 2));

  const size = type === 'F32' ? 4 : 2;
  const count = (shape: number[]): number => shape.reduce((product, each) => product * each, 1);
  const header: Record<string, unknown> = { __metadata__: { format: 'pt' } };
  let at = 0;
  for (const [name, shape] of shapes) {
    const end = at + count(shape) * size;
    header[name] = { dtype: type, shape, data_offsets: [at, end] };
    at = end;
  }
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  const file = await open(join(folder, 'model.safetensors'), 'w');
  const stream = random('random llama');
  // Normal numbers are slow to make: each tensor is cut out of one strip of them, at a place of its own.
  const strip = Float32Array.from({ length: 1_000_003 }, () => stream.gaussian());
  try {
    await file.write(Buffer.concat([length, json]));
    for (const [name, shape] of shapes) {
      const values = new Float32Array(count(shape));
      const deviation = name.includes('norm') ? 0 : name.includes('embed') ? 1 : (shape[1] ?? 1) ** -0.5;
      const base = name.includes('norm') ? 1 : 0;
      let place = stream.integer(strip.length);
      for (let i = 0; i < values.length; i++) {
        values[i] = base + deviation * strip[place]!;
        place = place + 1 === strip.length ? 0 : place + 1;
      }
      await file.write(type === 'F32' ? new Uint8Array(values.buffer) : upperHalves(values));
    }
  } finally {
    await file.close();
  }
  return { parameters: shapes.reduce((sum, [, shape]) => sum + count(shape), 0) };
}

/** bfloat16 by cutting: the weights are random anyhow. */
function upperHalves(values: Float32Array): Uint8Array {
  const words = new Uint16Array(values.buffer);
  const upper = Uint16Array.from({ length: values.length }, (_, i) => words[2 * i + 1]!);
  return new Uint8Array(upper.buffer);
}
