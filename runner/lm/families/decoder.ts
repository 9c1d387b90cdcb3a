/** What decoders with Llama's names and order of parts share. A family file adds how it differs. */
import { z } from 'zod';
import { quote } from '../../errors.ts';
import type { Value } from '../../onnx/graph.ts';
import type { Aside } from '../blocks/block.ts';
import { normedHead } from '../blocks/head.ts';
import { embedding } from '../blocks/linear.ts';
import { type Activation, activationNames, gatedMlp, type MlpShape } from '../blocks/mlp.ts';
import { rmsNorm, type ScaledNorm } from '../blocks/norm.ts';
import { attentionOutput, type SelfAttentionShape, selfAttention } from '../blocks/self-attention.ts';
import type { Build } from '../build.ts';
import type { Checkpoint } from '../checkpoint.ts';
import { type Family, isNested, size } from './family.ts';
import { unsupported } from './keys.ts';

/** What the keys of a family stand for where its config.json lacks them. */
interface DecoderDefaults {
  vocabulary: number;
  width: number;
  inner: number;
  blocks: number;
  heads: number;
  context: number;
  epsilon?: number;
  tied?: boolean;
  activation?: string;
}

/** Keys that config.json files of this kind share, but for those on positions. */
export function decoderFields({ epsilon = 1e-6, tied = false, ...of }: DecoderDefaults) {
  return {
    vocab_size: size.default(of.vocabulary),
    hidden_size: size.default(of.width),
    intermediate_size: size.default(of.inner),
    num_hidden_layers: size.default(of.blocks),
    num_attention_heads: size.default(of.heads),
    max_position_embeddings: size.default(of.context),
    rms_norm_eps: z.number().nonnegative().default(epsilon),
    tie_word_embeddings: z.boolean().default(tied),
    pad_token_id: z.int().nullish(),
  };
}

/** Keys that transformers reads where they are, although they are no part of the family's class. */
export const extraHeadSize = { head_dim: size.optional() };

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
  norm: ScaledNorm;
  activation: Activation;
  /** Where its tensors lie: before `norm`, before numbers of layers, and the weights of its ends. */
  names: { model: string; layers: string; embedding: string; head: string };
}

/** Names of a decoder's parts: what may stand before them, and what they are called behind it. */
interface Layout {
  prefixes: readonly string[];
  layers: string;
  embedding: string;
}

/** Llama's; a model saved without its head has nothing before them. */
const llamaLayout: Layout = { prefixes: ['model.', ''], layers: 'layers', embedding: 'embed_tokens' };
/** In multimodal checkpoints older writers nested the text model one way round and newer ones the other. */
const nestedPrefixes = ['model.language_model.', 'language_model.model.'];

/** Null for `num_key_value_heads` is one per head, for `head_dim` the width shared between the heads. */
export function readDecoder(
  checkpoint: Checkpoint,
  config: z.output<z.ZodObject<ReturnType<typeof decoderFields>>> & {
    num_key_value_heads?: number | null | undefined;
    head_dim?: number | null | undefined;
  },
  activation: string,
  norm: (epsilon: number) => ScaledNorm = rmsNorm,
  layout = llamaLayout,
): Decoder {
  const heads = config.num_attention_heads;
  const kvHeads = config.num_key_value_heads ?? heads;
  if (heads % kvHeads !== 0) {
    throw unsupported(checkpoint, 'num_key_value_heads', `${kvHeads} of ${heads} heads`, 'a divisor');
  }
  checkPadding(checkpoint, config.pad_token_id, config.vocab_size);
  const possible = isNested(checkpoint) ? nestedPrefixes : layout.prefixes;
  const names = [...checkpoint.tensors.keys()];
  const model =
    possible.find((prefix) => names.some((name) => name.startsWith(`${prefix}${layout.layers}.`))) ??
    possible[0]!;
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
      layers: `${model}${layout.layers}`,
      ...endNames(checkpoint, {
        embedding: `${model}${layout.embedding}`,
        heads: ['lm_head', 'language_model.lm_head'],
        tied: config.tie_word_embeddings,
      }),
    },
  };
}

/**
 * Names of the embedding and the head as transformers 5 ties them: a head in the file is the head whatever the config
 * says; tied, each stands in for the other where only one is there.
 */
