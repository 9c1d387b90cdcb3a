import { z } from 'zod';
import { attention } from '../blocks/attention.ts';
import { normedHead } from '../blocks/head.ts';
import { embedding, learnedPositions, linear } from '../blocks/linear.ts';
import { activate } from '../blocks/mlp.ts';
import { layerNorm } from '../blocks/norm.ts';
import type { Checkpoint } from '../checkpoint.ts';
import { checkShares, checkWindow, endNames, readActivation } from './decoder.ts';
import { type Family, size } from './family.ts';
import { configKeys, readConfig, unsupported } from './keys.ts';

const drop = z.number().optional();
/** Kinds of attention that are repeated, and how often. */
const repeated = z.tuple([z.array(z.string()), z.int().nonnegative().max(10_000)]);

export const gptNeoKeys = configKeys(
  'GPTNeo',
  {
    vocab_size: size.default(50_257),
    max_position_embeddings: size.default(2048),
    hidden_size: size.default(2048),
    num_layers: size.default(24),
    num_heads: size.default(16),
    attention_types: z.array(repeated).max(1000).nullish(),
    intermediate_size: size.nullish(),
    window_size: z.int().default(256),
    activation_function: z.string().default('gelu_new'),
    layer_norm_epsilon: z.number().nonnegative().default(1e-5),
    tie_word_embeddings: z.boolean().default(true),
  },
  {
    withoutEffect: {
      resid_dropout: drop,
      embed_dropout: drop,
      classifier_dropout: drop,
      // Follows from attention_types, whatever the file says.
      attention_layers: z.unknown().optional(),
      pad_token_id: z.int().nullish(),
      rope_theta: z.unknown().optional(),
      partial_rotary_factor: z.unknown().optional(),
    },
    // Its positions are learned: settings of turning ones are of another model.
    fixed: { rope_scaling: [null, {}], rope_parameters: [null, {}] },
    aliases: { num_attention_heads: 'num_heads', num_hidden_layers: 'num_layers' },
  },
);

/** GPT-Neo (TinyStories): GPT-2 with scores that are not scaled, and windows in every other block. */
export function gptNeo(checkpoint: Checkpoint): Family {
  const config = readConfig(checkpoint, gptNeoKeys);
  const { hidden_size: d, num_heads: heads, num_layers: blocks } = config;
  checkShares(checkpoint, d, heads);
  const shape = { heads, kvHeads: heads, headSize: d / heads, scale: 1 };
  const inner = config.intermediate_size ?? 4 * d;
  const activation = readActivation(checkpoint, config.activation_function);
  const norm = layerNorm(config.layer_norm_epsilon);
  const prefix = checkpoint.tensors.has('transformer.wpe.weight') ? 'transformer.' : '';
  const ends = endNames(checkpoint, {
    embedding: `${prefix}wte`,
    heads: ['lm_head'],
    tied: config.tie_word_embeddings,
  });
  const windows = windowsOf(checkpoint, config.attention_types ?? [[['global', 'local'], 12]], blocks).map(
    (local) => (local ? config.window_size : undefined),
  );
  if (windows.some((window) => window !== undefined)) checkWindow(checkpoint, config.window_size);
  const vocabulary = config.vocab_size;
  const to = (from: number, width: number, bias = true) => ({ from, to: width, bias });
  return {
    name: 'gpt_neo',
    blocks,
    dModel: d,
    vocabulary,
    contextLength: config.max_position_embeddings,
    embed: (build, ids) =>
      learnedPositions(build, embedding(build, ids, ends.embedding, vocabulary, d), {
        name: `${prefix}wpe`,
        positions: config.max_position_embeddings,
        width: d,
      }),
    block(index) {
      const at = `${prefix}h.${index}`;
      return {
        parallel: false,
        mixedWidth: d,
        beforeAttention: (build, x) => norm(build, x, `${at}.ln_1`, d),
        mix(build, x) {
          const [query, key, value] = ['q', 'k', 'v'].map((part) =>
            linear(build, x, `${at}.attn.attention.${part}_proj`, to(d, d, false)),
          );
          return attention(build, query!, key!, value!, { ...shape, window: windows[index] });
        },
        afterAttention: (build, mixed) => linear(build, mixed, `${at}.attn.attention.out_proj`, to(d, d)),
        beforeMlp: (build, x) => norm(build, x, `${at}.ln_2`, d),
        mlp: (build, x) =>
          linear(
            build,
            activate(build, linear(build, x, `${at}.mlp.c_fc`, to(d, inner)), activation),
            `${at}.mlp.c_proj`,
            to(inner, d),
          ),
      };
    },
    ...normedHead(norm, { norm: `${prefix}ln_f`, weight: ends.head }, { width: d, vocabulary }),
  };
}

/** Of each block whether its attention is local. */
function windowsOf(
  checkpoint: Checkpoint,
  types: readonly (readonly [string[], number])[],
  blocks: number,
): boolean[] {
  const kinds: string[] = [];
  for (const [names, times] of types) {
    for (let i = 0; i < times && kinds.length <= blocks; i++) kinds.push(...names);
  }
  if (kinds.length !== blocks)
    throw unsupported(
      checkpoint,
      'attention_types',
      `${kinds.length} blocks or more`,
      `${blocks}, as num_layers`,
    );
  return kinds.map((kind) => {
    if (kind === 'global' || kind === 'local') return kind === 'local';
    throw unsupported(checkpoint, 'attention_types', JSON.stringify(kind).slice(0, 100), 'global or local');
  });
}
