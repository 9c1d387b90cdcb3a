import { z } from 'zod';
import { quote } from '../../errors.ts';
import type { Value } from '../../onnx/graph.ts';
import { chosenShares, mixture, packedExpert } from '../blocks/experts.ts';
import { layerInputs, ofLayerInput } from '../blocks/layer-inputs.ts';
import { linear } from '../blocks/linear.ts';
import { gatedMlp } from '../blocks/mlp.ts';
import { bareRmsNorm, headNorm, rmsNorm } from '../blocks/norm.ts';
import type { Build } from '../build.ts';
import type { Checkpoint } from '../checkpoint.ts';
import {
  type BlockParts,
  checkExperts,
  checkWindow,
  type Decoder,
  decoderBlock,
  decoderEnds,
  decoderFields,
  readDecoder,
  readLayerTypes,
} from './decoder.ts';
import { type Family, size, textPart } from './family.ts';
import { cap, cappedHead, gemmaNorms, scaledEmbedding } from './gemma2.ts';
import { configKeys, readConfig, unsupported } from './keys.ts';
import { partialOf, type RopeSettings, ropeFields, ropeSettings, rotaryOf } from './rope.ts';
import { keySharing, type LayerKind, sharedAside, sharedKeys } from './shared-keys.ts';

/** Settings of one kind of layer: only these of it may have other sizes. */
const layerSizes = z.strictObject({ head_dim: size.optional(), num_key_value_heads: size.optional() });

const sizes = { vocabulary: 262_144, width: 2304, inner: 9216, blocks: 30, heads: 8, tied: true };

/** Keys of all models. */
const commonFields = {
  ...decoderFields({ ...sizes, context: 131_072 }),
  num_key_value_heads: size.default(4),
  head_dim: size.default(256),
  pad_token_id: z.int().nullable().default(0),
  hidden_activation: z.string().default('gelu_pytorch_tanh'),
  attention_bias: z.boolean().default(false),
  sliding_window: z.int().default(512),
  layer_types: z.array(z.string()).nullish(),
  final_logit_softcapping: cap.default(null),
  use_bidirectional_attention: z.enum(['all', 'vision']).nullish(),
  rope_theta: ropeFields.rope_theta,
  partial_rotary_factor: ropeFields.partial_rotary_factor,
  rope_parameters: z
    .object({ full_attention: ropeSettings.nullish(), sliding_attention: ropeSettings.nullish() })
    .nullish(),
  num_kv_shared_layers: z.int().nonnegative().default(0),
  use_double_wide_mlp: z.boolean().default(false),
  attention_k_eq_v: z.boolean().default(false),
  // Not of the class, which makes per_layer_config of them where there is none.
  global_head_dim: size.default(512),
  num_global_key_value_heads: size.nullish(),
  per_layer_config: z.record(z.string(), layerSizes).nullish(),
};

const others = {
  withoutEffect: { attention_dropout: z.number().nullish() },
  aliases: { rope_scaling: 'rope_parameters' },
};

export const gemma4Keys = configKeys(
  'Gemma4',
  {
    ...commonFields,
    hidden_size_per_layer_input: z.int().nonnegative().default(256),
    vocab_size_per_layer_input: size.default(262_144),
    enable_moe_block: z.boolean().default(false),
    num_experts: size.nullish(),
    top_k_experts: size.nullish(),
    moe_intermediate_size: size.nullish(),
  },
  others,
);

export const gemma4UnifiedKeys = configKeys(
  'Gemma4Unified',
  {
    ...commonFields,
    max_position_embeddings: size.default(262_144),
    sliding_window: z.int().default(1024),
  },
  others,
);

type Config = z.output<z.ZodObject<typeof gemma4Keys.read>>;

const plainRope: Record<'full' | 'sliding', RopeSettings> = {
  full: { rope_type: 'proportional', partial_rotary_factor: 0.25, rope_theta: 1_000_000 },
  sliding: { rope_type: 'default', rope_theta: 10_000 },
};

/**
 * Gemma 4 (text): full layers with larger heads of fewer keys, which may be the values as well, normed values, a factor
 * at the end of each block. In the sparse models experts beside the MLP; in the small ones an embedding for each layer, and
 * last layers that take keys and values of earlier ones, all of which travels beside the residual.
 */
export function gemma4(checkpoint: Checkpoint): Family {
  const text = textPart(checkpoint, (_, whole) => whole ?? true);
  return family(checkpoint, text, readConfig(text, gemma4Keys));
}

/** Gemma 4 12B (text): neither experts nor inputs of layers. */
export function gemma4Unified(checkpoint: Checkpoint): Family {
  const text = textPart(checkpoint, (_, whole) => whole ?? true);
  const without = { hidden_size_per_layer_input: 0, vocab_size_per_layer_input: 1, enable_moe_block: false };
  return family(checkpoint, text, { ...readConfig(text, gemma4UnifiedKeys), ...without });
}