export function endNames(
  checkpoint: Checkpoint,
  { embedding, heads, tied }: { embedding: string; heads: readonly string[]; tied: boolean },
): { embedding: string; head: string } {
  const has = (name: string): boolean => checkpoint.tensors.has(`${name}.weight`);
  const own = heads.find(has);
  return {
    embedding: tied && own !== undefined && !has(embedding) ? own : embedding,
    head: own ?? (tied ? embedding : heads[0]!),
  };
}

/** @throws UserError for padding that is no token of the vocabulary (counted from its end where negative) */
export function checkPadding(
  checkpoint: Checkpoint,
  token: number | null | undefined,
  vocabulary: number,
  key = 'vocab_size',
): void {
  if (token == null || (token < vocabulary && token >= -vocabulary)) return;
  throw unsupported(checkpoint, 'pad_token_id', `${token}`, `a token below ${key} ${vocabulary}, or null`);
}

/** @throws UserError where more experts are asked for than there are */
export function checkExperts(checkpoint: Checkpoint, chosen: number, count: number): void {
  if (chosen <= count) return;
  throw unsupported(checkpoint, 'num_experts_per_tok', `${chosen} of ${count} experts`, `at most ${count}`);
}

/** @throws UserError where the width cannot be shared between the heads, of families that ask for it */
export function checkShares(checkpoint: Checkpoint, width: number, heads: number): void {
  if (width % heads === 0) return;
  throw unsupported(checkpoint, 'num_attention_heads', `${heads} heads of ${width} numbers`, 'a divisor');
}

/** @throws UserError for an activation that is not one of those known */
export function readActivation(checkpoint: Checkpoint, name: string): Activation {
  const known = activationNames.find((each) => each === name);
  if (known === undefined) {
    throw unsupported(checkpoint, 'activation', JSON.stringify(name), activationNames.join(', '));
  }
  return known;
}

/** Kinds of attention by the names of `layer_types`, older ones included. */
const attentionTypes: Readonly<Record<string, 'full' | 'sliding' | 'chunked' | 'linear'>> = {
  full_attention: 'full',
  attention: 'full',
  sliding_attention: 'sliding',
  chunked_attention: 'chunked',
  linear_attention: 'linear',
  mamba: 'linear',
};

export type AttentionType = (typeof attentionTypes)[string];

/**
 * `layer_types` of a config, one per block; null where it has none.
 *
 * @throws UserError for another number of them, or a type that the family does not have
 */
export function readLayerTypes(
  checkpoint: Checkpoint,
  types: readonly string[] | null | undefined,
  blocks: number,
  allowed: readonly AttentionType[],
): AttentionType[] | null {
  if (types == null) return null;
  if (types.length !== blocks) {
    throw unsupported(
      checkpoint,
      'layer_types',
      `a list of ${types.length}`,
      `${blocks}, one for each block`,
    );
  }
  return types.map((type) => {
    const found = Object.hasOwn(attentionTypes, type) ? attentionTypes[type] : undefined;
    if (found !== undefined && allowed.includes(found)) return found;
    const names = Object.keys(attentionTypes).filter((name) => allowed.includes(attentionTypes[name]!));
    throw unsupported(checkpoint, 'layer_types', quote(type), names.join(' or '));
  });
}

/**
 * The window of each block: `layer_types` if the config has it, else by the family's rule.
 *
 * @throws UserError for a type of layer that is neither full nor sliding attention, or sliding without a window
 */
export function readWindows(
  checkpoint: Checkpoint,
  layers: { count: number; types?: readonly string[] | null | undefined; window?: number | null | undefined },
  slides: (index: number) => boolean,
): (number | undefined)[] {
  const types =
    readLayerTypes(checkpoint, layers.types, layers.count, ['full', 'sliding']) ??
    Array.from({ length: layers.count }, (_, i) => (slides(i) ? 'sliding' : 'full'));
  return types.map((type) => {
    if (type === 'full') return undefined;
    checkWindow(checkpoint, layers.window);
    if (layers.window != null) return layers.window;
    throw unsupported(checkpoint, 'layer_types', 'sliding_attention, and no sliding_window', 'a window');
  });
}

/** @throws UserError for a window that no token lies in: what transformers gives then depends on the attention it uses */
export function checkWindow(checkpoint: Checkpoint, window: number | null | undefined): void {
  if (window == null || window > 0) return;
  throw unsupported(checkpoint, 'sliding_window', `${window}`, 'at least 1 token, or null for none');
}

/** Names of the norms around a part; an absent one is not there. */
interface Norms {
  before?: string;
  after?: string;
}

