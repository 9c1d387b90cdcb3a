import { z } from 'zod';
import { normedHead } from '../blocks/head.ts';
import { embedding, linear } from '../blocks/linear.ts';
import { activate } from '../blocks/mlp.ts';
import { headNorm, layerNorm, type Norm } from '../blocks/norm.ts';
import { selfAttention } from '../blocks/self-attention.ts';
import type { Checkpoint } from '../checkpoint.ts';
import { decoderFields, extraHeadSize, readDecoder } from './decoder.ts';
import { type Family, size } from './family.ts';
import { configKeys, readConfig } from './keys.ts';
import { partialRopeFields, readRotary } from './rope.ts';

const { rms_norm_eps: _, ...fields } = decoderFields({
  ...{ vocabulary: 51_200, width: 2048, inner: 8192, blocks: 24, heads: 32, context: 2048 },
});

export const phiKeys = configKeys(
  'Phi',
  {
    ...fields,
    ...extraHeadSize,
    ...partialRopeFields,
    layer_norm_eps: z.number().nonnegative().default(1e-5),
    num_key_value_heads: size.nullish(),
    hidden_act: z.string().default('gelu_new'),
    qk_layernorm: z.boolean().default(false),
  },
  {
    withoutEffect: {
      resid_pdrop: z.number().optional(),
      embd_pdrop: z.number().optional(),
      attention_dropout: z.number().nullish(),
    },
  },
);

/** Phi-1 and Phi-2: attention and MLP side by side behind one norm, half of each head turned, biases everywhere. */
export function phi(checkpoint: Checkpoint): Family {
  const read = readConfig(checkpoint, phiKeys);
  const config = { ...read, rms_norm_eps: read.layer_norm_eps };
  const decoder = readDecoder(checkpoint, config, config.hidden_act, layerNorm);
  const { width, inner, heads, kvHeads, headSize, vocabulary, norm, activation, names } = decoder;
  const rotary = readRotary(checkpoint, config, decoder, { partial: config.partial_rotary_factor ?? 0.5 });
  const mixedWidth = heads * headSize;
  const shape = { ...{ width, heads, kvHeads, headSize, rotary, bias: true } };
  const perHead = headNorm(norm, headSize);
  // The family's own names of what others call q_norm and k_norm.
  const queryNorm: Norm = (build, x, name, size) =>
    perHead(build, x, name.replace(/norm$/, 'layernorm'), size);
  const attention = { ...shape, ...(config.qk_layernorm && { norm: queryNorm }) };
  return {
    name: 'phi',
    blocks: decoder.blocks,
    dModel: width,
    vocabulary,
    contextLength: decoder.contextLength,
    embed: (build, ids) => embedding(build, ids, names.embedding, vocabulary, width),
    block(index) {
      const at = `${names.model}layers.${index}`;
      const product = (part: string, from: number, to: number) =>
        [`${at}.${part}`, { from, to, bias: true }] as const;
      return {
        parallel: true,
        mixedWidth,
        beforeAttention: (build, x) => norm(build, x, `${at}.input_layernorm`, width),
        mix: (build, x) => selfAttention(build, x, `${at}.self_attn`, attention),
        afterAttention: (build, mixed) =>
          linear(build, mixed, ...product('self_attn.dense', mixedWidth, width)),
        beforeMlp: (build, x) => norm(build, x, `${at}.input_layernorm`, width),
        mlp: (build, x) =>
          linear(
            build,
            activate(build, linear(build, x, ...product('mlp.fc1', width, inner)), activation),
            ...product('mlp.fc2', inner, width),
          ),
      };
    },
    ...normedHead(
      norm,
      { norm: `${names.model}final_layernorm`, weight: names.head, bias: 'lm_head' },
      { width, vocabulary },
    ),
  };
}
