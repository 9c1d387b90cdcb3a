import { z } from 'zod';
import type { Value } from '../../onnx/graph.ts';
import {
  type AltUpShape,
  addedToLater,
  allStreams,
  corrected,
  firstStreams,
  mergedStreams,
  otherStreams,
  predicted,
  streamOf,
} from '../blocks/altup.ts';
import type { Aside } from '../blocks/block.ts';
import { layerInputs, ofLayerInput } from '../blocks/layer-inputs.ts';
import { linear } from '../blocks/linear.ts';
import { gatedMlp } from '../blocks/mlp.ts';
import { bareRmsNorm, headNorm, rmsNorm } from '../blocks/norm.ts';
import type { Build } from '../build.ts';
import type { Checkpoint } from '../checkpoint.ts';
import {
  checkPadding,
  checkShares,
  checkWindow,
  type Decoder,
  decoderBlock,
  decoderEnds,
  decoderFields,
  readDecoder,
  readLayerTypes,
} from './decoder.ts';
import { type Family, size, textPart } from './family.ts';
import { cappedHead, gemmaNorms, scaledEmbedding } from './gemma2.ts';
import { checkFullBase, twoRopeFields, twoRotaries } from './gemma3.ts';
import { configKeys, readConfig, unsupported } from './keys.ts';
import { keySharing, type LayerKind, sharedAside, sharedKeys } from './shared-keys.ts';
import { readSoftTokens, withSoftTokens } from './soft-tokens.ts';

export const gemma3nKeys = configKeys(
  'Gemma3n',
  {
    ...decoderFields({
      vocabulary: 262_400,
      width: 2048,
      inner: 16_384,
      blocks: 35,
      heads: 8,
      context: 32_768,
      tied: true,
    }),
    ...twoRopeFields,
    intermediate_size: z.union([size, z.array(size)]).default(16_384),
    num_key_value_heads: size.default(2),
    head_dim: size.default(256),
    pad_token_id: z.int().nullable().default(0),
    hidden_activation: z.string().default('gelu_pytorch_tanh'),
    attention_bias: z.boolean().default(false),
    sliding_window: z.int().default(512),
    layer_types: z.array(z.string()).nullish(),
    final_logit_softcapping: z.number().positive().default(30),
    vocab_size_per_layer_input: size.default(262_144),
    hidden_size_per_layer_input: size.default(256),
    altup_active_idx: z.int().nonnegative().default(0),
    altup_correct_scale: z.boolean().default(true),
    altup_num_inputs: size.default(4),
    num_kv_shared_layers: z.int().nonnegative().default(15),
    laurel_rank: size.default(64),
    activation_sparsity_pattern: z.array(z.number()).nullish(),
  },
  { withoutEffect: { attention_dropout: z.number().nullish(), altup_coef_clip: z.number().optional() } },
);

type Config = z.output<z.ZodObject<typeof gemma3nKeys.read>>;

/** Names of what travels: the streams beside the active one, and within a block the predictions of all. */
const STREAMS = 'streams';
const PREDICTIONS = 'predictions';

/**
 * Gemma 3n (text): AltUp's residual streams, of which blocks compute with one; a low-rank part of the residual beside attention
 * (Laurel); gates of the first MLPs cut at a quantile; inputs of layers and keys of earlier layers, as in Gemma 4.
 *
 * Hooks are in the active stream, which is what attention and MLP read and add to: between blocks it is
 * `hidden_states[altup_active_idx]` of transformers' stack of all streams, within one its prediction. What takes its place is
 * replaced there alone; the other streams, or the predictions, travel beside it as they are.
 */
