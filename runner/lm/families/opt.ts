import { z } from 'zod';
import { normedHead } from '../blocks/head.ts';
import { embedding, learnedPositions, linear } from '../blocks/linear.ts';
import { plainMlp } from '../blocks/mlp.ts';
import { bareLayerNorm, layerNorm, type ScaledNorm } from '../blocks/norm.ts';
import type { Checkpoint } from '../checkpoint.ts';
import { checkShares, decoderBlock, decoderEnds, decoderFields, readDecoder } from './decoder.ts';
import { type Family, size } from './family.ts';
import { configKeys, readConfig } from './keys.ts';

const {
  rms_norm_eps: _,
  intermediate_size: __,
  ...fields
} = decoderFields({
  vocabulary: 50_272,
  width: 768,
  inner: 3072,
  blocks: 12,
  heads: 12,
  context: 2048,
  tied: true,
});

export const optKeys = configKeys(
  'OPT',
  {
    ...fields,
    pad_token_id: z.int().nullable().default(1),
    ffn_dim: size.default(3072),
    activation_function: z.string().default('relu'),
    do_layer_norm_before: z.boolean().default(true),
    _remove_final_layer_norm: z.boolean().default(false),
    word_embed_proj_dim: size.nullish(),
    enable_bias: z.boolean().default(true),
    layer_norm_elementwise_affine: z.boolean().default(true),
  },
  {
    withoutEffect: {
      dropout: z.number().optional(),
      layerdrop: z.number().optional(),
      init_std: z.number().optional(),
      rope_theta: z.unknown().optional(),
      partial_rotary_factor: z.unknown().optional(),
    },
    // Its positions are learned: settings of turning ones are of another model.
    fixed: { rope_scaling: [null, {}], rope_parameters: [null, {}] },
  },
);

const EPSILON = 1e-5;
/** Rows of the table of positions that belong to none. */
const FIRST_POSITION = 2;

const noNorm: ScaledNorm = Object.assign(((_build, x) => x) satisfies ScaledNorm['scaled'], {
  scaled: ((_build, x) => x) satisfies ScaledNorm['scaled'],
});

/** OPT: learned positions, layer norms before the parts, or in its 350m behind what they add; embeddings may be narrower. */
export function opt(checkpoint: Checkpoint): Family {
  const read = readConfig(checkpoint, optKeys);
  const config = { ...read, rms_norm_eps: EPSILON, intermediate_size: read.ffn_dim };
  checkShares(checkpoint, config.hidden_size, config.num_attention_heads);
  const norm = config.layer_norm_elementwise_affine ? layerNorm : bareLayerNorm;
  const decoder = readDecoder(checkpoint, config, config.activation_function, norm, {
    prefixes: ['model.decoder.', 'decoder.'],
    layers: 'layers',
    embedding: 'embed_tokens',
  });
  const { width, inner, activation, vocabulary, names } = decoder;
  const bias = config.enable_bias;
  const mlp = { width, inner, activation, bias, names: { up: 'fc1', down: 'fc2' } };
  const narrow = config.word_embed_proj_dim ?? width;
  const before = config.do_layer_norm_before;
  const last = before && !config._remove_final_layer_norm ? decoder.norm : noNorm;
  const head = normedHead(noNorm, { norm: '', weight: names.head }, { width: narrow, vocabulary });
  const narrowed =
    (part: 'head' | 'readout', by: ScaledNorm['scaled']): Family['head'] =>
    (build, x) => {
      const normed = by(build, x, `${names.model}final_layer_norm`, width);
      if (narrow === width) return head[part](build, normed);
      return head[part](
        build,
        linear(build, normed, `${names.model}project_out`, { from: width, to: narrow }),
      );
    };
  return {
    name: 'opt',
    ...decoderEnds(decoder),
    embed(build, ids) {
      const found = embedding(build, ids, names.embedding, vocabulary, narrow);
      const wide =
        narrow === width
          ? found
          : linear(build, found, `${names.model}project_in`, { from: narrow, to: width });
      return learnedPositions(build, wide, {
        name: `${names.model}embed_positions`,
        width,
        first: FIRST_POSITION,
        positions: decoder.contextLength + FIRST_POSITION,
      });
    },
    block: decoderBlock(decoder, {
      norms: before
        ? { attention: { before: 'self_attn_layer_norm' }, mlp: { before: 'final_layer_norm' } }
        : { attention: {}, mlp: {} },
      attention: () => ({ bias, outBias: bias, outName: 'out_proj' }),
      mlp: (build, x, at) => plainMlp(build, x, at, mlp),
      ...(!before && {
        middle: (build, x, at) => decoder.norm(build, x, `${at}.self_attn_layer_norm`, width),
        end: (build, x, at) => decoder.norm(build, x, `${at}.final_layer_norm`, width),
      }),
    }),
    head: narrowed('head', last),
    readout: narrowed('readout', last.scaled),
  };
}