export interface BlockParts {
  norms?: Record<'attention' | 'mlp', Norms>;
  /** What the attention of block `index` has beyond its sizes, or what stands in its place. */
  attention(index: number): Partial<SelfAttentionShape> | MixingPart;
  mlp?: Partial<MlpShape> | Part;
  /** Whether attention and MLP both read the residual before the block. */
  parallel?: boolean;
  /** Factor of what is added to the residual. */
  gain?: number;
  /** What is made of the residual before attention, after it, and after the MLP. */
  begin?(build: Build, x: Value, at: string, aside: Aside): Value;
  middle?(build: Build, x: Value, at: string, aside: Aside): Value;
  end?(build: Build, x: Value, at: string, index: number, aside: Aside): Value;
  /** Name of the attention's tensors in a block; default self_attn. */
  attentionName?: string;
}

/** A part of block `index`, whose tensors lie under `at`: x [N, width] -> [N, width]; `residual` stands beside x. */
type Part = (build: Build, x: Value, at: string, index: number, residual: Value) => Value;

/** What mixes tokens in the place of attention; tensors of the block lie under `at`. */
export interface MixingPart {
  mixedWidth: number;
  /** [N, width] -> [N, mixedWidth] */
  mix(build: Build, x: Value, at: string, aside: Aside): Value;
  /** [N, mixedWidth] -> [N, width] */
  out(build: Build, mixed: Value, at: string): Value;
}

const preNorms: Record<'attention' | 'mlp', Norms> = {
  attention: { before: 'input_layernorm' },
  mlp: { before: 'post_attention_layernorm' },
};

/** x + attention(norm(x)), then x + mlp(norm(x)), with norms where the family has them. */
export function decoderBlock(decoder: Decoder, parts: BlockParts): Family['block'] {
  const { width, inner, activation, heads, kvHeads, headSize } = decoder;
  const { norms = preNorms, mlp = {}, begin, middle, end, gain = 1, parallel = false } = parts;
  return (index) => {
    const at = `${decoder.names.layers}.${index}`;
    const normed = (build: Build, x: Value, name: string | undefined): Value =>
      name === undefined ? x : decoder.norm(build, x, `${at}.${name}`, width);
    const raised = (build: Build, x: Value): Value =>
      gain === 1 ? x : build.graph.node('Mul', [x, build.graph.scalar(gain)]);
    const given = parts.attention(index);
    const { mixedWidth, mix, out } =
      'mix' in given
        ? given
        : attentionPart({ width, heads, kvHeads, headSize, ...given }, parts.attentionName);
    return {
      parallel,
      normsWhatIsAdded: norms.mlp.after !== undefined,
      mixedWidth,
      beforeAttention: (build, x) => normed(build, x, norms.attention.before),
      mix: (build, x, aside) => mix(build, x, at, aside),
      afterAttention: (build, mixed) =>
        raised(build, normed(build, out(build, mixed, at), norms.attention.after)),
      beforeMlp: (build, x) => normed(build, x, norms.mlp.before),
      mlp(build, x, residual) {
        const found =
          typeof mlp === 'function'
            ? mlp(build, x, at, index, residual)
            : gatedMlp(build, x, `${at}.mlp`, { width, inner, activation, ...mlp });
        return raised(build, normed(build, found, norms.mlp.after));
      },
      ...(begin && { begin: (build: Build, x: Value, aside: Aside) => begin(build, x, at, aside) }),
      ...(middle && { middle: (build: Build, x: Value, aside: Aside) => middle(build, x, at, aside) }),
      ...(end && { end: (build: Build, x: Value, aside: Aside) => end(build, x, at, index, aside) }),
    };
  };
}

function attentionPart(shape: SelfAttentionShape, name = 'self_attn'): MixingPart {
  return {
    mixedWidth: shape.heads * shape.headSize,
    mix: (build, x, at, aside) => selfAttention(build, x, `${at}.${name}`, shape, aside),
    out: (build, mixed, at) => attentionOutput(build, mixed, `${at}.${name}`, shape),
  };
}

/** An embedding times a factor. */
export function timesFactor(embed: Family['embed'], factor: number): Family['embed'] {
  return (build, ids, aside) =>
    build.graph.node('Mul', [embed(build, ids, aside), build.graph.scalar(factor)]);
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
    ...normedHead(decoder.norm, { norm: `${names.model}norm`, weight: names.head }, { width, vocabulary }),
  };
}
