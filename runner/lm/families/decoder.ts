/** What decoders with Llama's names and order of parts share. A family file adds how it differs. */
import { z } from 'zod';
import type { Value } from '../../onnx/graph.ts';
import { embedding, linear } from '../blocks/linear.ts';
import { type Activation, activationNames, gatedMlp, type MlpShape } from '../blocks/mlp.ts';
import { type Norm, rmsNorm } from '../blocks/norm.ts';
import { type SelfAttentionShape, selfAttention } from '../blocks/self-attention.ts';
import type { Build } from '../build.ts';
import type { Checkpoint } from '../checkpoint.ts';
import { type Family, size, unsupported } from './family.ts';
import { ropeFields } from './rope.ts';

/** Fields that config.json files of this kind share, but for those on positions. */
export const sizeFields = {
  hidden_size: size,
  intermediate_size: size,
  num_hidden_layers: size,
  num_attention_heads: size,
  num_key_value_heads: size.nullish(),
  head_dim: size.nullish(),
  vocab_size: size,
  max_position_embeddings: size,
  rms_norm_eps: z.number().positive(),
  tie_word_embeddings: z.boolean().default(false),
};

export const decoderFields = { ...sizeFields, ...ropeFields };

/** The parts of a decoder that follow from its config alone. */
export interface Decoder {
  blocks: number;
  width: number;
  heads: number;
  kvHeads: number;
  headSize: number;
  inner: number;
  vocabulary: number;
  contextLength: number;
  norm: Norm;
  activation: Activation;
  /** Where its tensors lie: before `layers` and `norm`, and the head's weight. */
  names: { model: string; embedding: string; head: string };
}

/** Multimodal checkpoints nest the text model, older writers one way round and newer ones the other. */
const prefixes = ['model', 'model.language_model', 'language_model.model'];

export function readDecoder(
  checkpoint: Checkpoint,
  config: z.infer<z.ZodObject<typeof sizeFields>>,
  activation: string,
  norm: (epsilon: number) => Norm = rmsNorm,
): Decoder {
  const heads = config.num_attention_heads;
  const kvHeads = config.num_key_value_heads ?? heads;
  if (heads % kvHeads !== 0) {
    throw unsupported(checkpoint, 'num_key_value_heads', `${kvHeads} of ${heads} heads`, 'a divisor');
  }
  const has = (name: string): boolean => checkpoint.tensors.has(`${name}.weight`);
  const model = prefixes.find((prefix) => has(`${prefix}.embed_tokens`)) ?? 'model';
  const ownHead = has('language_model.lm_head') ? 'language_model.lm_head' : 'lm_head';
  return {
    blocks: config.num_hidden_layers,
    width: config.hidden_size,
    heads,
    kvHeads,
    headSize: config.head_dim ?? Math.floor(config.hidden_size / heads),
    inner: config.intermediate_size,
    vocabulary: config.vocab_size,
    contextLength: config.max_position_embeddings,
    norm: norm(config.rms_norm_eps),
    activation: readActivation(checkpoint, activation),
    names: {
      model,
      embedding: `${model}.embed_tokens`,
      head: config.tie_word_embeddings ? `${model}.embed_tokens` : ownHead,
    },
  };
}

/** @throws UserError for an activation that is not one of those known */
export function readActivation(checkpoint: Checkpoint, name: string): Activation {
  const known = activationNames.find((each) => each === name);
  if (known === undefined) {
    throw unsupported(checkpoint, 'activation', JSON.stringify(name), activationNames.join(', '));
  }
  return known;
}

/**
 * The window of each block: `layer_types` if the config has it, else by the family's rule.
 *
 * @throws UserError for a type of layer that is neither full nor sliding attention
 */
export function readWindows(
  checkpoint: Checkpoint,
  layers: { count: number; types?: readonly string[] | null | undefined; window?: number | null | undefined },
  slides: (index: number) => boolean,
): (number | undefined)[] {
  const types =
    layers.types ??
    Array.from({ length: layers.count }, (_, i) => (slides(i) ? 'sliding_attention' : 'full_attention'));
  if (types.length !== layers.count) {
    throw unsupported(checkpoint, 'layer_types', `${types.length} entries`, `${layers.count}`);
  }
  return types.map((type) => {
    if (type === 'full_attention') return undefined;
    if (type === 'sliding_attention') return layers.window ?? undefined;
    throw unsupported(checkpoint, 'layer_types', JSON.stringify(type), 'full_attention or sliding_attention');
  });
}

/** Names of the norms around a part; an absent one is not there. */
interface Norms {
  before?: string;
  after?: string;
}

export interface BlockParts {
  norms?: { attention: Norms; mlp: Norms };
  /** What the attention of block `index` has beyond its sizes, or what stands in its place. */
  attention(index: number): Partial<SelfAttentionShape> | Part;
  mlp?: Partial<MlpShape> | Part;
}

/** A part of block `index`, whose tensors lie under `at`: x [N, width] -> [N, width]. */
type Part = (build: Build, x: Value, at: string, index: number) => Value;

const preNorms = {
  attention: { before: 'input_layernorm' },
  mlp: { before: 'post_attention_layernorm' },
};

/** x + attention(norm(x)), then x + mlp(norm(x)), with norms where the family has them. */
export function decoderBlock(decoder: Decoder, parts: BlockParts): Family['block'] {
  const { width, inner, activation, heads, kvHeads, headSize } = decoder;
  const { norms = preNorms, mlp = {} } = parts;
  return (build, index, residual) => {
    const at = `${decoder.names.model}.layers.${index}`;
    const normed = (x: Value, name: string | undefined): Value =>
      name === undefined ? x : decoder.norm(build, x, `${at}.${name}`, width);
    const around = (x: Value, { before, after }: Norms, part: (x: Value) => Value): Value =>
      build.graph.node('Add', [x, normed(part(normed(x, before)), after)]);
    const attention = parts.attention(index);
    const mixed = around(residual, norms.attention, (x) =>
      typeof attention === 'function'
        ? attention(build, x, at, index)
        : selfAttention(build, x, `${at}.self_attn`, { width, heads, kvHeads, headSize, ...attention }),
    );
    return around(mixed, norms.mlp, (x) =>
      typeof mlp === 'function'
        ? mlp(build, x, at, index)
        : gatedMlp(build, x, `${at}.mlp`, { width, inner, activation, ...mlp }),
    );
  };
}

/** All of a family but its name and blocks. */
export function decoderEnds(decoder: Decoder): Omit<Family, 'name' | 'block'> {
  const { width, vocabulary, names } = decoder;
  return {
    blocks: decoder.blocks,
    dModel: width,
    vocabulary,
    contextLength: decoder.contextLength,
    embed: (build, ids) => embedding(build, ids, names.embedding, vocabulary, width),
    head(build, residual) {
      const x = decoder.norm(build, residual, `${names.model}.norm`, width);
      return linear(build, x, names.head, { from: width, to: vocabulary });
    },
  };
}
