import { z } from 'zod';
import { normedHead } from '../blocks/head.ts';
import { plainMlp } from '../blocks/mlp.ts';
import { layerNorm } from '../blocks/norm.ts';
import type { Checkpoint } from '../checkpoint.ts';
import { checkShares, decoderBlock, decoderEnds, readDecoder } from './decoder.ts';
import { type Family, size } from './family.ts';
import { configKeys, readConfig, unsupported } from './keys.ts';
import { rotaryOf } from './rope.ts';

const drop = z.number().optional();

export const gptjKeys = configKeys(
  'GPTJ',
  {
    vocab_size: size.default(50_400),
    n_positions: size.default(2048),
    n_embd: size.default(4096),
    n_layer: size.default(28),
    n_head: size.default(16),
    rotary_dim: z.int().default(64),
    n_inner: size.nullish(),
    activation_function: z.string().default('gelu_new'),
    layer_norm_epsilon: z.number().nonnegative().default(1e-5),
    tie_word_embeddings: z.boolean().default(false),
  },
  {
    withoutEffect: {
      resid_pdrop: drop,
      embd_pdrop: drop,
      attn_pdrop: drop,
      pad_token_id: z.int().nullish(),
      rope_theta: z.unknown().optional(),
      partial_rotary_factor: z.unknown().optional(),
    },
    fixed: { rope_scaling: [null, {}], rope_parameters: [null, {}] },
    aliases: {
      hidden_size: 'n_embd',
      max_position_embeddings: 'n_positions',
      num_attention_heads: 'n_head',
      num_hidden_layers: 'n_layer',
    },
  },
);

/** GPT-J: attention and MLP side by side behind one norm, neighbours in the first numbers of each head turned together. */
export function gptj(checkpoint: Checkpoint): Family {
  const config = readConfig(checkpoint, gptjKeys);
  checkShares(checkpoint, config.n_embd, config.n_head);
  const headSize = config.n_embd / config.n_head;
  const turned = config.rotary_dim;
  if (turned < 2 || turned % 2 === 1 || turned > headSize) {
    throw unsupported(
      checkpoint,
      'rotary_dim',
      `${turned}`,
      `an even number up to ${headSize}, a head’s size`,
    );
  }
  const decoder = readDecoder(
    checkpoint,
    {
      vocab_size: config.vocab_size,
      hidden_size: config.n_embd,
      intermediate_size: config.n_inner ?? 4 * config.n_embd,
      num_hidden_layers: config.n_layer,
      num_attention_heads: config.n_head,
      max_position_embeddings: config.n_positions,
      rms_norm_eps: config.layer_norm_epsilon,
      tie_word_embeddings: config.tie_word_embeddings,
    },
    config.activation_function,
    layerNorm,
    { prefixes: ['transformer.', ''], layers: 'h', embedding: 'wte' },
  );
  const { width, inner, activation, vocabulary, names, norm, contextLength } = decoder;
  const sizes = { headSize: turned, contextLength };
  const rotary = { ...rotaryOf(checkpoint, { rope_theta: 10_000 }, sizes), interleaved: true };
  const mlp = { width, inner, activation, bias: true, names: { up: 'fc_in', down: 'fc_out' } };
  const before = { before: 'ln_1' };
  return {
    name: 'gptj',
    ...decoderEnds(decoder),
    block: decoderBlock(decoder, {
      parallel: true,
      norms: { attention: before, mlp: before },
      attentionName: 'attn',
      attention: () => ({ rotary, outName: 'out_proj' }),
      mlp: (build, x, at) => plainMlp(build, x, `${at}.mlp`, mlp),
    }),
    ...normedHead(
      norm,
      { norm: `${names.model}ln_f`, weight: names.head, bias: 'lm_head' },
      { width, vocabulary },
    ),
  };
}