function family(checkpoint: Checkpoint, text: Checkpoint, config: Config): Family {
  if (config.use_bidirectional_attention === 'all') {
    throw unsupported(text, 'use_bidirectional_attention', 'all', 'causal attention (null or vision)');
  }
  const decoder = readDecoder(text, config, config.hidden_activation, rmsNorm);
  const ends = scaledEmbedding(decoder, decoderEnds(decoder));
  const places = text === checkpoint ? [] : placeholders(checkpoint, config);
  const types =
    readLayerTypes(text, config.layer_types, decoder.blocks, ['full', 'sliding']) ??
    Array.from({ length: decoder.blocks }, (_, i) => ((i + 1) % 6 === 0 ? 'full' : 'sliding'));
  // Whatever the config says of the last one.
  types[decoder.blocks - 1] = 'full';
  const own = types.map((type, index) => sizesOf(text, config, type === 'full', index));
  const attention = { full: own[types.indexOf('full')]!, sliding: own[types.indexOf('sliding')] };
  for (const [index, type] of types.entries()) {
    const first = attention[type as 'full' | 'sliding']!;
    if (first.headSize === own[index]!.headSize && first.kvHeads === own[index]!.kvHeads) continue;
    throw unsupported(text, 'per_layer_config', `layer ${index} unlike others of its kind`, 'one kind alike');
  }
  const bias = config.attention_bias;
  if (attention.sliding !== undefined) checkWindow(text, config.sliding_window);
  const perLayer = config.hidden_size_per_layer_input;
  const sharing = keySharing(text, config.num_kv_shared_layers, types);
  if (config.num_kv_shared_layers > 0 && perLayer === 0) {
    const found = `${config.num_kv_shared_layers} without hidden_size_per_layer_input`;
    throw unsupported(text, 'num_kv_shared_layers', found, 'both, without which transformers fails');
  }
  const layerShape = {
    width: decoder.width,
    size: perLayer,
    layers: decoder.blocks,
    vocabulary: config.vocab_size_per_layer_input,
    norm: decoder.norm,
    activation: decoder.activation,
  };
  const keysOf = (of: LayerSizes | undefined): number => (of === undefined ? 0 : of.kvHeads * of.headSize);
  const keys = { full: keysOf(attention.full), sliding: keysOf(attention.sliding) };
  const shapes = {
    full: attentionOf('full', attention.full),
    sliding: attention.sliding && attentionOf('sliding', attention.sliding),
  };

  function attentionOf(kind: 'full' | 'sliding', { headSize, kvHeads }: LayerSizes) {
    const given = config.rope_parameters == null ? plainRope : ropeOf(config.rope_parameters);
    const rope = given[kind];
    if (rope?.rope_theta === undefined || text.config.rope_scaling === null) {
      const found = quote(JSON.stringify(text.config.rope_scaling ?? text.config.rope_parameters));
      throw unsupported(text, 'rope_parameters', found, `${kind}_attention with a rope_theta`);
    }
    const settings = { ...rope, partial_rotary_factor: partialOf(text, rope) };
    return {
      headSize,
      kvHeads,
      bias,
      outBias: bias,
      scale: 1,
      rotary: rotaryOf(text, settings, { headSize, contextLength: decoder.contextLength }),
      norm: headNorm(decoder.norm, headSize),
      valueNorm: headNorm(bareRmsNorm(config.rms_norm_eps), headSize),
      keysAreValues: kind === 'full' && config.attention_k_eq_v,
      window: kind === 'sliding' ? config.sliding_window : undefined,
    };
  }

  const { width, activation } = decoder;
  const inner = (index: number): number =>
    decoder.inner * (config.use_double_wide_mlp && sharing.taken(index) ? 2 : 1);
  const sparse = config.enable_moe_block ? besideExperts(text, config, decoder, inner) : undefined;
  return {
    name: 'gemma4',
    ...ends,
    embed(build, ids, aside) {
      const known = padded(build, ids, places, config.pad_token_id ?? 0);
      const found = ends.embed(build, known, aside);
      if (perLayer > 0) {
        const inputs = layerInputs(build, known, found, decoder.names.model, layerShape);
        for (const [index, input] of inputs.entries()) aside.set(`input ${index}`, input);
      }
      return found;
    },
    aside: (hook) => sharedAside(hook, sharing, { keys, input: perLayer, layers: decoder.blocks }),
    head: cappedHead(ends, config.final_logit_softcapping),
    block: decoderBlock(decoder, {
      norms: gemmaNorms,
      attention(index) {
        const kind = types[index] as LayerKind;
        return { ...shapes[kind]!, ...sharedKeys(sharing, kind, index) };
      },
      mlp: (build, x, at, index, residual) =>
        sparse?.(build, x, at, index, residual) ??
        gatedMlp(build, x, `${at}.mlp`, { width, inner: inner(index), activation }),
      end(build, x, at, index, aside) {
        const { graph } = build;
        const input = aside.get(`input ${index}`)!;
        const whole =
          perLayer === 0 ? x : graph.node('Add', [x, ofLayerInput(build, x, input, at, layerShape)]);
        return graph.node('Mul', [whole, build.weight(`${at}.layer_scalar`, [1])]);
      },
    }),
  };
}

