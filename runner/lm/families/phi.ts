import { z } from 'zod';
import { normedHead } from '../blocks/head.ts';
import { plainMlp } from '../blocks/mlp.ts';
import { headNorm, layerNorm } from '../blocks/norm.ts';
import type { Checkpoint } from '../checkpoint.ts';
import { decoderBlock, decoderEnds, decoderFields, extraHeadSize, readDecoder } from './decoder.ts';
import { type Family, size } from './family.ts';
import { configKeys, readConfig } from './keys.ts';
import { partialRopeFields, readRotary } from './rope.ts';

const { rms_norm_eps: _, ...fields } = decoderFields({
  vocabulary: 51_200,
  width: 2048,
  inner: 8192,
  blocks: 24,
  heads: 32,
  context: 2048,
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
  const { width, inner, vocabulary, norm, activation, names } = decoder;
  const rotary = readRotary(checkpoint, config, decoder, {
    partial: config.partial_rotary_factor ?? 0.5,
    pairs: true,
  });
  const qkNorm = config.qk_layernorm ? { norm: headNorm(norm, decoder.headSize), normName: 'layernorm' } : {};
  const before = { before: 'input_layernorm' };
  const mlp = { width, inner, activation, bias: true, names: { up: 'fc1', down: 'fc2' } };
  return {
    name: 'phi',
    ...decoderEnds(decoder),
    block: decoderBlock(decoder, {
      parallel: true,
      norms: { attention: before, mlp: before },
      attention: () => ({ rotary, bias: true, outBias: true, outName: 'dense', ...qkNorm }),
      mlp: (build, x, at) => plainMlp(build, x, `${at}.mlp`, mlp),
    }),
    ...normedHead(
      norm,
      { norm: `${names.model}final_layernorm`, weight: names.head, bias: 'lm_head' },
      { width, vocabulary },
    ),
  };
}