export function gemma3n(checkpoint: Checkpoint): Family {
  const text = textPart(checkpoint, (_, whole) => whole ?? true);
  const config = readConfig(text, gemma3nKeys);
  const { altup_num_inputs: count, altup_active_idx: active, vocab_size_per_layer_input: rows } = config;
  if (active >= count) {
    throw unsupported(text, 'altup_active_idx', `${active} of ${count} streams`, 'a number of one of them');
  }
  checkShares(text, config.hidden_size, config.num_attention_heads);
  checkWindow(text, config.sliding_window);
  checkPadding(text, config.pad_token_id, rows, 'vocab_size_per_layer_input');
  const blocks = config.num_hidden_layers;
  const inner = perLayer(text, 'intermediate_size', config.intermediate_size, blocks);
  const sparsity = sparsityOf(text, config);
  const decoder = readDecoder(
    text,
    { ...config, intermediate_size: inner[0]! },
    config.hidden_activation,
    rmsNorm,
  );
  const { width, norm, activation, headSize } = decoder;
  const ends = scaledEmbedding(decoder, decoderEnds(decoder));
  const soft = text === checkpoint ? [] : readSoftTokens(checkpoint, decoder);
  const types =
    readLayerTypes(text, config.layer_types, blocks, ['full', 'sliding']) ??
    Array.from({ length: blocks }, (_, i) => ((i + 1) % 5 === 0 ? 'full' : 'sliding'));
  const sharing = keySharing(text, config.num_kv_shared_layers, types);
  // Scaling is laid over what full attention has, and else there need be none.
  if (config.rope_scaling != null) checkFullBase(text, config);
  const rotaries = twoRotaries(text, config, decoder);
  const bias = config.attention_bias;
  const attention = {
    bias,
    outBias: bias,
    scale: 1,
    norm: headNorm(norm, headSize),
    valueNorm: headNorm(bareRmsNorm(config.rms_norm_eps), headSize),
  };
  const streams: AltUpShape = { width, count, active, norm };
  const inputs = {
    width,
    size: config.hidden_size_per_layer_input,
    layers: blocks,
    vocabulary: rows,
    norm,
    activation,
  };
  const keys = decoder.kvHeads * headSize;
  const travelling = { keys: { full: keys, sliding: keys }, input: inputs.size, layers: blocks };

  /** The active stream of all, the others put aside. */
  function apart(build: Build, all: Value, aside: Aside): Value {
    if (count > 1) aside.set(STREAMS, otherStreams(build, all, streams));
    return streamOf(build, all, streams, active);
  }

  const together = (build: Build, own: Value, aside: Aside): Value =>
    allStreams(build, own, aside.get(STREAMS), streams);

  return {
    name: 'gemma3n',
    ...ends,
    notes: [`hooks are in the active one of ${count} residual streams, number ${active}`],
    embed(build, ids, aside) {
      const { graph } = build;
      const found = withSoftTokens(build, ids, ends.embed(build, ids, aside), soft);
      const beyond = graph.node('GreaterOrEqual', [ids, graph.int32s([rows])]);
      // Tokens that the table of inputs has no row of take its first.
      const known = rows < decoder.vocabulary ? graph.node('Where', [beyond, graph.int32s([0]), ids]) : ids;
      for (const [index, input] of layerInputs(build, known, found, decoder.names.model, inputs).entries())
        aside.set(`input ${index}`, input);
      return apart(build, firstStreams(build, found, decoder.names.model, streams), aside);
    },
    aside(hook) {
      const found = sharedAside(hook, sharing, travelling);
      const between = hook.site === 'resid_pre' || hook.site === 'resid_post';
      if (!between) found.set(PREDICTIONS, count * width);
      else if (count > 1) found.set(STREAMS, (count - 1) * width);
      return found;
    },
    merge: (build, residual, aside) =>
      mergedStreams(build, together(build, residual, aside), decoder.names.model, streams),
    head: cappedHead(ends, config.final_logit_softcapping),
    readout: (build, directions) => ends.readout(build, share(build, directions, decoder, streams)),
    block: decoderBlock(decoder, {
      norms: gemmaNorms,
      attention(index) {
        const kind = types[index] as LayerKind;
        const own =
          kind === 'full'
            ? { rotary: rotaries.global }
            : { rotary: rotaries.local, window: config.sliding_window };
        return { ...attention, ...own, ...sharedKeys(sharing, kind, index) };
      },
      mlp: (build, x, at, index) =>
        gatedMlp(build, x, `${at}.mlp`, {
          width,
          inner: inner[index]!,
          activation,
          sparsity: sparsity[index]!,
        }),
      begin(build, x, at, aside) {
        const predictions = predicted(build, together(build, x, aside), `${at}.altup`, streams);
        aside.set(PREDICTIONS, predictions);
        return streamOf(build, predictions, streams, active);
      },
      middle(build, x, at, aside) {
        const { graph } = build;
        const before = streamOf(build, aside.get(PREDICTIONS)!, streams, active);
        const sum = graph.node('Add', [x, laurel(build, before, at, config, decoder)]);
        return graph.node('Mul', [sum, graph.scalar(Math.SQRT1_2)]);
      },
      end(build, x, at, index, aside) {
        const { graph } = build;
        const all = corrected(build, aside.get(PREDICTIONS)!, x, `${at}.altup`, streams);
        const own = streamOf(build, all, streams, active);
        const read = config.altup_correct_scale
          ? graph.node('Mul', [own, build.weight(`${at}.altup.correct_output_scale`, [width])])
          : own;
        const input = ofLayerInput(build, read, aside.get(`input ${index}`)!, at, inputs);
        return apart(build, addedToLater(build, all, input, streams), aside);
      },
    }),
  };
}

/** What attention reads, and a low-rank product of it, normed; x is the residual before, [N, width]. */
function laurel(build: Build, x: Value, at: string, config: Config, { width, norm }: Decoder): Value {
  const rank = config.laurel_rank;
  const read = norm(build, x, `${at}.input_layernorm`, width);
  const low = linear(build, read, `${at}.laurel.linear_left`, { from: width, to: rank });
  const product = linear(build, low, `${at}.laurel.linear_right`, { from: rank, to: width });
  return build.graph.node('Add', [read, norm(build, product, `${at}.laurel.post_laurel_norm`, width)]);
}

/** What directions of the active stream are in what the head reads, were streams as large as they are by themselves. */
function share(
  build: Build,
  directions: Value,
  decoder: Decoder,
  { count, active, width }: AltUpShape,
): Value {
  const { graph } = build;
  const at = `${decoder.names.model}altup_unembed_projections.${active - 1}`;
  const own = active === 0 ? directions : linear(build, directions, at, { from: width, to: width });
  return graph.node('Mul', [own, graph.scalar(1 / count)]);
}

function perLayer(
  text: Checkpoint,
  key: string,
  given: number | readonly number[],
  blocks: number,
): number[] {
  if (typeof given === 'number') return Array<number>(blocks).fill(given);
  if (given.length === blocks) return [...given];
  throw unsupported(text, key, `a list of ${given.length}`, `${blocks}, one for each block`);
}

/** Of each layer the share of gates that is cut off: by default of the first ten of more than ten. */
function sparsityOf(text: Checkpoint, config: Config): number[] {
  const { activation_sparsity_pattern: given, num_hidden_layers: blocks } = config;
  const sparse = blocks > 10 ? 10 : 0;
  const found =
    given == null
      ? Array.from({ length: blocks }, (_, i) => (i < sparse ? 0.95 : 0))
      : perLayer(text, 'activation_sparsity_pattern', given, blocks);
  const beyond = found.find((share) => share >= 1);
  if (beyond === undefined) return found.map((share) => Math.max(0, share));
  throw unsupported(text, 'activation_sparsity_pattern', String(beyond), 'shares below 1');
}