/** Where images, videos and sounds go stand the embedding of padding, which a text with such a token gets as well. */
function padded({ graph }: Build, ids: Value, places: readonly number[], padding: number): Value {
  const filler = graph.int32s([padding]);
  return places.reduce(
    (found, place) => graph.node('Where', [graph.node('Equal', [ids, graph.int32s([place])]), filler, found]),
    ids,
  );
}

function placeholders({ config: whole, ...checkpoint }: Checkpoint, config: Config): number[] {
  const found = z
    .object({
      image_token_id: z.int().nullable().default(258_880),
      video_token_id: z.int().nullable().default(258_884),
      audio_token_id: z.int().nullable().default(258_881),
    })
    .safeParse(whole);
  const at = { ...checkpoint, config: whole };
  if (!found.success)
    throw unsupported(at, 'image_token_id', 'another type', 'a token for each kind of input');
  if (config.pad_token_id === null) throw unsupported(at, 'text_config.pad_token_id', 'null', 'a token');
  return Object.values(found.data).filter(
    (id) => id !== null && id >= 0 && id < config.vocab_size,
  ) as number[];
}

interface LayerSizes {
  headSize: number;
  kvHeads: number;
}

function sizesOf(text: Checkpoint, config: Config, full: boolean, index: number): LayerSizes {
  const beyond = Object.keys(config.per_layer_config ?? {}).find(
    (key) => !(Number(key) < config.num_hidden_layers),
  );
  if (beyond !== undefined) throw unsupported(text, 'per_layer_config', quote(beyond), 'numbers of layers');
  const own = config.per_layer_config === undefined ? undefined : (config.per_layer_config?.[index] ?? {});
  const global = full
    ? {
        head_dim: config.global_head_dim,
        num_key_value_heads: config.attention_k_eq_v
          ? (config.num_global_key_value_heads ?? undefined)
          : undefined,
      }
    : {};
  const { head_dim: headSize = config.head_dim, num_key_value_heads: kvHeads = config.num_key_value_heads } =
    own ?? global;
  if (config.num_attention_heads % kvHeads === 0) return { headSize, kvHeads };
  const found = `${kvHeads} of ${config.num_attention_heads} heads`;
  throw unsupported(text, 'num_key_value_heads', found, 'a divisor');
}

function ropeOf(given: NonNullable<Config['rope_parameters']>) {
  return { full: given.full_attention, sliding: given.sliding_attention };
}

/** The MLP and experts side by side, which read the residual through norms of their own. */
function besideExperts(
  text: Checkpoint,
  config: Config,
  decoder: Decoder,
  innerOf: (index: number) => number,
): Extract<BlockParts['mlp'], (...of: never[]) => unknown> {
  const { width, activation, norm } = decoder;
  const need = (key: 'num_experts' | 'top_k_experts' | 'moe_intermediate_size'): number => {
    const value = config[key];
    if (value != null) return value;
    throw unsupported(text, key, 'none', 'a number, as enable_moe_block says');
  };
  const [count, chosen] = [need('num_experts'), need('top_k_experts')];
  const expertInner = need('moe_intermediate_size');
  checkExperts(text, chosen, count);
  const routerNorm = bareRmsNorm(config.rms_norm_eps);
  return (build, x, at, index, residual) => {
    const { graph } = build;
    const normed = (of: Value, name: string): Value => norm(build, of, `${at}.${name}`, width);
    const dense = gatedMlp(build, x, `${at}.mlp`, { width, inner: innerOf(index), activation });
    const gain = graph.node('Mul', [
      build.weight(`${at}.router.scale`, [width]),
      graph.scalar(width ** -0.5),
    ]);
    const routed = graph.node('Mul', [routerNorm(build, residual, '', width), gain]);
    const scores = linear(build, routed, `${at}.router.proj`, { from: width, to: count });
    const scale = graph.withPrecision('float32', () =>
      build.weight(`${at}.router.per_expert_scale`, [count]),
    );
    const shares = graph.node('Mul', [chosenShares(build, scores, { chosen, normalise: true }), scale]);
    const sparse = mixture(build, normed(residual, 'pre_feedforward_layernorm_2'), shares, {
      count,
      expert: packedExpert(build, `${at}.experts`, { width, count, activation, inner: expertInner }),
    });
    return graph.node('Add', [
      normed(dense, 'post_feedforward_layernorm_1'),
      normed(sparse, 'post_feedforward_layernorm_2'),
    ]);
  };
}
